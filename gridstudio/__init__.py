"""gridstudio: distribution planning with real power flows, on OpenDSS.

    from gridstudio import Feeder, evaluate
    evaluate(Feeder("ieee123", Path("dss_models/ieee123/master.dss"))).violations()

Names are loaded when they are first used, so that ``import gridstudio`` costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gridstudio.domain.changes import BASE as BASE
    from gridstudio.domain.changes import At as At
    from gridstudio.domain.changes import ChangeSet as ChangeSet
    from gridstudio.domain.changes import Reconductor as Reconductor
    from gridstudio.domain.changes import SetSource as SetSource
    from gridstudio.domain.changes import SetSwitch as SetSwitch
    from gridstudio.domain.limits import Limits as Limits
    from gridstudio.domain.scenarios import Scenario as Scenario
    from gridstudio.engine import Feeder as Feeder
    from gridstudio.evaluation import Workers as Workers
    from gridstudio.evaluation import evaluate as evaluate
    from gridstudio.evaluation import evaluate_many as evaluate_many
    from gridstudio.planning import read_study as read_study
    from gridstudio.result import StudyResult as StudyResult
    from gridstudio.result import load as load

_HOME = {
    "BASE": "domain.changes",
    "At": "domain.changes",
    "ChangeSet": "domain.changes",
    "Reconductor": "domain.changes",
    "SetSource": "domain.changes",
    "SetSwitch": "domain.changes",
    "Limits": "domain.limits",
    "Scenario": "domain.scenarios",
    "Feeder": "engine",
    "Workers": "evaluation",
    "evaluate": "evaluation",
    "evaluate_many": "evaluation",
    "read_study": "planning",
    "StudyResult": "result",
    "load": "result",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"gridstudio.{_HOME[name]}"), name)
    raise AttributeError(f"module 'gridstudio' has no attribute {name!r}")
