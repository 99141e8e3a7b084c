"""Training: iterations of forward pass, backward pass and bound until a stopping rule says so."""

import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridstudio.errors import InputError
from gridstudio.solve.risk import Expectation
from gridstudio.solve.sddp.crew import Crew
from gridstudio.solve.sddp.duality import ContinuousRelaxation, DualityHandler
from gridstudio.solve.sddp.families import CutType, Risk
from gridstudio.solve.sddp.forward import Default, ForwardPass
from gridstudio.solve.sddp.graph import PolicyGraph
from gridstudio.solve.sddp.model import MipLimits
from gridstudio.solve.sddp.nested import neutral
from gridstudio.solve.sddp.passes import Pass, Run, iteration
from gridstudio.solve.sddp.policy import Policy, families, specs
from gridstudio.solve.sddp.sampling import EveryPath, InSample, SamplingScheme
from gridstudio.solve.sddp.schemes import Scheme, Serial
from gridstudio.solve.sddp.simulation import walk
from gridstudio.solve.sddp.stopping import BoundStalling, ExactGap, Iteration, Iterations, SimulatedGap, StoppingRule

FloatArray = NDArray[np.float64]


def train(
    graph: PolicyGraph,
    risk: Risk = Expectation(),
    stopping: Sequence[StoppingRule] = (BoundStalling(), Iterations(1000)),
    cut_type: CutType = "multi",
    forward: ForwardPass = Default(),
    sampling: SamplingScheme = InSample(),
    duality: DualityHandler = ContinuousRelaxation(),
    scheme: Scheme = Serial(),
    seed: int = 0,
    start: Policy | None = None,
    in_flight: int = 1,
    select_every: int | None = None,
    limits: MipLimits = MipLimits(),
) -> Policy:
    """The policy after training; the same seed gives the same bits, whatever the scheme and its number of places,
    unless a TimeLimit ends it: where a clock stops it is the machine's affair.

    ``risk``: one measure, or by node name that of what follows it, nested. ``stopping``: the first rule that fires
    ends it. ``start``: a policy to go on from, of the same cut type and risk.
    ``in_flight``: iterations under way at once, so that no process waits for the slowest (the asynchronous mode: other
    cuts than one after another, yet reproducible). ``select_every``: iterations after which cuts that are nowhere the
    highest are dropped. SolverError if a subproblem has no solution; InputError if the graph's bound is not one.
    """
    _check(stopping, risk, forward, sampling, start, cut_type)
    if in_flight < 1:
        raise InputError(f"Training with in_flight = {in_flight} never begins; give 1 or more.")
    with Crew(specs(graph, cut_type, limits), duality, scheme) as crew:
        run = Run(graph, risk, families(graph, cut_type), forward, crew)
        if start is not None:
            run.resume(start)
        log, reason = _iterate(run, sampling, stopping, np.random.default_rng(seed), in_flight, select_every)
    cuts = {key: family.cuts for key, family in run.cuts.items() if len(family)}
    weights = {graph.nodes[place].name: np.array(rows) for place, rows in run.weights.items()}
    return Policy(graph, cut_type, repr(risk), cuts, weights, tuple(log), reason)


def _check(
    stopping: Sequence[StoppingRule],
    risk: Risk,
    forward: ForwardPass,
    sampling: SamplingScheme,
    start: Policy | None,
    cut_type: CutType,
) -> None:
    """InputError for options that do not go together."""
    if not stopping:
        raise InputError("Training needs a stopping rule, Iterations(100) for instance.")
    for rule in stopping:
        if isinstance(rule, SimulatedGap) and not neutral(risk):
            raise InputError("SimulatedGap compares the bound with a mean cost: use another rule with this risk.")
        if isinstance(rule, ExactGap) and not (isinstance(sampling, EveryPath) and isinstance(forward, Default)):
            raise InputError(
                "ExactGap needs the cost over all paths: train with sampling=EveryPath(), forward=Default()."
            )
    if start is not None and (start.cut_type != cut_type or start.risk != repr(risk)):
        raise InputError(
            f"The policy to start from has {start.cut_type} cuts for {start.risk}, not {cut_type} cuts for {risk!r}."
        )


def _iterate(
    run: Run,
    sampling: SamplingScheme,
    stopping: Sequence[StoppingRule],
    rng: np.random.Generator,
    in_flight: int,
    select_every: int | None,
) -> tuple[list[Iteration], str]:
    """Iterations until a rule fires: the log and why. With several in flight each waits for its own answers only."""
    begun, log = time.perf_counter(), list[Iteration]()
    path_seed, sample_seed = rng.spawn(2)

    def simulate(count: int) -> FloatArray:
        paths = InSample().paths(run.graph, count, sample_seed)
        return walk(run.crew, run.graph, paths, {}, run.forward.integer).costs

    flying: deque[tuple[Pass, Any]] = deque()
    while True:
        while len(flying) < in_flight:
            single = iteration(run, sampling.paths(run.graph, run.forward.paths, path_seed))
            flying.append((single, run.crew.submit(next(single))))
        single, ticket = flying.popleft()
        try:
            flying.append((single, run.crew.submit(single.send(run.crew.result(ticket)))))
            continue
        except StopIteration as end:
            bound, cost = end.value
        count = sum(len(family) for family in run.cuts.values())
        log.append(Iteration(len(log) + 1, bound, cost, time.perf_counter() - begun, run.crew.solves, count))
        reason = next(filter(None, (rule.reason(log, simulate) for rule in stopping)), None)
        if reason is not None:
            return log, _landed(run, flying, reason)
        if select_every and len(log) % select_every == 0:
            run.select()


def _landed(run: Run, flying: deque[tuple[Pass, Any]], reason: str) -> str:
    """Wait for what is still under way, so that the places are free for what comes next."""
    for single, ticket in flying:
        run.crew.result(ticket)
        single.close()
    return reason
