"""Ties: lines between two feeders, each with a switch in its middle that stands open.

Neighbours on the same side of a substation are tied at half their mains and at their ends; the outermost feeders north
and south of it along the edge of the area; substations by the halves and the ends of the mains that face each other.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gridstudio.build.synthetic.layout import DEFAULTS, DEVICE_MILES, MAIN, STRIP_MILES, Place, Pole, columns_of
from gridstudio.build.synthetic.settings import SyntheticSettings

Pair = tuple[Place, Place, str]  # two feeders and the anchor that both have


def tie_pairs(places: list[Place], settings: SyntheticSettings) -> list[Pair]:
    """Which feeders are tied, and at which anchor (half, tail, quarter)."""
    north, _ = columns_of(settings)
    across = len({place.origin[0] for place in places})
    at = {(place.substation, place.side, place.column): place for place in places}
    pairs: list[tuple[Place, Place | None, str]] = []
    for (substation, side, column), place in at.items():
        beside = at.get((substation, side, column + 1))
        pairs += [(place, beside, "half"), (place, beside, "tail")]
        if side == 1 and column in (0, north - 1):
            pairs.append((place, at.get((substation, -1, column)), "quarter"))
        if column == north - 1 and substation % across < across - 1:
            pairs.append((place, at.get((substation + 1, side, 0)), "half"))
        if side == 1:
            pairs.append((place, at.get((substation + across, -1, column)), "tail"))
    return [(a, b, anchor) for a, b, anchor in pairs if b is not None]


def with_ties(feeders: Sequence[list[Pole]], pairs: list[Pair], settings: SyntheticSettings) -> pd.DataFrame:
    """The node table of the utility: all feeders' poles and those of the ties.

    A tie adds to the first feeder the pole where its switch hangs (kind tie), to the second the pole beyond the switch
    (kind junction).
    """
    poles: list[Pole] = []
    for feeder in feeders:
        first = len(poles)
        poles += [pole | {"parent": pole["parent"] + first if pole["parent"] >= 0 else -1} for pole in feeder]
    anchors = {(pole["feeder"], pole["anchor"]): row for row, pole in enumerate(poles) if pole["anchor"]}
    for a, b, name in pairs:
        ends = anchors[a.feeder, name], anchors[b.feeder, name]
        if name == "quarter":
            ends = _along_edge(poles, ends, a, settings)
        _tie(poles, *ends)
    return pd.DataFrame(poles)


def _along_edge(poles: list[Pole], ends: tuple[int, int], place: Place, settings: SyntheticSettings) -> tuple[int, int]:
    """Two poles on the edge of the area, beside the ends."""
    side = 1 if place.column == columns_of(settings)[0] - 1 else -1
    edge = poles[ends[0]]["x"] + side * STRIP_MILES / 2
    bends = [_pole(poles, end, "junction", edge, poles[end]["y"]) for end in ends]
    return bends[0], bends[1]


def _tie(poles: list[Pole], start: int, end: int) -> None:
    """A line from ``start`` to the switch in the middle, and one from ``end`` to the other side of the switch."""
    here, there = (np.array([poles[row]["x"], poles[row]["y"]]) for row in (start, end))
    middle = (here + there) / 2
    beyond = middle + DEVICE_MILES * (there - here) / np.abs(there - here).sum()
    partner = _pole(poles, end, "junction", float(beyond[0]), float(beyond[1]))
    _pole(poles, start, "tie", float(middle[0]), float(middle[1]), partner)


def _pole(poles: list[Pole], parent: int, kind: str, x: float, y: float, partner: int = -1) -> int:
    """One more pole of a tie line, in its parent's feeder and section; its row."""
    changed = {"kind": kind, "parent": parent, "x": x, "y": y, "conductor": MAIN, "partner": partner}
    poles.append(poles[parent] | DEFAULTS | changed)
    return len(poles) - 1
