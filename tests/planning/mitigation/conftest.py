"""What the tests of mitigation share: studies of small circuits."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from gridstudio.evaluation import Workers
from gridstudio.planning.mitigation import run
from gridstudio.planning.mitigation.search import start
from gridstudio.planning.mitigation.setup import based, prepare
from gridstudio.planning.phases import Phases

sys.path.insert(0, str(Path(__file__).parent))
from mitigation_studies import SMALL, TAIL, settings


@pytest.fixture
def study(tmp_path):
    """study(text, **sections): writes a circuit and gives what running a study of it needs."""

    def make(text=SMALL, tail=TAIL, **sections):
        (tmp_path / "master.dss").write_text(text + tail)
        asked = settings(**sections)
        return SimpleNamespace(
            settings=asked, folder=tmp_path, run=lambda workers=Workers(): run(asked, tmp_path, workers)
        )

    return make


@pytest.fixture
def searching():
    """searching(study): the prepared search, for tests below the whole job."""

    def make(of):
        setup = prepare(of.settings, of.folder)
        phases = Phases(setup.problem.feeder, setup.problem.limits, Workers())
        setup, before = based(setup, phases)
        return start(setup.problem, phases.evaluate, of.settings.search.steps, before)

    return make
