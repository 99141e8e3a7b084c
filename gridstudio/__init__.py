"""gridstudio: distribution planning with real power flows, on OpenDSS.

    from gridstudio import Feeder, evaluate
    evaluate(Feeder("ieee123", Path("dss_models/ieee123/master.dss"))).violations()

Names are loaded when they are first used, so that ``import gridstudio`` costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gridstudio.domain.changes import BASE as BASE
    from gridstudio.domain.changes import AddBattery as AddBattery
    from gridstudio.domain.changes import AddCapacitor as AddCapacitor
    from gridstudio.domain.changes import AddRegulator as AddRegulator
    from gridstudio.domain.changes import At as At
    from gridstudio.domain.changes import ChangeSet as ChangeSet
    from gridstudio.domain.changes import MovePhase as MovePhase
    from gridstudio.domain.changes import ParallelLine as ParallelLine
    from gridstudio.domain.changes import Reconductor as Reconductor
    from gridstudio.domain.changes import ReduceLoad as ReduceLoad
    from gridstudio.domain.changes import ReplaceTransformer as ReplaceTransformer
    from gridstudio.domain.changes import SetCapacitor as SetCapacitor
    from gridstudio.domain.changes import SetRegulator as SetRegulator
    from gridstudio.domain.changes import SetSource as SetSource
    from gridstudio.domain.changes import SetSwitch as SetSwitch
    from gridstudio.domain.changes import VoltVar as VoltVar
    from gridstudio.domain.equipment import read_equipment as read_equipment
    from gridstudio.domain.equipment import standard_equipment as standard_equipment
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
    "AddBattery": "domain.changes",
    "AddCapacitor": "domain.changes",
    "AddRegulator": "domain.changes",
    "At": "domain.changes",
    "ChangeSet": "domain.changes",
    "MovePhase": "domain.changes",
    "ParallelLine": "domain.changes",
    "Reconductor": "domain.changes",
    "ReduceLoad": "domain.changes",
    "ReplaceTransformer": "domain.changes",
    "SetCapacitor": "domain.changes",
    "SetRegulator": "domain.changes",
    "SetSource": "domain.changes",
    "SetSwitch": "domain.changes",
    "VoltVar": "domain.changes",
    "read_equipment": "domain.equipment",
    "standard_equipment": "domain.equipment",
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
