"""The policy graph of a study: a node for each stage and outlook, its investment problem, its days of operation."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from gridstudio.planning.transition.case import Case, Chain, FloatArray, Outlook, RepresentativeDays, fits
from gridstudio.planning.transition.factors import Portfolio, present_value
from gridstudio.planning.transition.investment import investment_problem
from gridstudio.planning.transition.operation import Operation, operation
from gridstudio.planning.transition.settings import Convention
from gridstudio.solve.risk import Expectation, RiskMeasure
from gridstudio.solve.sddp.graph import Node, Part, PolicyGraph, markovian
from gridstudio.solve.sddp.problem import StageProblem

DAYS_PER_YEAR = 365
MUSD = 1e-3  # operation is in thousand USD, nodes in million


@dataclass(frozen=True, eq=False)
class Model:
    """All that makes a policy graph: the case, what may be built, the days, the CO2 convention, what is left out.

    ``risk``: what the costs of the states that may follow count for, taken anew at every node; see ``RiskSettings``.
    """

    case: Case
    items: Portfolio
    days: RepresentativeDays
    convention: Convention = "day"
    off: frozenset[str] = frozenset()
    risk: RiskMeasure = field(default_factory=Expectation)

    def __post_init__(self) -> None:
        fits(self.days, self.case)

    def name(self, stage: int, place: int) -> str:
        """Of the node of an outlook; ``stage`` from 0."""
        return f"stage {stage + 1} {self.case.chain.stages[stage][place].name}"

    def with_chain(self, chain: Chain) -> "Model":
        """The same under other outlooks."""
        return replace(self, case=replace(self.case, chain=chain))


def policy_graph(model: Model, fixed: Mapping[str, FloatArray] | None = None, exact: bool = False) -> PolicyGraph:
    """Nodes in million USD. ``fixed``: by node name what is built there (item,); ``exact``: with hourly binaries."""
    fixed = fixed or {}
    stages = [
        [
            _node(model, stage, place, outlook, fixed.get(model.name(stage, place)), exact)
            for place, outlook in enumerate(outlooks)
        ]
        for stage, outlooks in enumerate(model.case.chain.stages)
    ]
    initial = dict.fromkeys(model.items.state_names, 0.0)
    return markovian(stages, model.case.chain.matrices, initial, lower_bound=0.0)


def held(graph: PolicyGraph, model: Model, fixed: Mapping[str, FloatArray]) -> PolicyGraph:
    """The graph with what is built held at some nodes, by name (item,); NaN where an item stays free."""
    places = {model.name(t, k): (t, k) for t, row in enumerate(model.case.chain.stages) for k in range(len(row))}
    nodes = []
    for node in graph.nodes:
        if node.name in fixed:
            stage, place = places[node.name]
            outlook = model.case.chain.stages[stage][place]
            problem = investment_problem(model.case, model.items, stage, outlook, model.off, fixed[node.name])
            node = replace(node, problem=_times(problem, discount(model, stage)))
        nodes.append(node)
    return replace(graph, nodes=tuple(nodes))


def day_groups(model: Model) -> list[tuple[str, list[int], float]]:
    """Parts of a node as (name, days, weight): one for each day, or one with all where they share the CO2 target."""
    days = model.days
    if model.convention == "year":
        return [("year", list(range(len(days))), 1.0)]
    return [
        (label, [place], float(weight))
        for place, (label, weight) in enumerate(zip(days.labels, days.weights, strict=True))
    ]


def stage_factor(model: Model, stage: int) -> float:
    """What a day's thousand USD count for in the stage: days of its years, discounted, in million."""
    return DAYS_PER_YEAR * model.case.years_per_stage * MUSD * discount(model, stage)


def discount(model: Model, stage: int) -> float:
    """Present value of 1 USD in the stage, all whose costs count as of its beginning; the paper discounts nothing."""
    rate = model.case.parameters.get("discount_rate", 0.0)
    return present_value(rate, model.case.years_per_stage * stage)


def day_operation(model: Model, outlook: Outlook, chosen: list[int], exact: bool) -> Operation:
    """The operation of some days under an outlook."""
    return operation(model.case, model.items, outlook, model.days, chosen, model.off, exact)


def _node(model: Model, stage: int, place: int, outlook: Outlook, fixed: FloatArray | None, exact: bool) -> Node:
    factor = stage_factor(model, stage)
    parts = tuple(
        Part(name, day_operation(model, outlook, chosen, exact).problem, weight * factor)
        for name, chosen, weight in day_groups(model)
        if weight > 0
    )
    problem = investment_problem(model.case, model.items, stage, outlook, model.off, fixed)
    return Node(model.name(stage, place), stage, _times(problem, discount(model, stage)), parts)


def _times(problem: StageProblem, factor: float) -> StageProblem:
    return problem if factor == 1 else replace(problem, cost=np.asarray(problem.cost * factor))
