"""Multistage problems with a known optimum, and random ones: what the tests of SDDP are made on."""

import numpy as np
from scipy import sparse

from gridstudio.solve.sddp import Node, Noise, Part, PolicyGraph, StageProblem, State, linear, markovian

INF = np.inf


def fast_hydro_thermal() -> PolicyGraph:
    """FAST's hydro-thermal problem (Cambier, Scieur; as in SDDP.jl's examples): optimum 10."""

    def stage(rain):  # volume in, volume out, fuel, hydro
        noises = tuple(Noise(1 / len(rain), row_upper=([1], [r])) for r in rain)
        rows = [[0, 0, 1, 1], [-1, 1, 0, 1]]  # fuel + hydro >= 6; out <= in + rain - hydro
        return StageProblem(
            [0, 0, 5, 0], [0] * 4, [8, 8, INF, INF], rows, [6, -INF], [INF, 0], (State("volume", 0, 1),), noises=noises
        )

    return linear([stage([6]), stage([2, 10])], {"volume": 0.0}, lower_bound=0.0)


def asset_management() -> PolicyGraph:
    """Birge and Louveaux' asset management over four stages as a Markov chain: optimum 1.514 (SDDP.jl's examples)."""
    stock, bond = (1.25, 1.06), (1.14, 1.12)
    states = (State("stocks", 0, 2), State("bonds", 1, 3))

    def first():
        return StageProblem([0] * 4, [0] * 4, [INF] * 4, [[0, 0, 1, 1]], [55], [55], states)

    def between(i):
        return StageProblem([0] * 4, [0] * 4, [INF] * 4, [[stock[i], bond[i], -1, -1]], [0], [0], states)

    def last(i):  # stocks, bonds, over, short
        ends = (State("stocks", 0), State("bonds", 1))
        return StageProblem([0, 0, -1, 4], [0] * 4, [INF] * 4, [[stock[i], bond[i], -1, 1]], [80], [80], ends)

    stages = [[Node("1", 0, first())]]
    stages += [[Node(f"{t + 1} {'ud'[i]}", t, between(i)) for i in (0, 1)] for t in (1, 2)]
    stages += [[Node(f"4 {'ud'[i]}", 3, last(i)) for i in (0, 1)]]
    half = [[0.5, 0.5], [0.5, 0.5]]
    return markovian(stages, [[1.0], [[0.5, 0.5]], half, half], {"stocks": 0.0, "bonds": 0.0}, lower_bound=-1000.0)


def asset_management_stagewise() -> PolicyGraph:
    """The same with noise in the second and third stage, as SDDP.jl's examples modify it.

    With half expectation and half CVaR at 0.5 after the third stage, the expectation elsewhere: optimum -1.278.
    """
    plain = asset_management()
    noises = (
        Noise(0.6, rhs=([0], [1.0]), cost=([2], [-0.02])),
        Noise(0.4, rhs=([0], [-5.0]), cost=([2], [0.0])),
    )
    nodes = []
    for node in plain.nodes:
        p = node.problem
        if node.stage in (1, 2):
            p = StageProblem(p.cost, p.lower, p.upper, p.matrix, p.row_lower, p.row_upper, p.states, noises=noises)
        nodes.append(Node(node.name, node.stage, p))
    return PolicyGraph(tuple(nodes), plain.transitions, plain.root, plain.initial_state, plain.lower_bound)


def capacity_expansion() -> PolicyGraph:
    """Problem 5.2 of StructDualDynProg in three stages: four technologies, three load blocks; optimum 406712.49."""
    n, m = 4, 3
    hours = np.array([8760, 7000, 1500]) / 8760
    demand = np.array([np.diff([0, 3919, 7329, 10315]), np.diff([0, 7086, 9004, 11169])])
    fuel = np.outer([25, 80, 6.5, 160], hours).ravel()
    cost = np.concatenate([np.zeros(2 * n), [16, 5, 32, 2], fuel, [1e5]])
    out, built = np.eye(n), np.eye(n)
    balance = np.hstack([-np.eye(n), out, -built, np.zeros((n, n * m + 1))])
    by_unit, by_block = np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m))
    capacity = np.hstack([-np.eye(n), np.zeros((n, 2 * n)), by_unit, np.zeros((n, 1))])
    load = np.hstack([np.zeros((m, 3 * n)), by_block, np.ones((m, 1))])
    states = tuple(State(f"x{i}", i, n + i) for i in range(n))
    below = np.concatenate([np.zeros(n), np.full(n, -INF), np.zeros(m)])
    above = np.concatenate([np.zeros(2 * n), np.full(m, INF)])
    rows = np.arange(2 * n, 2 * n + m)
    noises = tuple(Noise(p, row_lower=(rows, d)) for p, d in zip((0.9, 0.1), demand, strict=True))

    def stage(t):
        upper = np.full(len(cost), INF)
        upper[2 * n : 3 * n] = 0.0 if t == 2 else INF
        matrix = np.vstack([balance, capacity, load])
        given = noises if t else (Noise(),)
        return StageProblem(cost, np.zeros(len(cost)), upper, matrix, below, above, states, noises=given)

    return linear([stage(t) for t in range(3)], {f"x{i}": 0.0 for i in range(n)}, lower_bound=0.0)


def air_conditioning() -> PolicyGraph:
    """Papavasiliou's air conditioners, whole numbers: optimum 62 500."""

    def stage(demands):  # stored in, stored out, production, overtime
        noises = tuple(Noise(1 / len(demands), rhs=([0], [-d])) for d in demands)
        return StageProblem(
            [0, 50, 100, 300], [0] * 4, [100, 100, 200, 400], [[-1, 1, -1, -1]], [0], [0],
            (State("stored", 0, 1, integer=True),), integer=[False, False, True, True], noises=noises,
        )  # fmt: skip

    return linear([stage([100.0]), stage([100.0, 300.0]), stage([100.0, 300.0])], {"stored": 0.0}, lower_bound=0.0)


