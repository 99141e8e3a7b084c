"""Stochastic dual dynamic programming on HiGHS: multistage decisions under uncertainty, knowing no power system.

The problem (Dowson, Kapelevich 2021): a policy graph of nodes; at node i, with state x and after the noise w is seen,

    Q_i(x, w) = min  cost of the stage + V_i(x')     over decisions and the outgoing state x',
    V_i(x')   = F_i over children j and their noises w of  Q_j(x', w),   F_i the risk measure (the expectation).

V_i is convex in x' (for linear programs) and only ever bounded from below, by cuts. One iteration of training:

1. Forward pass (Pereira, Pinto 1991): draw a path, solve its subproblems with the cuts there are, and note the states
   that are handed on, smoothed if wanted: the trial points.
2. Backward pass: from the last stage to the first, solve all subproblems of the children at each trial point. Optimum
   and reduced costs of the incoming states are a tangent of each. The risk measure moves the probabilities of the
   outcomes (Philpott, de Matos, Finardi 2013), and the moved average of the tangents is a cut of V_i ("single"); or
   each subproblem keeps its own theta and cuts, and each vector of moved probabilities is a row ("multi").
   The children's tangents serve every node of the stage with these children (Philpott, de Matos 2012).
3. The subproblems of the first stage, solved for all their noises: a lower bound of the optimum, rising. Under a risk
   measure that is the optimum of the nested value (``nested_value``), not of the mean cost.

With finite noises and every noise drawn again and again, it reaches the optimum almost surely in finitely many
iterations (Philpott, Guan 2008). A node may be split into its own problem and *parts* that depend on the incoming
state alone (the days of a year's operation): each is a subproblem of its own, solved beside the others.

Integers: cuts of the relaxation are valid but may be low; strengthened Benders and Lagrangian cuts (Zou, Ahmed, Sun
2019, SDDiP) are higher, and with binary states and Lagrangian cuts exact. For large cases: train the relaxation
first, then a few iterations from there (``start``) with integer forward passes.

What varies is a contract of one to three functions, each written beside its Protocol: RiskMeasure (solve.risk),
SamplingScheme, StoppingRule, ForwardPass, DualityHandler, Scheme (where the subproblems are solved).

A reservoir of 8 units, empty at first, serves 6 units a stage; what it lacks is bought at 5. Rain: 6, then 2 or 10.

>>> from gridstudio.solve.sddp import EveryPath, Noise, StageProblem, State, linear, simulate, train
>>> inf = float("inf")
>>> def stage(rain):
...     return StageProblem(
...         cost=[0, 0, 5, 0],  # columns: volume before, volume after, bought, released
...         lower=[0, 0, 0, 0],
...         upper=[8, 8, inf, inf],
...         matrix=[[0, 0, 1, 1], [-1, 1, 0, 1]],  # bought + released >= 6; after + released - before <= rain
...         row_lower=[6, -inf],
...         row_upper=[inf, 0],
...         states=(State("volume", incoming=0, outgoing=1),),
...         noises=[Noise(1 / len(rain), row_upper=([1], [r])) for r in rain],
...     )
>>> graph = linear([stage([6]), stage([2, 10])], {"volume": 0.0}, lower_bound=0.0)
>>> policy = train(graph)
>>> round(policy.bound, 6)
10.0
>>> simulate(policy, 2, EveryPath(), {"bought": lambda visit: float(visit.columns[0][2])}).recorded["bought"]
[[0.0, 4.0], [0.0, 0.0]]
"""

from gridstudio.solve.sddp.cuts import Cuts
from gridstudio.solve.sddp.duality import ContinuousRelaxation, DualityHandler, Lagrangian, StrengthenedBenders
from gridstudio.solve.sddp.equivalent import Optimum, deterministic_equivalent
from gridstudio.solve.sddp.families import CutType
from gridstudio.solve.sddp.forward import Default, ForwardPass, Regularised
from gridstudio.solve.sddp.graph import Node, Part, PolicyGraph, linear, markovian
from gridstudio.solve.sddp.model import MipLimits
from gridstudio.solve.sddp.nested import nested_value
from gridstudio.solve.sddp.policy import Policy, decisions_at_start, load
from gridstudio.solve.sddp.problem import Noise, StageProblem, State
from gridstudio.solve.sddp.sampling import EveryPath, Historical, InSample, OutOfSample, Path, SamplingScheme, Step
from gridstudio.solve.sddp.schemes import Executors, Processes, Scheme, Serial
from gridstudio.solve.sddp.simulation import Recorder, Simulation, Visit, simulate
from gridstudio.solve.sddp.stopping import (
    BoundStalling,
    ExactGap,
    Iteration,
    Iterations,
    SimulatedGap,
    StoppingRule,
    TimeLimit,
)
from gridstudio.solve.sddp.training import train

__all__ = [
    "BoundStalling",
    "ContinuousRelaxation",
    "CutType",
    "Cuts",
    "Default",
    "DualityHandler",
    "EveryPath",
    "ExactGap",
    "Executors",
    "ForwardPass",
    "Historical",
    "InSample",
    "Iteration",
    "Iterations",
    "Lagrangian",
    "MipLimits",
    "Node",
    "Noise",
    "Optimum",
    "OutOfSample",
    "Part",
    "Path",
    "Policy",
    "PolicyGraph",
    "Processes",
    "Recorder",
    "Regularised",
    "SamplingScheme",
    "Scheme",
    "Serial",
    "SimulatedGap",
    "Simulation",
    "StageProblem",
    "State",
    "Step",
    "StoppingRule",
    "StrengthenedBenders",
    "TimeLimit",
    "Visit",
    "decisions_at_start",
    "deterministic_equivalent",
    "linear",
    "load",
    "markovian",
    "nested_value",
    "simulate",
    "train",
]
