"""A chain of four sections with a tie, its wind, fragility and weights, written on the spot.

grid --sw_a-- a == a_end --sw_b-- b == b_end --sw_c-- c == c_end, and a tie from c_end to a_end, normally open. Lines
(==) are 1 km of overhead line; each end has a load. Grid-forming sources stand open at b and c; lateral, a bus of phase
2 behind b_end, has none.
"""

from types import SimpleNamespace

import numpy as np
import pytest

from gridstudio.planning.resilience.contract import Storms
from gridstudio.planning.resilience.settings import ResilienceSettings
from gridstudio.planning.resilience.setup import prepare

LINE = "r1=0.1 x1=0.2 r0=0.2 x0=0.5 c1=0 c0=0 normamps=1000"
LINE_OF_SMALL = "r1=1e-5 x1=1e-5 r0=1e-5 x0=1e-5 c1=0 c0=0 normamps=1000"
SWITCH = "switch=yes r1=1e-5 x1=1e-5 r0=1e-5 x0=1e-5 c1=0 c0=0 length=0.001 normamps=1000"
FILES = {
    "devices.csv": "device,element,type,normally_open,remote\n"
    + "".join(f"{name},line.sw_{name},switch,false,true\n" for name in "abc")
    + "tie,line.tie,switch,true,true\n",
    "wind.csv": "region,distribution,location_m_s,scale_m_s,shape,table,source\n"
    "extreme,lognormal,,30,0.3,,a test\ncalm,table,,,,calm.csv,a test\n",
    "calm.csv": "wind_m_s,cdf\n0,0\n0.001,1\n",
    "fragility.csv": "kind,hardened,median_m_s,sigma,wind_m_s,probability,reference_length_m,source\n"
    "overhead,false,40,0.3,,,1000,a test\noverhead,true,60,0.3,,,1000,a test\n",
    "weights.csv": "load,weight,critical,source\nload_c,10,true,a test\n",
}


def circuit_text():
    text = ["clear", "new circuit.chain bus1=grid basekv=12.47 pu=1.0 phases=3 r1=0 x1=1e-4 r0=0 x0=1e-4"]
    above = "grid"
    for name in "abc":
        text += [
            f"new line.sw_{name} bus1={above} bus2={name} phases=3 {SWITCH}",
            f"new line.feed_{name} bus1={name} bus2={name}_end phases=3 {LINE} length=1 units=km",
            f"new load.load_{name} bus1={name}_end phases=3 kv=12.47 kw=100 kvar=30 model=1 vminpu=0.5",
        ]
        above = f"{name}_end"
    text += [
        f"new line.tie bus1=c_end bus2=a_end phases=3 {SWITCH}",
        "open line.tie 1",
        "open line.tie 2",
        "new line.feed_lateral bus1=b_end.2 bus2=lateral.2 phases=1 r1=0.1 x1=0.2 c1=0 length=0.1 units=km",
    ]
    for name in "bc":
        text += [f"new vsource.gfm_{name} bus1={name} phases=3 basekv=12.47 pu=1.0 r1=1e-6 x1=1e-5 r0=1e-6 x0=1e-5"]
        text += [f"open vsource.gfm_{name} 1"]
    return "\n".join([*text, "set voltagebases=[12.47]", "calcvoltagebases", ""])


@pytest.fixture
def chain(tmp_path):
    """chain(files={name: text}, section={...}): writes circuit and tables, and gives settings, folder and prepare."""

    def make(files=None, **sections):
        for name, text in (FILES | {"master.dss": circuit_text()} | (files or {})).items():
            (tmp_path / name).write_text(text)
        data = {
            "job": "resilience",
            "feeder": {"master": "master.dss"},
            "devices": {"table": "devices.csv"},
            "weather": {"table": "wind.csv", "shares": {"extreme": 1.0}, "strata": 3},
            "lines": {"fragility": "fragility.csv"},
            "loads": {"weights": "weights.csv"},
            "sites": [{"name": "b", "max_kw": 200}, {"name": "c", "max_kw": 200}],
            "budget": {"kw": 200},
            "monte_carlo": {"storms": 2000, "least": 500, "standard_error_pct": 2.0},
            "scenarios": {"keep": 8},
        }
        for name, values in sections.items():
            data[name] = {**data.get(name, {}), **values} if isinstance(values, dict) else values
        settings = ResilienceSettings.validated(data, "the test's study")
        return SimpleNamespace(settings=settings, folder=tmp_path, prepare=lambda: prepare(settings, tmp_path))

    return make


def small_text(line=LINE_OF_SMALL, more=""):
    """grid -- a -- b -- c -- d, and e behind b, each with two buses of load; a tie from d to e. Sources at b to e.
    ``more``: what else there is."""
    text = ["clear", "new circuit.small bus1=grid basekv=12.47 pu=1.0 phases=3 r1=0 x1=1e-4 r0=0 x0=1e-4"]
    kw = {"a": (100, 50), "b": (50, 50), "c": (100, 50), "d": (50, 100), "e": (50, 50)}
    for name, above in {"a": "grid", "b": "a_end", "c": "b_end", "d": "c_end", "e": "b_end"}.items():
        text += [
            f"new line.sw_{name} bus1={above} bus2={name} phases=3 {SWITCH}",
            f"new line.feed_{name} bus1={name} bus2={name}_end phases=3 {line} length=1 units=km",
            f"new vsource.gfm_{name} bus1={name} phases=3 basekv=12.47 pu=1.0 r1=1e-6 x1=1e-5 r0=1e-6 x0=1e-5",
            f"open vsource.gfm_{name} 1",
        ]
        for place, size in zip((name, f"{name}_end"), kw[name], strict=True):
            text += [f"new load.at_{place} bus1={place} phases=3 kv=12.47 kw={size} kvar=0 model=1 vminpu=0.5"]
    tie = f"new line.tie bus1=d_end bus2=e_end phases=3 {SWITCH}"
    return "\n".join(
        [*text, tie, "open line.tie 1", "open line.tie 2", more, "set voltagebases=[12.47]", "calcvoltagebases", ""]
    )


@pytest.fixture
def small(chain):
    """small(line="r1=...", more="new ...", section={...}): what ``prepare`` makes of the feeder of ``small_text``."""

    def make(line=LINE_OF_SMALL, more="", **sections):
        files = {
            "master.dss": small_text(line, more),
            "devices.csv": "device,element,type,normally_open,remote\n"
            + "".join(f"{name},line.sw_{name},switch,false,true\n" for name in "abcde")
            + "tie,line.tie,switch,true,true\n",
            "weights.csv": "load,weight,critical,source\nat_c,5,true,a test\n"
            "at_e_end,10,true,a test\nat_d,2,true,a test\n",
        }
        sites = [{"name": name, "max_kw": 200, "kva_per_kw": 1.25} for name in "cedb"]
        return chain(files, **{"sites": sites, **sections}).prepare()

    return make


@pytest.fixture
def storms_where():
    """Equally likely storms in which the named lines fail, all of which hold once they are hardened."""

    def storms(setup, failed):
        out = np.array([[name in lines for name in setup.grid.line_names] for lines in failed])
        count = len(failed)
        return Storms(
            names=tuple(map(str, range(count))),
            probability=np.full(count, 1 / count),
            wind_m_s=np.full(count, 30.0),
            stratum=np.zeros(count, dtype=int),
            failed=out,
            failed_hardened=np.zeros_like(out),
        )

    return storms
