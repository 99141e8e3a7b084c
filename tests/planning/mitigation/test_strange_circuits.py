"""Circuits that the job has never seen: it runs, ends clean or says why, and proposes only what fits."""

import pytest
from mitigation_studies import CODES, HEAD

from gridstudio.domain.changes import AddCapacitor, AddRegulator, ReplaceTransformer

SOURCE = "new circuit.odd bus1=hv basekv=69 pu=1.02 r1=0 x1=0.0001 r0=0 x0=0.0001" + CODES
SUB = """
new transformer.sub phases=3 windings=2 buses=[hv head] conns=[delta wye] kvs=[69 12.47] kvas=[8000 8000] xhl=6
"""

SPLIT_PHASE = (
    HEAD
    + SOURCE
    + SUB
    + """
new line.a bus1=head bus2=mid phases=3 linecode=oh3 length=2.5 units=km
new line.lat bus1=mid.2 bus2=tap.2 phases=1 linecode=oh1 length=0.8 units=km
new transformer.svc phases=1 windings=3 buses=[tap.2 sec.1.0 sec.0.2] kvs=[7.2 0.12 0.12] kvas=[25 25 25]
~ %rs=[0.6 1.2 1.2] xhl=2.04 xht=2.04 xlt=1.36
new linecode.triplex nphases=2 units=km rmatrix=[0.9|0.3 0.9] xmatrix=[0.4|0.3 0.4] cmatrix=[0|0 0] normamps=180
new line.drop bus1=sec.1.2 bus2=house.1.2 phases=2 linecode=triplex length=20 units=m
new load.h1 bus1=house.1 phases=1 kv=0.12 kw=14 kvar=4 vminpu=0.6
new load.h2 bus1=house.2 phases=1 kv=0.12 kw=15 kvar=4 vminpu=0.6
new load.m bus1=mid phases=3 kv=12.47 kw=2000 kvar=900 vminpu=0.6
set voltagebases=[69 12.47 0.208]
calcvoltagebases
setkvbase bus=sec kvln=0.12
setkvbase bus=house kvln=0.12
"""
)

OPEN_DELTA = (
    HEAD
    + SOURCE
    + """
new transformer.sub phases=3 windings=2 buses=[hv head] conns=[delta delta] kvs=[69 4.8] kvas=[4000 4000] xhl=6
new transformer.rab phases=1 windings=2 buses=[head.1.2 reg.1.2] conns=[delta delta] kvs=[4.8 4.8] kvas=[1500 1500]
~ xhl=1
new transformer.rcb phases=1 windings=2 buses=[head.3.2 reg.3.2] conns=[delta delta] kvs=[4.8 4.8] kvas=[1500 1500]
~ xhl=1
new line.jump bus1=head.2 bus2=reg.2 phases=1 r1=0.0001 x1=0 r0=0.0001 x0=0 c1=0 c0=0 length=1 switch=yes
new regcontrol.rab transformer=rab winding=2 vreg=120 band=2 ptratio=40
new regcontrol.rcb transformer=rcb winding=2 vreg=120 band=2 ptratio=40
new line.a bus1=reg bus2=end phases=3 linecode=oh3 length=1.6 units=km
new load.e bus1=end phases=3 conn=delta kv=4.8 kw=1500 kvar=700 vminpu=0.6
new load.s bus1=end.1.2 phases=1 conn=delta kv=4.8 kw=150 kvar=60 vminpu=0.6
set voltagebases=[69 4.8]
calcvoltagebases
"""
)

LEVELS = (
    HEAD
    + SOURCE
    + SUB
    + """
new line.a bus1=head bus2=mid phases=3 linecode=oh3 length=1.5 units=km
new transformer.step phases=3 windings=2 buses=[mid low] conns=[delta wye] kvs=[12.47 4.16] kvas=[750 750] xhl=5
new line.b bus1=low bus2=far phases=3 linecode=oh3 length=0.6 units=km
new transformer.site phases=3 windings=2 buses=[far site] conns=[delta wye] kvs=[4.16 0.48] kvas=[300 300] xhl=4
new load.l bus1=far phases=3 kv=4.16 kw=500 kvar=200 vminpu=0.6
new load.site bus1=site phases=3 kv=0.48 kw=330 kvar=120 vminpu=0.6
set voltagebases=[69 12.47 4.16 0.48]
calcvoltagebases
"""
)

