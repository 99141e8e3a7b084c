"""How much may be tried: a power flow of a large circuit costs more than one of a small one."""

from gridstudio.planning.mitigation.problem import Plan, Problem

MOVES_NODES = 150_000  # candidates of a round, times nodes, hours and scenarios
FEW = 100  # candidates of a round: with fewer the circuit is large
SLOW_TIMES = 20  # a fresh copy of a circuit costs as much as so many power flows


def large(problem: Problem, plan: Plan) -> bool:
    """Whether a power flow costs so much that effects are predicted and candidates taken together."""
    return effort(problem, plan) < FEW


def effort(problem: Problem, plan: Plan) -> float:
    """How many candidates a round may try: fewer on large circuits, and where each needs a fresh copy of it."""
    solves = min(len(problem.scenarios), 4) * problem.scenarios[0].steps
    each = len(problem.network.nodes) * (SLOW_TIMES if any(o.slow for o in plan.options) else solves)
    return MOVES_NODES / each
