"""Small cases of the two-stage program, and all plans of a case one by one."""

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from gridstudio.planning.upgrades.contract import Menu, Plan, all_packages
from gridstudio.planning.upgrades.program import Problem


def _menu(rows: list[tuple[str, str, float, float, str]]) -> Menu:
    """Candidates as (feeder, measure, cost, gain, group)."""
    feeder, measure, cost, gain, group = (tuple(column) for column in zip(*rows, strict=True))
    zero = np.zeros(len(rows))
    return Menu(
        feeder, measure, np.array(cost), zero, zero + 40, group, np.ones(len(rows), dtype=np.int64), ("",) * len(rows),
        np.array(gain), zero, zero, zero + 0.88, zero, zero,
    )  # fmt: skip


def _case(seed: int = 0, years: int = 2, scenarios: int = 4, budget: float = np.inf, price: float = 8.0) -> Problem:
    """Two feeders, three candidates on the first (two exclude each other) and one on the second; needs at random."""
    rng = np.random.default_rng(seed)
    offered = _menu(
        [("a", "x", 5.0, 1.0, "g"), ("a", "y", 9.0, 3.0, "g"), ("a", "z", 3.0, 0.5, ""), ("b", "x", 6.0, 2.0, "")]
    )
    packages = all_packages(offered, ("a", "b"), 3)
    need = rng.uniform(0, 3, (scenarios, 2, years)) * np.linspace(0.6, 1, years)
    gain = packages.members @ offered.gain_mw
    unserved = np.maximum(0.0, need[:, packages.feeder] - gain[:, None])
    p = rng.random(scenarios)
    p /= p.sum()
    discount = 1.1 ** -np.arange(years)
    return Problem(
        packages=packages,
        years=tuple(range(1, years + 1)),
        build_usd=offered.cost_usd[:, None] * discount,
        spend_usd=offered.cost_usd,
        recourse_usd=price * unserved * discount,
        probabilities=p,
        unserved=np.tensordot(p, unserved, axes=1),
        budget_usd=np.full(years, budget),
        most_unserved=np.full(years, np.inf),
    )


def _every_plan(problem: Problem, groups: tuple[str, ...] = ("g", "g", "", "")) -> Iterator[Plan]:
    """Every plan within budget, requirement and exclusive groups, by brute force over the stages of all candidates."""
    count, years = len(problem.spend_usd), len(problem.years)
    for stages in itertools.product(range(-1, years), repeat=count):
        stage = np.array(stages)
        built = [groups[c] for c in range(count) if stage[c] >= 0 and groups[c]]
        spend = [problem.spend_usd[stage == year].sum() for year in range(years)]
        if len(set(built)) < len(built) or np.any(np.array(spend) > problem.budget_usd):
            continue
        plan = Plan(problem.years, stage)
        left = [problem.unserved[row, y].sum() for y, row in enumerate(plan.packages(problem.packages).T)]
        if np.all(np.array(left) <= problem.most_unserved) and sum(left) <= problem.most_in_all:
            yield plan


@pytest.fixture
def menu() -> Callable[..., Menu]:
    return _menu


@pytest.fixture
def case() -> Callable[..., Problem]:
    return _case


@pytest.fixture
def every_plan() -> Callable[..., Iterator[Plan]]:
    return _every_plan


STUDY = """
job = "upgrades"
[tables]
feeders = "feeders.csv"
candidates = "candidates.csv"
[horizon]
years = [1, 2]
[scenarios]
drawn = 20
kept = 5
out_of_sample = 10
[study]
pareto_points = 2
"""
FEEDERS = "feeder_id,peak_mw,customer_count,rated_capacity_mw\na,5,1000,5.5\nb,3,500,3.1\n"
CANDIDATES = "upgrade_type,cost_usd,capacity_gain_mw\nreconductor,300000,2\ntransformer_upgrade,100000,0.5\n"


@pytest.fixture
def study(tmp_path: Path) -> Callable[..., Path]:
    """A small study in a folder; ``files`` (name: text) replace its own or are added to it."""
    return partial(_write_study, tmp_path)


@pytest.fixture(scope="module")
def shared_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small study, written once for the tests of a module."""
    return _write_study(tmp_path_factory.mktemp("study"))


def _write_study(folder: Path, toml: str = STUDY, **files: str) -> Path:
    texts = {"feeders": FEEDERS, "candidates": CANDIDATES} | files
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    path = folder / "study.toml"
    path.write_text(toml, encoding="utf-8")
    return path


SMALL = Path(__file__).parent / "data" / "small"


@pytest.fixture
def small(tmp_path: Path) -> Callable[..., Path]:
    """The study of the small substation in a folder; a keyword replaces a table, ``study`` and ``circuit`` the rest."""

    def write(study: str = "", circuit: str = "", **tables: str) -> Path:
        texts = {path.name: path.read_text(encoding="utf-8") for path in SMALL.iterdir()}
        texts |= {f"{name}.csv": text for name, text in tables.items()}
        texts |= {"study.toml": study or texts["study.toml"], "master.dss": circuit or texts["master.dss"]}
        for name, text in texts.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / "study.toml"

    return write
