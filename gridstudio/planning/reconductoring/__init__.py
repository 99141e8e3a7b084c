"""Reconductoring under load uncertainty: which lines get which larger conductor, in which year, at least cost.

The job of Donadel 2025 (doi 10.3390/eng6080186) and beyond it: the search of a branch is
exhaustive (``branch``), plans are verified by power flow (``modes``), voltages cured where conductors can
(``voltage``), the plan improved as a whole (``joint``), and one plan chosen to commit to (``robust``).

Modes: ``independent`` plans each branch at the currents of the circuit as it is (the paper's); ``verified`` plans
again until the circuit with the new conductors is clean; ``joint`` improves the verified plan.
"""

from gridstudio.planning.reconductoring.job import check, run
from gridstudio.planning.reconductoring.settings import ReconductoringSettings as Settings

__all__ = ["Settings", "check", "run"]
