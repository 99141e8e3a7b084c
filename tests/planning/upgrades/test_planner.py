"""Plan, verify, correct: a provider whose first estimate is too good is found out, and the plan changes."""

from dataclasses import dataclass, replace

import numpy as np

from gridstudio.planning.upgrades.capacity import Capacity
from gridstudio.planning.upgrades.contract import PEAK, Futures, Hourly, Hours, Outcomes, Packages, all_packages
from gridstudio.planning.upgrades.inputs import Feeders
from gridstudio.planning.upgrades.planner import plan
from gridstudio.planning.upgrades.settings import ScenarioSettings, UpgradesSettings


@dataclass(frozen=True, eq=False)
class Hopeful:
    """Estimates by the gains of the table; measure 0 turns out to gain nothing when it is simulated."""

    estimate: Capacity
    truth: Capacity

    def outcomes(self, packages: Packages, futures: Futures) -> Outcomes:
        return self.estimate.outcomes(packages, futures)

    @property
    def hours(self) -> Hours:
        return self.truth.hours

    def verify(self, packages: Packages, chosen: np.ndarray, futures: Futures, name: str = "") -> Outcomes:
        return self.truth.verify(packages, chosen, futures)

    def hourly(self, futures: Futures, feeder: int, members: np.ndarray) -> Hourly:
        return self.truth.hourly(futures, feeder, members)

    def features(self, futures: Futures) -> np.ndarray:
        return self.estimate.features(futures)


def studied(menu, **study):  # type: ignore[no-untyped-def]
    settings = UpgradesSettings.validated(
        {
            "job": "upgrades",
            "tables": {"feeders": "f.csv", "candidates": "c.csv"},
            "horizon": {"years": [1]},
            "money": {"residual_value": False},
            "study": study,
        },
        "test",
    )
    offered = menu([("a", "cheap", 1000.0, 2.0, ""), ("a", "sound", 5000.0, 2.0, "")])
    nothing = replace(offered, gain_mw=np.array([0.0, 2.0]))
    feeders = Feeders(("a",), np.array([7.0]), np.array([0.0]), ("",), np.zeros(1, dtype=np.int64), np.array([6.0]))
    estimate, truth = (Capacity(feeders, part, PEAK, ScenarioSettings(), (1,)) for part in (offered, nothing))
    one = Futures(np.ones(1), *(np.full((1, 1), value) for value in (0.0, 0.0, 0.0, 0.0, 1.0)))
    return plan(settings, Hopeful(estimate, truth), offered, all_packages(offered, ("a",), 2), one)


def test_what_the_simulation_denies_is_corrected_and_planned_again(menu) -> None:
    found = studied(menu)
    assert found.holds
    assert found.solution.plan.stage.tolist() == [-1, 0]
    assert found.solution.total_usd == 5000.0
    assert found.rounds[0].expected_recourse_usd == 0.0
    assert found.rounds[0].verified_recourse_usd == 500_000.0
    assert [r.corrected_packages for r in found.rounds] == [1, 0]


def test_a_plan_that_was_stopped_before_it_held_says_so_at_its_true_cost(menu) -> None:
    found = studied(menu, most_rounds=1)
    assert not found.holds
    assert found.solution.status == "not confirmed"
    assert found.solution.total_usd == 501_000.0