PV_SURPLUS = (
    HEAD
    + SOURCE
    + SUB
    + """
new line.a bus1=head bus2=mid phases=3 linecode=oh3 length=3 units=km
new line.lat bus1=mid.1 bus2=tip.1 phases=1 linecode=oh1 length=4 units=km
new load.t bus1=tip.1 phases=1 kv=7.2 kw=60 kvar=20 vminpu=0.6
new load.m bus1=mid phases=3 kv=12.47 kw=400 kvar=150 vminpu=0.6
new pvsystem.roof bus1=tip.1 phases=1 kv=7.2 kva=1100 pmpp=950 irradiance=1 pf=1
set voltagebases=[69 12.47]
calcvoltagebases
"""
)

NO_EARTH = (
    HEAD
    + SOURCE
    + """
new transformer.sub phases=3 windings=2 buses=[hv head] conns=[delta delta] kvs=[69 4.8] kvas=[4000 4000] xhl=6
new line.a bus1=head bus2=mid phases=3 linecode=oh3 length=1.2 units=km
new line.b bus1=mid bus2=end phases=3 linecode=oh3 length=1.2 units=km
new load.e bus1=end phases=3 conn=delta kv=4.8 kw=1100 kvar=600 vminpu=0.6
set voltagebases=[69 4.8]
calcvoltagebases
"""
)
CIRCUITS = {
    "split-phase": SPLIT_PHASE,
    "open delta": OPEN_DELTA,
    "levels": LEVELS,
    "pv surplus": PV_SURPLUS,
    "no earth": NO_EARTH,
}


@pytest.mark.parametrize("name", CIRCUITS)
def test_it_ends_clean_or_says_why(study, name):
    result = study(CIRCUITS[name], tail="", search={"exact": 0, "swaps": 1}).run()
    assert len(result.tables["violations_before"]) > 0
    taken = result.tables["steps"][result.tables["steps"]["accepted"]]
    assert len(taken) > 0
    if result.violations_left:
        assert result.tables["remaining"]["cause"].str.contains("not cured|a switch").all()


def test_the_service_transformer_of_a_split_phase_house_is_replaced_whole(study):
    result = study(SPLIT_PHASE, tail="", search={"exact": 0, "swaps": 0}).run()
    plan = result.tables["plan"].set_index("element")
    assert plan.loc["transformer.svc", "measure"] == "transformer_one_phase"
    assert plan.loc["transformer.svc", "size"] == 50.0


def test_no_wye_bank_and_no_regulator_are_offered_without_earth(study, searching):
    from gridstudio.planning.mitigation import capacitors, menu

    problem = searching(study(NO_EARTH, tail="")).problem
    assert menu.new_regulator(problem, "b") == []
    assert capacitors.new_capacitors(problem, "end", (1,)) == []
    banks = capacitors.new_capacitors(problem, "end", (1, 2, 3))
    assert banks
    assert all(isinstance(c, AddCapacitor) and c.connection == "delta" for o in banks for c in o.changes)


def test_a_regulator_is_offered_where_there_is_earth(study, searching):
    from gridstudio.planning.mitigation import menu

    problem = searching(study(LEVELS, tail="")).problem
    options = menu.new_regulator(problem, "b")
    assert options
    assert all(isinstance(change, AddRegulator) for option in options for change in option.changes)


def test_both_units_of_an_open_delta_are_replaced_together(study, searching):
    from gridstudio.planning.mitigation import menu

    problem = searching(study(OPEN_DELTA, tail="")).problem
    option = menu.transformer_options(problem, "rcb")[0]
    assert [c.transformer for c in option.changes if isinstance(c, ReplaceTransformer)] == ["rab", "rcb"]
    assert option.measure == "regulator"


def test_a_switch_is_not_offered_a_larger_conductor(study, searching):
    from gridstudio.planning.mitigation import menu

    assert menu.line_options(searching(study(OPEN_DELTA, tail="")).problem, "jump") == []
