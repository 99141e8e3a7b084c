"""Operation of a node on representative days: dispatch, network and storage against what is in service.

The problem depends on nothing but the incoming state: what was built before the stage began. One program holds one day
(CO2 target per day) or all days (CO2 target per year); each constraint group is a function with its equation number.
"""

from gridstudio.planning.transition.operation.day import GROUPS, Operation, operation

__all__ = ["GROUPS", "Operation", "operation"]
