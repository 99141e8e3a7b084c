"""A line, or two of them, that can be worked out by hand, and studies on them."""

from types import SimpleNamespace

import pytest

from gridstudio.evaluation import Workers
from gridstudio.planning.hosting import Settings, check, run

CIRCUIT = """
clear
new circuit.two basekv=4.16 pu=1.0 phases=3 bus1=source r1=0 x1=1e-5 r0=0 x0=1e-5
new line.feed bus1=source bus2=end phases=3 {line} c1=0 c0=0 length=1 normamps=200
new load.town bus1=end phases=3 kv=4.16 kw={kw} kvar=0 model=1 vminpu=0.5
{more}
set voltagebases=[4.16]
calcvoltagebases
"""
HOUR = {"name": "noon", "load_scale": 1.0}


@pytest.fixture
def study(tmp_path):
    """study(line=..., kw=..., more=..., section={...}): writes all and gives what running it needs."""

    def make(line="r1=1e-4 x1=1e-4 r0=1e-4 x0=1e-4", kw=1e-3, more="", **sections):
        (tmp_path / "master.dss").write_text(CIRCUIT.format(line=line, kw=kw, more=more))
        data = {"job": "hosting", "feeder": {"master": "master.dss"}, "hours": [HOUR]}
        settings = Settings.validated(data | sections, "the test's study")
        return SimpleNamespace(
            settings=settings,
            folder=tmp_path,
            check=lambda: check(settings, tmp_path),
            run=lambda workers=Workers(), quick=False: run(settings, tmp_path, workers, quick=quick),
        )

    return make
