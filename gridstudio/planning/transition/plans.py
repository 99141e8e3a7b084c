"""Plans: what is built along every path of the chain, and what operation then costs on any day.

A plan is exact: paths are few (9 in the published case), so its expected cost is a sum, not a sample.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import highspy
import numpy as np
from numpy.typing import NDArray

from gridstudio.errors import SolverError
from gridstudio.planning.transition.case import FloatArray, RepresentativeDays, fits
from gridstudio.planning.transition.factors import BASE_MW
from gridstudio.planning.transition.graph import Model, day_groups, discount, stage_factor
from gridstudio.planning.transition.operation import Operation, operation
from gridstudio.solve.risk import Expectation, RiskMeasure
from gridstudio.solve.sddp.nested import tree_value
from gridstudio.solve.sddp.problem import StageProblem

MWH_COLUMNS = {"shed_mwh": ("shed_power", "shed_beyond_limit"), "curtailed_mwh": ("curtailed_power",)}
QUANTITIES = ("cost_kusd", "shed_mwh", "curtailed_mwh", "co2_kt", "co2_above_target_kt")


@dataclass(frozen=True, eq=False)
class Plan:
    """``paths`` (path, stage): outlook at each stage; ``probabilities`` (path,); ``builds`` (path, stage, item), 0 in
    the last stage; ``states`` (path, stage, state): what is in service when the stage begins."""

    paths: NDArray[np.int64]
    probabilities: FloatArray
    builds: FloatArray
    states: FloatArray


@dataclass(frozen=True)
class Effort:
    """What a mixed-integer operation problem may take: nodes of its search, seconds if a node takes for ever."""

    nodes: int = 500
    seconds: float = 120.0
    gap: float = 1e-3


def make_plan(model: Model, builds: Mapping[tuple[int, ...], FloatArray]) -> Plan:
    """The plan that builds ``builds[path up to the stage]`` (item,), for all stages but the last."""
    found = model.case.chain.paths()
    paths, items = np.array([path for path, _ in found]), model.items
    made = np.zeros((*paths.shape, len(items.names)))
    for row, path in enumerate(paths):
        for stage in range(paths.shape[1] - 1):
            made[row, stage] = builds[tuple(int(place) for place in path[: stage + 1])]
    return Plan(paths, np.array([p for _, p in found]), made, states_of(model, made))


def states_of(model: Model, builds: FloatArray) -> FloatArray:
    """(5)-(7) forward in time: what is in service at each stage (path, stage, state) for builds (path, stage, item)."""
    items = model.items
    states = np.zeros((*builds.shape[:2], len(items.state_item)))
    young, stays = items.state_age == 0, ~items.ageing[items.state_item]
    for stage in range(1, builds.shape[1]):
        before = states[:, stage - 1]
        now = states[:, stage]
        now[:, young] = builds[:, stage - 1][:, items.state_item[young]]
        now[:, stays] += before[:, stays]
        older = np.flatnonzero(~young)
        now[:, older] = before[:, older - 1]
    return states


def investment_musd(model: Model, plan: Plan) -> FloatArray:
    """(67): (path, stage) million USD, present value."""
    cost = np.zeros(plan.paths.shape)
    for stage in range(plan.paths.shape[1] - 1):
        for place, outlook in enumerate(model.case.chain.stages[stage]):
            mine = plan.paths[:, stage] == place
            cost[mine, stage] = (
                plan.builds[mine, stage] @ model.items.costs_musd(stage, outlook) * discount(model, stage)
            )
    return cost


@dataclass(eq=False)
class Dispatcher:
    """Operation of (stage, outlook, day, state), each solved once and remembered; ``solves`` counts them.

    ``exact``: with the hourly binaries. Days of one program that share a CO2 target are one entry.
    """

    model: Model
    exact: bool = True
    effort: Effort = Effort()
    solves: int = 0
    gap: float = 0.0  # the largest that a mixed-integer day was left with
    _programs: dict[tuple[int, int, tuple[int, ...], str], Operation] = field(default_factory=dict)
    _known: dict[tuple[int, int, tuple[int, ...], str, bytes], FloatArray] = field(default_factory=dict)

    def quantities(
        self, stage: int, place: int, chosen: Sequence[int], state: FloatArray, days: RepresentativeDays | None = None
    ) -> FloatArray:
        """``QUANTITIES`` of a mean day of the ``chosen`` ones, (quantity,)."""
        weights = (days or self.model.days).weights[list(chosen)]
        return np.asarray(weights / weights.sum() @ self.each_day(stage, place, chosen, state, days))

    def each_day(
        self, stage: int, place: int, chosen: Sequence[int], state: FloatArray, days: RepresentativeDays | None = None
    ) -> FloatArray:
        """``QUANTITIES`` of each of the ``chosen`` days, dispatched together, (day, quantity); a day of no weight: 0.

        What is above the CO2 target that they share, and what is paid for it, counts for all of them alike.
        """
        given = days or self.model.days
        key = (stage, place, tuple(chosen), "|".join(given.labels))
        known = (*key, np.round(state, 9).tobytes())
        if known not in self._known:
            if key not in self._programs:
                outlook, model = self.model.case.chain.stages[stage][place], self.model
                self._programs[key] = operation(
                    model.case, model.items, outlook, fits(given, model.case), chosen, model.off, self.exact
                )
            self._known[known] = self._solved(self._programs[key], given, chosen, state)
        return self._known[known]

    def _solved(
        self, program: Operation, days: RepresentativeDays, chosen: Sequence[int], state: FloatArray
    ) -> FloatArray:
        cost, columns, gap = dispatched(program, state, self.effort)
        self.solves += 1
        self.gap = max(self.gap, gap)
        weights = days.weights[list(chosen)] / days.weights[list(chosen)].sum()
        above = program.columns.get("co2_above_target_kt", np.zeros(0, dtype=int))
        spent = program.problem.cost * columns
        emitted = program.problem.matrix[program.rows["co2 (4)"][0]].toarray().ravel() * columns
        table = np.zeros((len(chosen), len(QUANTITIES)))
        for row, (day, weight) in enumerate(zip(chosen, weights, strict=True)):
            if weight > 0:
                mine = _blocks(program, f"{days.labels[day]}: ")
                found = {name: _sum(columns, mine, MWH_COLUMNS[name]) * BASE_MW for name in MWH_COLUMNS}
                alone = len(chosen) == 1
                found["cost_kusd"] = cost if alone else _sum(spent, mine) / weight + float(spent[above].sum())
                found["co2_above_target_kt"] = float(columns[above].sum())
                found["co2_kt"] = _sum(emitted, mine) / weight
                table[row] = [found[name] for name in QUANTITIES]
        return table


def _blocks(program: Operation, prefix: str) -> dict[str, NDArray[np.int64]]:
    """A day's columns by their names within the day."""
    return {name.removeprefix(prefix): block for name, block in program.columns.items() if name.startswith(prefix)}


