"""A derived circuit as the files of an OpenDSS model."""

import math
from collections.abc import Iterable
from typing import Any

import pandas as pd

from gridstudio.build.model import Circuit

EMERGENCY = 1.2  # emergency over normal rating, as in the other feeder models
TRANSFORMER_X_PERCENT, TRANSFORMER_LOSS_PERCENT = 8.0, 0.5  # substation transformers, on their own rating
BUS_PU = 1.03  # what the substation's tap changer holds
FILES = ("linecodes", "lines", "transformers", "loads", "generators")
BASE_120_V = 120.0
IDEAL = "r1=0.0001 x1=0 r0=0.0001 x0=0 c1=0 c0=0 length=0.001"  # as the ties of the other feeder models


def write(circuit: Circuit) -> dict[str, str]:
    """The files of the model by name: master, the parts, candidates, devices, customers, storage, coordinates."""
    texts = {
        "master.dss": _master(circuit),
        "linecodes.dss": _linecodes(circuit),
        "lines.dss": _lines(circuit),
        "transformers.dss": _transformers(circuit),
        "loads.dss": _loads(circuit),
        "generators.dss": _generators(circuit),
        "candidates.dss": _candidates(circuit),
        "buscoords.csv": circuit.coordinates.round(6).to_csv(index=False),
        "devices.csv": circuit.devices.to_csv(index=False),
        "customers.csv": circuit.customers.to_csv(index=False),
    }
    if len(circuit.storage):
        texts["storage.csv"] = _storage(circuit).to_csv(index=False)
    return texts


def _text(title: str, lines: Iterable[str]) -> str:
    return "\n".join([f"! {title}", *lines]) + "\n"


def _master(circuit: Circuit) -> str:
    first, *others = circuit.sources.itertuples()
    sources = [
        "",
        "! --- Sources: stiff, on the high side of each substation transformer ---",
        f"new circuit.{circuit.name} bus1={first.bus_high} basekv={first.high_kv:g} pu=1.0 angle=0",
        "~ r1=0 x1=0.0001 r0=0 x0=0.0001",
    ]
    for row in others:
        sources += [
            f"new vsource.{row.bus} phases=3 bus1={row.bus_high} basekv={row.high_kv:g} pu=1.0 angle=0",
            "~ r1=0 x1=0.0001 r0=0 x0=0.0001",
        ]
    bases = " ".join(f"{kv:g}" for kv in circuit.voltages_kv)
    return _text(
        f"{circuit.title}. Origin, assumptions and known results: README.md. Redirect this file, then `solve`.",
        [
            "",
            "clear",
            "set defaultbasefrequency=60",
            *sources,
            "",
            "! --- Network ---",
            *(f"redirect {name}.dss" for name in FILES),
            "",
            "! --- Voltage bases [kV] and coordinates (degrees) ---",
            f"set voltagebases=[{bases}]",
            "calcvoltagebases",
            "buscoords buscoords.csv",
            "",
            "! --- Solution: large feeders need more than the default iterations ---",
            "set maxiterations=100",
            "set maxcontroliter=100",
        ],
    )


def _matrices(phases: int, r: float, x: float, r0: float, x0: float) -> str:
    """Impedance matrices [ohm per mile] of transposed conductors from sequence impedances, without capacitance."""
    size = int(phases)
    texts = []
    for key, one, zero in (("rmatrix", r, r0), ("xmatrix", x, x0)):
        own, mutual = (2 * one + zero) / 3, (zero - one) / 3
        rows = [" ".join([f"{mutual:.5f}"] * row + [f"{own:.5f}"]) for row in range(size)]
        texts.append(f"{key}=[{'|'.join(rows)}]")
    none = "|".join(" ".join(["0"] * (row + 1)) for row in range(size))
    return f"{' '.join(texts)} cmatrix=[{none}]"


def _sequence(row: Any) -> str:
    """Impedances [ohm per mile] of a switch without capacitance; one phase alone has its own impedance in both."""
    r, x, r0, x0 = row.r, row.x, row.r0, row.x0
    if row.phases == 1:
        r = r0 = (2 * row.r + row.r0) / 3
        x = x0 = (2 * row.x + row.x0) / 3
    return f"r1={r:.5f} x1={x:.5f} r0={r0:.5f} x0={x0:.5f} c1=0 c0=0"


def _linecodes(circuit: Circuit) -> str:
    return _text(
        "Line codes: conductor, laying (oh overhead, ug underground) and number of phases; medians of the edges.",
        (
            f"new linecode.{c.line_code} nphases={int(c.phases)} units=mi {_matrices(c.phases, c.r, c.x, c.r0, c.x0)} "
            f"normamps={c.ampacity_a:g} emergamps={EMERGENCY * c.ampacity_a:g}"
            for c in circuit.codes.itertuples()
        ),
    )


