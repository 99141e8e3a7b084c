"""Zones written on the spot: a grid, boundary lines, and behind each a bus with loads and a grid-forming source."""

from types import SimpleNamespace

import pytest

from gridstudio.evaluation import Workers
from gridstudio.planning.islanding import Settings, run
from gridstudio.planning.islanding.job import prepare

FLAT = [1.0] * 24
LOSSLESS = "r1=1e-5 x1=1e-5 r0=1e-5 x0=1e-5 c1=0 c0=0 length=1 normamps=1000"


def written_zone(name, loads, line=LOSSLESS, more=""):
    """A zone at bus ``name``: switch sw_name from the grid, source gfm_name, its loads at bus name_end.

    ``loads``: {load: kW}, three-phase, or {load: (kW, kvar, phase)} of one phase.
    """
    text = [
        f"new line.sw_{name} bus1=grid bus2={name} phases=3 switch=yes {LOSSLESS}",
        f"new line.feed_{name} bus1={name} bus2={name}_end phases=3 {line}",
        f"new vsource.gfm_{name} bus1={name} phases=3 basekv=12.47 pu=1.0 r1=1e-6 x1=1e-5 r0=1e-6 x0=1e-5",
        f"open vsource.gfm_{name} 1",
    ]
    for load, value in loads.items():
        if isinstance(value, tuple):
            kw, kvar, phase = value
            where = f"bus1={name}_end.{phase} phases=1 kv=7.2 kw={kw} kvar={kvar}"
        else:
            where = f"bus1={name}_end phases=3 kv=12.47 kw={value} kvar=0"
        text.append(f"new load.{load} {where} model=1 vminpu=0.5 vmaxpu=1.5")
    return "\n".join([*text, more])


def circuit_text(*zones):
    head = "clear\nnew circuit.guide bus1=grid basekv=12.47 pu=1.0 phases=3 r1=0 x1=1e-4 r0=0 x0=1e-4"
    return "\n".join([head, *zones, "set voltagebases=[12.47]", "calcvoltagebases", ""])


def lossless_zone(name, **changes):
    """A zone that loses nothing and keeps no reserve, so that hours are kWh over kW."""
    return {
        "name": name,
        "source": f"vsource.gfm_{name}",
        "boundary": [f"sw_{name}"],
        "storage_kwh": 1000.0,
        "storage_kw": 1000.0,
        "inverter_kva": 2000.0,
        "reserve_soc": 0.0,
        "charge_efficiency": 1.0,
        "discharge_efficiency": 1.0,
    } | changes


@pytest.fixture
def zone_text():
    return written_zone


@pytest.fixture
def plain_zone():
    return lossless_zone


@pytest.fixture
def study(tmp_path):
    """study([zone texts], [zones], section={...}): writes circuit and study, and gives what running it needs."""

    def make(texts, zones, **sections):
        (tmp_path / "master.dss").write_text(circuit_text(*texts))
        data = {
            "job": "islanding",
            "feeder": {"master": "master.dss"},
            "zones": zones,
            "islands": {"start_hours": [20], "whole_day": False, "maximise": "kw"},
            "shapes": {"load": FLAT},
        }
        for name, values in sections.items():
            data[name] = {**data.get(name, {}), **values} if isinstance(values, dict) else values
        settings = Settings.validated(data, "the test's study")
        return SimpleNamespace(
            settings=settings,
            folder=tmp_path,
            prepare=lambda: prepare(settings, tmp_path),
            run=lambda workers=Workers(): run(settings, tmp_path, workers),
        )

    return make