def _sum(values: FloatArray, blocks: Mapping[str, NDArray[np.int64]], names: Sequence[str] | None = None) -> float:
    """Over some blocks of columns, or over all."""
    return sum(float(values[block].sum()) for name, block in blocks.items() if names is None or name in names)


@dataclass(frozen=True, eq=False)
class PlanCost:
    """Of a plan, (path, stage): ``investment_musd``; ``operation`` (path, stage, quantity) of a mean day of the year;
    ``operation_musd``, all its days. ``total_musd``: expected; ``value_musd``: what it counts for under ``risk``."""

    plan: Plan
    investment_musd: FloatArray
    operation: FloatArray
    operation_musd: FloatArray
    risk: RiskMeasure = field(default_factory=Expectation)

    @property
    def path_musd(self) -> FloatArray:
        return np.asarray((self.investment_musd + self.operation_musd).sum(axis=1))

    @property
    def total_musd(self) -> float:
        return float(self.plan.probabilities @ self.path_musd)

    @property
    def value_musd(self) -> float:
        """The nested value over the tree of paths: what bounds are bounds of, and by which plans are compared."""
        if isinstance(self.risk, Expectation):
            return self.total_musd
        ways = [tuple(path) for path in self.plan.paths.tolist()]
        costs = self.investment_musd + self.operation_musd
        return tree_value(ways, self.plan.probabilities, costs, lambda way: self.risk)


def first_operation_musd(dispatcher: Dispatcher, place: int) -> float:
    """What operates in the first stage under an outlook costs: no decision changes it."""
    model = dispatcher.model
    nothing = np.zeros(len(model.items.state_item))
    daily = sum(weight * dispatcher.quantities(0, place, chosen, nothing)[0] for _, chosen, weight in day_groups(model))
    return float(daily) * stage_factor(model, 0)


def cost_of(plan: Plan, dispatcher: Dispatcher) -> PlanCost:
    """The plan with its operation solved at every stage of every path."""
    model = dispatcher.model
    daily = np.zeros((*plan.paths.shape, len(QUANTITIES)))
    factor = np.array([stage_factor(model, stage) for stage in range(plan.paths.shape[1])])
    for row, path in enumerate(plan.paths):
        for stage, place in enumerate(path):
            for _, chosen, weight in day_groups(model):
                daily[row, stage] += weight * dispatcher.quantities(stage, int(place), chosen, plan.states[row, stage])
    return PlanCost(plan, investment_musd(model, plan), daily, daily[:, :, 0] * factor, model.risk)


