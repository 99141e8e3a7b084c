"""The choice of loads is the optimum: against plain enumeration, of the model and of power flows."""

import itertools

import numpy as np
import pytest

from gridstudio.evaluation import evaluate_many
from gridstudio.planning.islanding.dispatch import Dispatcher, drive
from gridstudio.planning.islanding.island import Request, judge, read, scenario
from gridstudio.planning.islanding.shedding import LinearModel, objectives, select, worth


def selections(count):
    return [tuple(bool(b) for b in bits) for bits in itertools.product((0, 1), repeat=count)]


@pytest.mark.parametrize("seed", range(12))
def test_the_model_is_solved_as_by_enumeration(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 10))
    effect = rng.uniform(-0.3, 1.0, (3, count))
    model = LinearModel(effect, rng.uniform(0.2, 0.7, 3) * np.maximum(effect, 0).sum(axis=1))
    kw = rng.uniform(1, 20, count).round(1)
    goals = objectives(rng.integers(0, 30, count).astype(float), rng.integers(1, 4, count), kw)
    fitting = [s for s in selections(count) if (effect @ np.array(s) <= model.room + 1e-9).all()]
    refused = sorted(fitting, key=lambda s: worth(goals, s))[-2:]  # the two best may not be taken
    for forbidden in ([], refused):
        best = max((worth(goals, s) for s in fitting if s not in forbidden), default=None)
        found = select(model, goals, forbidden)
        assert (worth(goals, found) if found is not None else None) == best


def test_a_model_that_nothing_fits_has_no_selection():
    model = LinearModel(np.array([[1.0, 1.0]]), np.array([-0.5]))
    assert select(model, objectives(np.ones(2), np.ones(2, dtype=int), np.ones(2)), []) is None


@pytest.mark.parametrize("seed", range(6))
def test_the_island_keeps_what_enumeration_by_power_flow_keeps(seed, study, zone_text, plain_zone):
    """Seven single-phase loads on a lossy line; storage, inverter or phase currents bind; all 128 selections solved."""
    rng = np.random.default_rng(seed)
    loads = {
        f"d{n}": (round(float(rng.uniform(10, 60)), 1), round(float(rng.uniform(0, 25)), 1), n % 3 + 1)
        for n in range(7)
    }
    total = sum(kw for kw, _, _ in loads.values())
    zone = plain_zone(
        "a", storage_kw=total * float(rng.uniform(0.4, 0.9)), inverter_kva=total * float(rng.uniform(0.6, 1.2))
    )
    line = "r1=20 x1=30 r0=40 x0=60 c1=0 c0=0 length=1 normamps=1000"
    priorities = {"default": 2, "loads": {"d1": 1, "d4": 1, "d6": 3}}
    made = study([zone_text("a", loads, line)], [zone], priorities=priorities)
    setup = made.prepare()
    built = setup.zones[0]
    dispatcher = Dispatcher(0, built, judge(built, setup.network, setup.limits), made.settings.islands)

    def solve(requests):
        done = evaluate_many(setup.feeder, [(built.changes, scenario(built, r)) for r in requests])
        return [read(built, setup.network, done.flow[row, 0]) for row in done.row]

    (choice,) = drive([dispatcher.choose(20, zone["storage_kw"], 0.0)], solve)
    every = selections(7)
    flows = solve([Request(0, 20, s, 0.0) for s in every])
    fits = [not dispatcher.judge.network_broken(flow) and flow.source_kw <= zone["storage_kw"] + 1e-6 for flow in flows]
    goals = objectives(built.kw[:, 20], built.priority, built.kw[:, 20])
    best = max(worth(goals, s) for s, fit in zip(every, fits, strict=True) if fit)
    assert choice.broken
    assert worth(goals, choice.state.kept) == best
