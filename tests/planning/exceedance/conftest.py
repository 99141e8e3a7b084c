"""A line and a load written on the spot, and profiles of a few hours."""

from types import SimpleNamespace

import pytest

from gridstudio.evaluation import Workers
from gridstudio.planning.exceedance import Settings, check, run
from gridstudio.planning.exceedance.job import prepare

# A source of 4.16 kV, a lossless line of 200 A and a load of constant current: amps are proportional to the profile.
CIRCUIT = """
clear
new circuit.two basekv=4.16 pu=1.0 phases=3 bus1=source r1=0 x1=0.0001 r0=0 x0=0.0001
new line.feed bus1=source bus2=end phases=3 r1=0.0001 x1=0.0001 r0=0.0001 x0=0.0001 c1=0 c0=0 length=1 normamps=100
new load.town bus1=end phases=3 kv=4.16 kw=600 kvar=0 model=5 vminpu=0.5
new load.mill bus1=end phases=3 kv=4.16 kw=300 kvar=0 model=5 vminpu=0.5
{more}
set voltagebases=[4.16]
calcvoltagebases
"""


@pytest.fixture
def study(tmp_path):
    """study(table text or None, more circuit, section={...}): writes all and gives what running it needs."""

    def make(table, more="", **sections):
        (tmp_path / "master.dss").write_text(CIRCUIT.format(more=more))
        profiles = {}
        if table is not None:
            (tmp_path / "profiles.csv").write_text(table)
            profiles = {"table": "profiles.csv", "hours": len(table.strip().splitlines()) - 1}
        data = {"job": "exceedance", "feeder": {"master": "master.dss"}, "profiles": profiles}
        for name, values in sections.items():
            data[name] = {**data.get(name, {}), **values} if isinstance(values, dict) else values
        settings = Settings.validated(data, "the test's study")
        return SimpleNamespace(
            settings=settings,
            folder=tmp_path,
            check=lambda: check(settings, tmp_path),
            prepare=lambda: prepare(settings, tmp_path),
            run=lambda workers=Workers(), quick=False: run(settings, tmp_path, workers, quick=quick),
        )

    return make


@pytest.fixture
def table():
    """table(load=[...], ...): a profile as text."""

    def make(**columns):
        count = len(next(iter(columns.values())))
        rows = [",".join(["hour", *(name.replace("__", ".") for name in columns)])]
        rows += [",".join([str(h), *(str(values[h]) for values in columns.values())]) for h in range(count)]
        return "\n".join(rows) + "\n"

    return make