def newsvendor(price: float = 5.0, cost: float = 2.5, demands: tuple[float, ...] = (1, 2, 3, 4, 5)) -> PolicyGraph:
    """Buy first, then sell what is asked for: with equal chances the best stock is the 1 - cost / price quantile."""
    buy = StageProblem([0, cost], [0, 0], [10, 10], np.zeros((0, 2)), [], [], (State("stock", 0, 1),))
    noises = tuple(Noise(1 / len(demands), upper=([1], [d])) for d in demands)
    sell = StageProblem([0, -price], [0, 0], [10, INF], [[-1, 1]], [-INF], [0], (State("stock", 0),), noises=noises)
    return linear([buy, sell], {"stock": 0.0}, lower_bound=-price * max(demands))


def binary_projects(seed: int = 0) -> PolicyGraph:
    """Three stages of building projects once and for all (binary states) against uncertain demand.

    Any project covers 4 of a demand that is rarely a multiple of it: the relaxation lies far below the optimum.
    """
    rng, n = np.random.default_rng(seed), 3
    size = rng.integers(3, 6, n).astype(float)
    states = tuple(State(f"p{i}", i, n + i, integer=True) for i in range(n))

    def stage(demands):  # copies, built, shortage
        cost = np.concatenate([-np.zeros(n), size + 1, [3.0]])
        matrix = np.vstack(
            [
                np.hstack([-np.eye(n), np.eye(n), np.zeros((n, 1))]),  # what stands stays
                np.concatenate([np.zeros(n), size, [1.0]])[None, :],
            ]
        )
        noises = tuple(Noise(1 / len(demands), row_lower=([n], [d])) for d in demands)
        upper = np.concatenate([np.ones(2 * n), [INF]])
        return StageProblem(
            cost, np.zeros(2 * n + 1), upper, matrix, np.zeros(n + 1), np.full(n + 1, INF), states, noises=noises
        )

    return linear([stage([2.0]), stage([1.0, 7.0]), stage([2.0, 9.0])], {f"p{i}": 0.0 for i in range(n)}, 0.0)


def random_problem(
    rng: np.random.Generator, states: int = 3, free: int = 5, rows: int = 4, noises: int = 3, last: bool = False,
    hands_on: bool = True, integer: int = 0,
) -> StageProblem:  # fmt: skip
    """A bounded stage problem that has a point at every incoming state: each row has a dear slack.

    Outgoing states lie in [0, 5]; costs are positive, so 0 bounds every cost to go.
    """
    handed = states if hands_on else 0
    n = states + handed + free + rows
    cost = np.concatenate([np.zeros(states), rng.uniform(0.1, 1, handed), rng.uniform(1, 3, free), np.full(rows, 20.0)])
    body = sparse.random(rows, free, 0.7, random_state=rng, data_rvs=lambda k: rng.uniform(0.5, 2, k)).toarray()
    matrix = np.hstack([rng.uniform(0, 1, (rows, states)), -rng.uniform(0, 0.5, (rows, handed)), body, np.eye(rows)])
    upper = np.concatenate([np.full(states + handed, 5.0), np.full(free, 3.0), np.full(rows, INF)])
    p = rng.dirichlet(np.ones(noises))
    given = tuple(
        Noise(
            p[k],
            row_lower=(np.arange(rows), rng.uniform(0, 8, rows)),
            upper=([states + handed], [rng.uniform(0.5, 3)]),
            cost=([states + handed + 1], [rng.uniform(1, 4)]),
        )
        for k in range(noises)
    )
    mask = np.zeros(n, bool)
    mask[states + handed : states + handed + integer] = True
    links = tuple(State(f"s{i}", i, states + i if hands_on else None) for i in range(states))
    return StageProblem(
        cost, np.zeros(n), upper, matrix, np.zeros(rows), np.full(rows, INF), links, mask, given,
        row_groups=["balance"] * rows,
    )  # fmt: skip


def random_linear(seed: int, stages: int = 3, **sizes) -> PolicyGraph:
    rng = np.random.default_rng(seed)
    problems = [random_problem(rng, noises=1 if t == 0 else 3, hands_on=t < stages - 1, **sizes) for t in range(stages)]
    return linear(problems, {f"s{i}": 1.0 for i in range(sizes.get("states", 3))}, lower_bound=0.0)


def random_markov(seed: int, stages: int = 3, width: int = 2, parts: int = 2, **sizes) -> PolicyGraph:
    """A Markov chain whose nodes have parts: those of odd number share the node's two noises, the others have one."""
    rng = np.random.default_rng(seed)

    def node(t, j):
        own = random_problem(rng, noises=2, hands_on=t < stages - 1, **sizes)
        days = [random_problem(rng, noises=1 + d % 2, hands_on=False, **sizes) for d in range(parts)]
        chances = [noise.probability for noise in own.noises]
        for day in days:
            for noise, chance in zip(day.noises, chances if len(day.noises) > 1 else [1.0], strict=True):
                object.__setattr__(noise, "probability", chance)
        return Node(f"{t}/{j}", t, own, tuple(Part(f"day {d}", day, 1.0 + d) for d, day in enumerate(days)))

    layers = [[node(t, j) for j in range(width if t else 1)] for t in range(stages)]
    matrices = [[1.0]] + [rng.dirichlet(np.ones(width), len(layers[t - 1])) for t in range(1, stages)]
    return markovian(layers, matrices, {f"s{i}": 1.0 for i in range(sizes.get("states", 3))}, lower_bound=0.0)
