"""Small cases: a few buses in a line or a ring, days that one can add up, and parameters of the published study."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gridstudio.planning.transition.case import (
    HOURS,
    Branches,
    Buses,
    Case,
    Chain,
    Outlook,
    Parameters,
    RepresentativeDays,
    Units,
    Zones,
)
from gridstudio.planning.transition.inputs import read_parameters

STUDIES = Path(__file__).resolve().parents[3] / "studies"
ONE = Chain(((Outlook("today"),),), (np.ones(1),))


def _case(
    units: Sequence[tuple[int, str, float]] = ((0, "gas", 100.0),),
    lines: Sequence[tuple[int, int, float, float, bool, bool]] = (),
    zones: Sequence[int] = (),
    buses: int = 1,
    chain: Chain = ONE,
    years: float = 5.0,
    **numbers: float,
) -> Case:
    """Units (bus, type, MW); lines (from, to, reactance, MW, stands, may be built); zones by bus; other parameters."""
    parameters = _parameters().changed(reactance_base_mva=100.0, **_full, **numbers)
    count = np.arange(buses, dtype=float)
    names = tuple(f"b{bus}" for bus in range(buses))
    table = Buses(names, 50 + count, -110 - count, np.full(buses, 100.0), np.full(buses, 50.0), np.full(buses, 1000.0),
                  np.full(buses, 100.0), np.ones(buses, bool), np.ones(buses, bool))  # fmt: skip
    a, b, x, mw, stands, may = (np.array(column) for column in zip(*lines, strict=True)) if lines else [np.zeros(0)] * 6
    size = len(lines)
    branches = Branches(tuple(f"l{k}" for k in range(size)), a.astype(int), b.astype(int), np.full(size, 100.0), x, mw,
                        stands.astype(bool), may.astype(bool), np.full(size, 1e6))  # fmt: skip
    bus, kind, capacity = zip(*units, strict=True) if units else ((), (), ())
    fleet = Units(tuple(str(u) for u in range(len(units))), np.array(bus, int), tuple(kind), np.array(capacity, float),
                  np.array(capacity, float))  # fmt: skip
    fed = np.array(zones, int)
    area = Zones(tuple(f"z{z}" for z in range(len(fed))), fed, 50.0 + fed, -110.0 - fed, np.full(len(fed), 20.0))
    return Case(table, branches, fleet, area, parameters, chain, years)


_full = {f"unit_{kind}_availability_share": 1.0 for kind in ("coal", "gas", "biopower", "hydro")}
_known: list[Parameters] = []


def _parameters() -> Parameters:
    if not _known:
        _known.append(read_parameters(STUDIES / "data" / "aeso6_parameters.csv"))
    return _known[0]


def _days(
    case: Case, load: object, wind: object = 0.0, solar: object = 0.0, rating: object = 1.0, weights: object = (1.0,)
) -> RepresentativeDays:
    """Profiles are broadcast to (day, hour, place)."""
    share = np.asarray(weights, dtype=float)
    count = len(share)

    def filled(values: object, places: int) -> np.ndarray:
        return np.broadcast_to(np.asarray(values, dtype=float), (count, HOURS, places)).copy()

    return RepresentativeDays(
        filled(load, len(case.buses)),
        filled(wind, len(case.zones)),
        filled(solar, len(case.zones)),
        filled(rating, len(case.branches)),
        share,
        tuple(f"day {day}" for day in range(count)),
    )


@pytest.fixture
def make_case() -> Callable[..., Case]:
    return _case


@pytest.fixture
def make_days() -> Callable[..., RepresentativeDays]:
    return _days


@pytest.fixture
def two_stages() -> Callable[..., Chain]:
    """A first stage, then two outlooks as likely as given; ``first`` and ``later`` change all of a stage."""

    def make(share: float = 0.5, load: tuple[float, float] = (1.0, 1.6), stages: int = 2, **later: float) -> Chain:
        states = [(Outlook("today"),)]
        matrices: list[np.ndarray] = [np.ones(1)]
        for stage in range(1, stages):
            grown = 1.1 ** (stage - 1)
            states.append(
                tuple(replace(Outlook(name, load=f * grown), **later) for name, f in zip("lh", load, strict=True))
            )
            matrices.append(np.tile([1 - share, share], (1 if stage == 1 else 2, 1)))
        return Chain(tuple(states), tuple(matrices))

    return make
