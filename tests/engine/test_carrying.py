"""Taps and capacitor steps along a trajectory: carried when asked, else every step starts from the baseline."""

import numpy as np

from gridstudio.domain.changes import BASE
from gridstudio.domain.scenarios import Scenario
from gridstudio.evaluation import evaluate, evaluate_many

LEVELS = (1.4, 0.5, 1.4, 0.5)


def test_steps_that_carry_nothing_are_separate_scenarios(ieee123):
    together = evaluate(ieee123, BASE, Scenario(load_scale=LEVELS, carry_controls=False))
    apart = evaluate_many(ieee123, [(BASE, Scenario(str(k), load_scale=(x,))) for k, x in enumerate(LEVELS)])
    assert np.array_equal(together.flow.v_pu, [case.flow.v_pu[0] for case in apart])
    assert np.array_equal(together.flow.current_a, [case.flow.current_a[0] for case in apart])


def test_steps_that_carry_feel_the_steps_before(ieee123):
    carried = evaluate(ieee123, BASE, Scenario(load_scale=LEVELS))
    assert not np.array_equal(carried.flow.v_pu[1], carried.flow.v_pu[3]) or not np.array_equal(
        carried.flow.v_pu[0], carried.flow.v_pu[2]
    )