def _lines(circuit: Circuit) -> str:
    lines = []
    opened = []
    for row in circuit.lines.itertuples():
        # switch=yes resets impedance and length, so it comes first; neither a line code nor matrices act after it
        # (measured), only sequence impedances
        switch = " switch=yes" if row.switch else ""
        rating = f"normamps={row.ampacity_a:g} emergamps={EMERGENCY * row.ampacity_a:g}"
        if math.isnan(row.miles):
            body = f"{IDEAL} {rating}"
        elif row.switch:
            body = f"{_sequence(row)} units=mi length={row.miles:.7g} {rating}"
        elif row.own:
            body = f"{_matrices(row.phases, row.r, row.x, row.r0, row.x0)} units=mi length={row.miles:.7g} {rating}"
        else:
            body = f"linecode={row.line_code} units=mi length={row.miles:.7g} {rating}"
        lines.append(
            f"new line.{row.line} phases={row.phases} bus1={row.bus1}.{row.nodes} bus2={row.bus2}.{row.nodes}"
            f"{switch} {body}"
        )
        if row.open:
            opened += [f"open line.{row.line} 1", f"open line.{row.line} 2"]
    closing = ["", "! --- Normally open ---", *opened] if opened else []
    return _text("Lines and switches, from the edges of the network.", [*lines, *closing])


def _transformers(circuit: Circuit) -> str:
    lines = []
    for row in circuit.sources.itertuples():
        kva = row.mva * 1000
        lines += [
            f"new transformer.{row.bus} phases=3 windings=2 buses=[{row.bus_high} {row.bus}] conns=[delta wye] "
            f"kvs=[{row.high_kv:g} {row.low_kv:g}] kvas=[{kva:g} {kva:g}] xhl={TRANSFORMER_X_PERCENT:g} "
            f"%loadloss={TRANSFORMER_LOSS_PERCENT:g} normhkva={kva:g} emerghkva={EMERGENCY * kva:g}",
            f"new regcontrol.{row.bus} transformer={row.bus} winding=2 vreg={BUS_PU * BASE_120_V:g} band=2 "
            f"ptratio={row.low_kv * 1000 / math.sqrt(3) / BASE_120_V:.6g}",
        ]
    return _text("Substation transformers with their tap changers (+-10 % in 32 steps).", lines)


def _loads(circuit: Circuit) -> str:
    return _text(
        "Loads at the primary node of their service transformer: peak kW of the customers behind it.",
        (
            f"new load.{row.load} phases={row.phases} bus1={row.bus}.{row.nodes} conn=wye model=1 kv={row.kv:.6g} "
            f"kw={row.kw:.8g} kvar={row.kvar:.8g} vminpu=0.7 vmaxpu=1.3"
            for row in circuit.loads.itertuples()
        ),
    )


def _generators(circuit: Circuit) -> str:
    return _text(
        "Solar in service, summed by service transformer; at full sun. A scenario's generation_scale is the sun.",
        (
            f"new pvsystem.pv_{row.transformer} phases={row.phases} bus1={row.bus}.{row.nodes} conn=wye "
            f"kv={row.kv:.6g} kva={1.1 * row.kw:.6g} pmpp={row.kw:.6g} irradiance=1 pf=1 "
            "%cutin=0 %cutout=0 vminpu=0.7 vmaxpu=1.3"
            for row in circuit.solar.itertuples()
        ),
    )


def _candidates(circuit: Circuit) -> str:
    storage = circuit.storage
    forming = storage[storage["inverter_kva"] > 0]
    return _text(
        "Candidate assets, all off. Redirect after master.dss; the results stay those of master.dss.",
        [
            "! Storage is a generator of 0 kW: on is its kw (positive: discharging). Ratings: storage.csv.",
            "! Grid-forming sources are open at their terminal: on is `close`, off is `open`; they have no limit in",
            "! the model, the rating of their inverter is in storage.csv. Normally open ties are in lines.dss.",
            *(
                f"new generator.bess_{row.transformer} phases={row.phases} bus1={row.bus}.{row.nodes} conn=wye model=1 "
                f"kv={row.kv:.6g} kw=0 pf=1"
                for row in storage.itertuples()
            ),
            "",
            *(
                f"new vsource.gfm_{row.transformer} phases=3 bus1={row.bus}.1.2.3 basekv={row.kv:.6g} pu=1.0 angle=-30 "
                "r1=0.001 x1=0.01 r0=0.001 x0=0.01"
                for row in forming.itertuples()
            ),
            *(f"open vsource.gfm_{row.transformer} 1" for row in forming.itertuples()),
        ],
    )


def _storage(circuit: Circuit) -> pd.DataFrame:
    """generator, bus, kw, kwh, grid_forming (the source's name, empty if it cannot), inverter_kva."""
    storage = circuit.storage
    forming = storage["inverter_kva"] > 0
    return pd.DataFrame(
        {
            "generator": "bess_" + storage["transformer"],
            "bus": storage["bus"],
            "kw": storage["kw"],
            "kwh": storage["kwh"],
            "grid_forming": ("gfm_" + storage["transformer"]).where(forming, ""),
            "inverter_kva": storage["inverter_kva"].where(forming, 0.0),
        }
    )
