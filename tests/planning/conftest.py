"""Small circuits, catalogues and problems for the tests of the reconductoring job."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from gridstudio.domain.conductors import Catalogue
from gridstudio.domain.line_constants import line_matrices, standard_structures
from gridstudio.evaluation import Workers
from gridstudio.planning import read_study
from gridstudio.planning.phases import Phases
from gridstudio.planning.reconductoring import Settings, run
from gridstudio.planning.reconductoring.problem import Problem
from gridstudio.planning.reconductoring.setup import prepare

ROOT = Path(__file__).parents[2]
MAIN_STUDY = ROOT / "studies" / "reconductoring_ieee123.toml"

# Three sizes of a bare conductor; GMR is that of a solid round wire, 0.7788 times the radius.
WIRES = {
    "small": (100.0, 10_000.0, 1.0, 0.008),
    "medium": (200.0, 18_000.0, 0.4, 0.012),
    "large": (320.0, 40_000.0, 0.15, 0.018),
}


def catalogue_text(wires=WIRES, selectable=("medium", "large")):
    header = "name,ampacity_a,cost_usd_per_km,selectable,ac_resistance_ohm_per_km,gmr_m,diameter_m\n"
    return header + "".join(
        f"{name},{amps!r},{cost:g},{'yes' if name in selectable else 'no'},{r:g},{0.7788 * d / 2:g},{d:g}\n"
        for name, (amps, cost, r, d) in wires.items()
    )


def circuit_text(lines, loads, source_pu=1.0, kv=12.47, wire="small", extra=""):
    """A master file: ``lines`` {name: (bus1, bus2, km)}, ``loads`` {name: (bus, kW, kvar, model)}; one phase, or three
    if a line's buses are named with a star. Line code 'one' hangs ``wire`` on structure 510 without a neutral."""
    from gridstudio.domain.conductors import Conductor

    ohm, diameter = WIRES[wire][2], WIRES[wire][3]
    r, x, c = line_matrices(
        Conductor(wire, ohm, 0.7788 * diameter / 2, diameter), None, standard_structures()["510"], "A"
    )
    base_kv = kv / np.sqrt(3)
    text = [
        "clear",
        "set defaultbasefrequency=60",
        f"new circuit.small bus1=source.1 phases=1 basekv={base_kv:.9g} pu={source_pu:g} r1=0 x1=1e-4 r0=0 x0=1e-4",
        f"new linecode.one nphases=1 units=km rmatrix=[{r[0, 0]:.9g}] xmatrix=[{x[0, 0]:.9g}] cmatrix=[{c[0, 0]:.9g}]",
    ]
    text += [
        f"new line.{name} phases=1 bus1={a}.1 bus2={b}.1 linecode=one length={km:g} units=km"
        for name, (a, b, km) in lines.items()
    ]
    text += [
        f"new load.{name} phases=1 bus1={bus}.1 kv={base_kv:.9g} kw={kw:g} kvar={kvar:g} model={model} "
        "vminpu=0.5 vmaxpu=1.5"
        for name, (bus, kw, kvar, model) in loads.items()
    ]
    return "\n".join([*text, extra, f"set voltagebases=[{kv:g}]", "calcvoltagebases", ""])


def small_settings(**changes):
    """Settings of a study of a small circuit; ``changes`` are sections to merge, e.g. search={"mode": "joint"}."""
    data = {
        "job": "reconductoring",
        "feeder": {"master": "master.dss"},
        "limits": {"v_min_pu": 0.80, "v_max_pu": 1.10},
        "horizon": {"years": 2, "growth_per_year": 0.05},
        "uncertainty": {"points": 1},
        "conductors": {
            "catalogue": "catalogue.csv",
            "existing": {"one": "small"},
            "construction": {"one": {"structure": "510", "phases": "A"}},
        },
        "search": {"mode": "verified", "replacements": 2},
    }
    for section, values in changes.items():
        data[section] = {**data.get(section, {}), **values}
    return Settings.validated(data, "the test's study")


@pytest.fixture
def study(tmp_path):
    """study(lines, loads, circuit={...}, **settings): writes a small study and gives what running it needs."""

    def make(lines, loads, circuit=None, wires=WIRES, selectable=("medium", "large"), **changes):
        (tmp_path / "master.dss").write_text(circuit_text(lines, loads, **(circuit or {})))
        (tmp_path / "catalogue.csv").write_text(catalogue_text(wires, selectable))
        settings = small_settings(**changes)
        return SimpleNamespace(
            settings=settings, folder=tmp_path, run=lambda workers=Workers(): run(settings, tmp_path, workers)
        )

    return make


@pytest.fixture
def bench():
    """bench(study): the prepared problem with an evaluate function, for tests below the whole job."""

    def make(study):
        setup = prepare(study.settings, study.folder)
        phases = Phases(setup.problem.feeder, setup.limits, Workers())
        return SimpleNamespace(
            problem=setup.problem,
            scenarios=setup.scenarios,
            limits=setup.limits,
            evaluate=phases.evaluate,
            phases=phases,
        )

    return make


def make_catalogue(ampacity_a, cost_usd_per_km, selectable, resistance=None):
    return Catalogue(
        names=tuple(f"C{row}" for row in range(len(ampacity_a))),
        ampacity_a=np.array(ampacity_a, dtype=float),
        cost_usd_per_km=np.array(cost_usd_per_km, dtype=float),
        selectable=np.array(selectable, dtype=bool),
        ac_resistance_ohm_per_km=None if resistance is None else np.array(resistance, dtype=float),
    )


@pytest.fixture
def abstract_problem():
    """abstract_problem(...): a problem without a circuit, for the mathematics on currents alone."""

    def make(
        ampacity_a, cost_usd_per_km, selectable, existing, years, most, rate=0.0, length_km=None, resistance=None,
        loss_usd_per_kw=None, limit_pu=1.0,
    ):  # fmt: skip
        lines = len(existing)
        return Problem(
            feeder=None,
            network=None,
            catalogue=make_catalogue(ampacity_a, cost_usd_per_km, selectable, resistance),
            lines=tuple(f"l{line}" for line in range(lines)),
            length_km=np.ones(lines) if length_km is None else np.array(length_km, dtype=float),
            existing=np.array(existing, dtype=np.intp),
            years=years,
            discount_rate=rate,
            surcharge=0.0,
            limit_pu=limit_pu,
            most=most,
            line_codes={},
            loss_usd_per_kw=np.zeros(years) if loss_usd_per_kw is None else np.array(loss_usd_per_kw, dtype=float),
        )

    return make


@pytest.fixture
def donadel():
    """Folder of the published tables beside the checkout; skips visibly where it is not."""
    folder = ROOT.parent / "shared" / "data" / "donadel2025"
    if not folder.is_dir():
        pytest.skip("the published tables (../shared/data/donadel2025) are not here")
    return folder


_kept = {}


@pytest.fixture(scope="session")
def main_study():
    """The published study, solved once per process: its settings and its result."""
    if not _kept:
        job, settings = read_study(MAIN_STUDY)
        _kept["study"] = SimpleNamespace(
            settings=settings,
            folder=MAIN_STUDY.parent,
            result=job.run(settings, MAIN_STUDY.parent, Workers(2), None, False),
        )
    return _kept["study"]
