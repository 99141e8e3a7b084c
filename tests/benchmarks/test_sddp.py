"""What SDDP costs on random multistage LPs: ``pytest -m benchmark -s tests/benchmarks/test_sddp.py``.

Ratios within one run; seconds depend on the machine and on who else works on it and are asserted nowhere. What is
asserted is that what was timed came to the extensive form's optimum.
"""

import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from gridstudio.solve.sddp import (
    BoundStalling,
    Default,
    Iterations,
    Node,
    Part,
    Processes,
    Regularised,
    deterministic_equivalent,
    markovian,
    train,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "solve" / "sddp"))
from multistage import random_linear, random_problem

pytestmark = pytest.mark.benchmark


def tell(text):
    print(f"\n  {text}", end="", flush=True)


def timed(work):
    started = time.perf_counter()
    return work(), time.perf_counter() - started


def expansion(seed, states=12, width=3, days=4, rows=60, free=90):
    """Three stages of a Markov chain, each node a small decision problem beside days that depend on its state."""
    rng = np.random.default_rng(seed)
    layers = []
    for t in range(3):
        own = {"states": states, "rows": 3, "free": 4, "noises": 1, "hands_on": t < 2}
        day = {"states": states, "rows": rows, "free": free, "noises": 1, "hands_on": False}
        layers.append(
            [
                Node(
                    f"{t}/{j}",
                    t,
                    random_problem(rng, **own),
                    tuple(Part(f"day {d}", random_problem(rng, **day), 1.0) for d in range(days)),
                )
                for j in range(width if t else 1)
            ]
        )
    row = np.full(width, 1 / width)
    matrices = [[1.0], [row], np.tile(row, (width, 1))]
    return markovian(layers, matrices, {f"s{i}": 1.0 for i in range(states)}, lower_bound=0.0)


@pytest.mark.parametrize("stages", [3, 5, 7, 8])
def test_training_against_the_extensive_form(stages):
    """The tree grows by the power of the stages, the policy by their number."""
    graph = random_linear(1, stages=stages, free=12, rows=8)
    optimum, whole = timed(lambda: deterministic_equivalent(graph))
    policy, parts = timed(lambda: train(graph, stopping=(BoundStalling(25, 1e-6), Iterations(500))))
    columns, rows = optimum.size
    tell(
        f"{stages} stages: extensive form {columns} x {rows} in {whole:.2f} s; SDDP {len(policy.log)} iterations, "
        f"{policy.log[-1].solves} LPs in {parts:.2f} s: {parts / whole:.2f} times; "
        f"gap {1 - policy.bound / optimum.cost:.1e}"
    )
    assert policy.bound == pytest.approx(optimum.cost, rel=1e-3)


def test_cut_types_and_smoothing():
    """How far below the optimum the bound stands after so many iterations."""
    graph = expansion(2)
    optimum = deterministic_equivalent(graph).cost
    for name, forward in (("textbook", Default()), ("smoothed", Regularised())):
        for cut_type in ("single", "outcome", "multi"):
            policy, seconds = timed(
                lambda t=cut_type, f=forward: train(graph, stopping=(Iterations(60),), cut_type=t, forward=f)
            )
            gaps = [1 - policy.log[count - 1].bound / optimum for count in (15, 30, 60)]
            tell(
                f"{name} {cut_type}: gap after 15, 30, 60 iterations {gaps[0]:.1e} {gaps[1]:.1e} {gaps[2]:.1e}; "
                f"{policy.log[-1].solves} LPs, {policy.log[-1].cuts} cuts, {seconds:.1f} s"
            )
            assert -1e-6 < gaps[-1] < 0.5


def test_two_workers_against_one_process():
    graph = expansion(2, days=6, rows=120, free=200)
    rule = (Iterations(30),)
    here, alone = timed(lambda: train(graph, stopping=rule))
    with Processes(2) as scheme:
        train(graph, stopping=(Iterations(1),), scheme=scheme)  # started and imported
        for in_flight in (1, 2):
            there, shared = timed(lambda k=in_flight: train(graph, stopping=rule, scheme=scheme, in_flight=k))
            tell(
                f"one process {alone:.2f} s, two workers with {in_flight} iterations in flight {shared:.2f} s: "
                f"{alone / shared:.2f} times as fast ({len(os.sched_getaffinity(0))} cores); LPs {here.log[-1].solves} "
                f"and {there.log[-1].solves}, {here.log[-1].solves / alone:.0f} LPs per second alone"
            )
            if in_flight == 1:
                assert there.bound == here.bound