def dispatched(program: Operation, state: FloatArray, effort: Effort = Effort()) -> tuple[float, FloatArray, float]:
    """Cost, columns and relative gap of an operation program at an incoming state (state,).

    With hourly binaries: those that the relaxation's flows and powers suggest, if the cost is in the effort's gap of
    the relaxation's; else the mixed-integer problem, as long as the effort allows. SolverError without a solution.
    """
    problem = program.problem
    lower, upper = problem.lower.copy(), problem.upper.copy()
    incoming = np.array([s.incoming for s in problem.states], dtype=int)
    lower[incoming] = upper[incoming] = state
    relaxed = _run(problem, lower, upper, None)
    if relaxed is None:
        raise SolverError("Operation: HiGHS found no solution of a day; its slacks should leave none without.")
    if not problem.has_integers:
        return *relaxed, 0.0
    assert problem.integer is not None
    low, high, places = lower.copy(), upper.copy(), np.flatnonzero(problem.integer)
    low[places] = high[places] = _suggested(program, relaxed[1])[places]
    found = _run(problem, low, high, None)
    if found is None or found[0] > (1 + effort.gap) * relaxed[0]:
        exact = _run(problem, lower, upper, effort)
        found = exact if found is None or (exact is not None and exact[0] < found[0]) else found
    if found is None:
        high[places] = low[places] = 0.0  # storage and devices idle: always possible
        found = _run(problem, low, high, None)
    assert found is not None
    return *found, max(0.0, found[0] / relaxed[0] - 1) if relaxed[0] > 0 else 0.0


def _suggested(program: Operation, columns: FloatArray) -> FloatArray:
    """Hourly binaries by what the relaxation does: charging where it charges more, devices on above their cut-in."""
    found = np.zeros(len(columns))
    for name, charging in program.columns.items():
        if name.endswith("battery_charging"):
            day = name.removesuffix("charging")
            charge, discharge = (columns[program.columns[day + mode]] for mode in ("charge", "discharge"))
            found[charging] = charge > discharge
    rows = program.rows.get("sssc_cut_in (61)-(64)")
    if rows is not None:  # rows stand in the order of their binaries: forward, backward, day by day
        names = [n for n in program.columns if n.endswith(("sssc_forward", "sssc_backward"))]
        binaries = np.concatenate([program.columns[name].ravel() for name in names])
        matrix = program.problem.matrix[rows]
        own = np.asarray(matrix[np.arange(len(rows)), binaries]).ravel()
        flow = matrix @ columns - own * columns[binaries]
        found[binaries] = flow + own >= program.problem.row_lower[rows] - 1e-9
    return found


def _run(
    problem: StageProblem, lower: FloatArray, upper: FloatArray, effort: Effort | None
) -> tuple[float, FloatArray] | None:
    """Cost and columns within these bounds, None without a point; ``effort`` None relaxes all integers."""
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    if effort is not None:
        highs.setOptionValue("mip_rel_gap", effort.gap)
        highs.setOptionValue("mip_max_nodes", effort.nodes)
        highs.setOptionValue("time_limit", effort.seconds)
    highs.passModel(_form(problem, lower, upper, effort is not None))
    highs.run()
    info = highs.getInfo()
    if info.primal_solution_status != 2:
        return None
    return float(info.objective_function_value), np.array(highs.getSolution().col_value)


def run_lp(problem: StageProblem, lower: FloatArray, upper: FloatArray, cost: FloatArray) -> FloatArray | None:
    """Columns of the relaxation under other bounds and costs, None without a solution."""
    found = _run(replace(problem, cost=cost, integer=None), lower, upper, None)
    return None if found is None else found[1]


def _form(problem: StageProblem, lower: FloatArray, upper: FloatArray, integers: bool) -> highspy.HighsLp:
    form = highspy.HighsLp()
    form.num_row_, form.num_col_ = problem.matrix.shape
    form.col_cost_, form.col_lower_, form.col_upper_ = problem.cost, lower, upper
    form.row_lower_, form.row_upper_ = problem.row_lower, problem.row_upper
    form.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    form.a_matrix_.start_, form.a_matrix_.index_ = problem.matrix.indptr, problem.matrix.indices
    form.a_matrix_.value_ = problem.matrix.data
    if integers and problem.has_integers:
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        assert problem.integer is not None
        form.integrality_ = [kinds[int(whole)] for whole in problem.integer]
    return form
