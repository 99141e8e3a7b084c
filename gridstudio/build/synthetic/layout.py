"""Where a feeder runs: its poles, each with the pole that feeds it.

A substation's service area is cut into strips of equal width, one per feeder, north and (from four feeders on) south
of it. A feeder leaves on a street of its own, turns into the middle of its strip and runs away from the substation;
laterals leave the main to both sides. Inner feeders turn farther out than outer ones, so that no two lines cross.

A pole is a row of what becomes the node table, with the columns feeder (0..), kind (head, junction, tail, fuse,
transformer, tie), parent (row number; -1: the substation), x, y (miles east and north of the first substation),
conductor (of the line from the parent), row (number of the lateral within the feeder, -1: main), section (number within
the feeder), device (type of the device that the line from the parent is, "" for an ordinary line), remote (bool),
three_phase (bool), anchor (where ties may start), plant (bool: the pole of a zone's plant), partner (of a tie: the row
of the pole beyond its switch, else -1).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gridstudio.build.synthetic.settings import SyntheticSettings

MAIN_MILES = 2.4
STRIP_MILES = 0.9  # width
DEVICE_MILES = 0.002  # a device is a line of about 10 feet that carries nothing else
STREET_MILES = 0.08
MARGIN_MILES = 0.15
SPUR_FROM = 5  # laterals of this many poles end in a spur of two
MAIN, BRANCH, HEAVY, LIGHT = "477 ACSR", "336 ACSR", "4/0 ACSR", "#2 ACSR"
# Section boundaries as shares of the main, and the device at each; the half of the main is always one.
PATTERNS = (
    ((0.25, 0.5), ("switch", "recloser")),
    ((0.25, 0.5, 0.75), ("sectionalizer", "recloser", "switch")),
    ((0.25, 0.5, 0.75), ("switch", "recloser", "sectionalizer")),
    ((0.17, 0.33, 0.5, 0.75), ("switch", "sectionalizer", "recloser", "switch")),
)

Pole = dict[str, Any]
DEFAULTS: Pole = {"device": "", "remote": False, "anchor": "", "plant": False, "partner": -1}


@dataclass(frozen=True)
class Place:
    """A feeder's strip: its substation, column and side (+1 north, -1 south), and where the streets lie (miles)."""

    feeder: int
    substation: int
    column: int
    side: int
    origin: tuple[float, float]
    exit_x: float
    street_y: float
    main_x: float
    main_y: float


def columns_of(settings: SyntheticSettings) -> tuple[int, int]:
    """How many strips lie north and south of a substation."""
    north = settings.feeders if settings.feeders < 4 else (settings.feeders + 1) // 2
    return north, settings.feeders - north


def places(settings: SyntheticSettings) -> list[Place]:
    """The strips of all feeders; substations stand on a square grid."""
    north, south = columns_of(settings)
    across = int(np.ceil(np.sqrt(settings.substations)))
    x = (np.arange(north) - (north - 1) / 2) * STRIP_MILES
    distances = sorted({round(abs(value), 6) for value in x})
    main_y = STREET_MILES * (len(distances) + 1) + 0.1
    pitch_x, pitch_y = north * STRIP_MILES + 0.3, 2 * (main_y + MAIN_MILES + MARGIN_MILES) + 0.3
    found: list[Place] = []
    for substation in range(settings.substations):
        origin = (substation % across * pitch_x, substation // across * pitch_y)
        for column, side in [(i, 1) for i in range(north)] + [(i, -1) for i in range(south)]:
            inner = distances.index(round(abs(x[column]), 6))  # 0: innermost
            found.append(
                Place(
                    feeder=len(found),
                    substation=substation,
                    column=column,
                    side=side,
                    origin=origin,
                    exit_x=float(np.sign(x[column])) * 0.015 * (inner + 1),
                    street_y=STREET_MILES * (len(distances) - inner),
                    main_x=float(x[column]),
                    main_y=main_y,
                )
            )
    return found


def feeder_nodes(place: Place, zone: str, settings: SyntheticSettings, rng: np.random.Generator) -> list[Pole]:
    """The poles of one feeder, without ties; parents come before their children.

    ``zone``: which part of it is an island zone with a plant: "branch" (the first branch), "section" (the last section
    of the main) or "" (none).
    """
    junctions = max(6, round(settings.buses_per_feeder / 9.5))
    shares, devices = PATTERNS[rng.integers(len(PATTERNS))]
    boundaries = {round(share * junctions): device for share, device in zip(shares, devices, strict=True)}
    nodes = _Nodes(place)
    posts = _main(nodes, place, junctions, boundaries)
    free = [j for j in range(junctions) if j not in (round(0.5 * junctions), min(boundaries))]
    _laterals(nodes, settings, rng, [posts[j] for j in free], MAIN_MILES / junctions)
    if zone == "branch":
        pole = next(i for i, node in enumerate(nodes.rows) if node["row"] == 0 and node["kind"] == "transformer")
        x, y = nodes.rows[pole]["x"], nodes.rows[pole]["y"] + MAIN_MILES / junctions / 3
        nodes.add("transformer", pole, x, y, BRANCH, plant=True)
    elif zone == "section":
        tail = next(i for i, node in enumerate(nodes.rows) if node["kind"] == "tail")
        x, y = (nodes.rows[tail][name] + 0.06 for name in ("x", "y"))
        nodes.add("transformer", tail, x, y, BRANCH, plant=True)
    return nodes.placed()


class _Nodes:
    """The poles of a feeder under construction; ``x`` and ``y`` count from the substation, ``y`` away from it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.rows: list[Pole] = []

    def add(self, kind: str, parent: int, x: float, y: float, conductor: str = MAIN, **more: Any) -> int:
        """One more pole, in the lateral and section of its parent unless ``more`` says otherwise; its row."""
        base = self.rows[parent] if parent >= 0 else {"row": -1, "section": 0, "three_phase": True}
        kept = {name: base[name] for name in ("row", "section", "three_phase")}
        own = {"feeder": self.place.feeder, "kind": kind, "parent": parent, "x": x, "y": y, "conductor": conductor}
        self.rows.append(own | kept | DEFAULTS | more)
        return len(self.rows) - 1

    def placed(self) -> list[Pole]:
        """The poles with their place on the map."""
        east, north = self.place.origin
        return [pole | {"x": east + pole["x"], "y": north + self.place.side * pole["y"]} for pole in self.rows]


def _main(nodes: _Nodes, place: Place, junctions: int, boundaries: dict[int, str]) -> list[int]:
    """Head, street, main and tail; the rows of the main's junctions."""
    step, section = MAIN_MILES / junctions, 0
    head = nodes.add("head", -1, place.exit_x, 0.01, device="breaker", remote=True)
    corner = nodes.add("junction", head, place.exit_x, place.street_y if place.exit_x else place.street_y / 2)
    last = nodes.add("junction", corner, place.main_x, place.street_y)
    posts = []
    for j in range(junctions):
        y = place.main_y + j * step
        if j in boundaries:
            section += 1
            device, before = boundaries[j], nodes.rows[last]["y"]
            remote = device != "switch"  # plain switches are worked by hand
            last = nodes.add(
                "junction", last, place.main_x, before + DEVICE_MILES, device=device, remote=remote, section=section
            )
        anchor = "half" if j == round(0.5 * junctions) else "quarter" if j == min(boundaries) else ""
        last = nodes.add("junction", last, place.main_x, y, anchor=anchor)
        posts.append(last)
    nodes.add("tail", last, place.main_x, place.main_y + junctions * step, anchor="tail")
    return posts


def _laterals(
    nodes: _Nodes, settings: SyntheticSettings, rng: np.random.Generator, posts: list[int], step: float
) -> None:
    """Branches with a recloser, three-phase and one-phase laterals with a fuse, to both sides of the main."""
    slots = [(post, side) for post in posts for side in (-1, 1)]
    count = min(round(1.5 * (len(posts) + 2)), len(slots))
    branches, three = 1 + (len(posts) >= 10), max(1, round(0.22 * count))
    mixed = [slots[i] for i in rng.permutation(len(slots))]
    far = [slot for slot in mixed if nodes.rows[slot[0]]["section"] > 0][:branches]  # branches leave beyond the first
    chosen = far + [slot for slot in mixed if slot not in far][: count - branches]
    sizes = _sizes(settings.buses_per_feeder - len(nodes.rows) - count, count, branches, rng)
    sections = max(node["section"] for node in nodes.rows)
    for row, ((post, side), size) in enumerate(zip(chosen, sizes, strict=True)):
        phases3 = row < branches + three
        conductor = BRANCH if row == 0 else HEAVY if row < branches else LIGHT
        if row < branches:
            sections += 1
            more = {"device": "recloser", "remote": True, "section": sections}
        else:
            more = {"device": "fuse"}
        _lateral(nodes, post, side, size, step, conductor, row=row, three_phase=phases3, **more)


def _lateral(nodes: _Nodes, post: int, side: int, size: int, step: float, conductor: str, **more: Any) -> None:
    """One lateral: its device, then a chain of transformer poles, of which the last two may be a spur."""
    x, y = nodes.rows[post]["x"], nodes.rows[post]["y"]
    kind = "fuse" if more["device"] == "fuse" else "junction"
    first = last = nodes.add(kind, post, x + side * DEVICE_MILES, y, conductor, **more)
    straight = size - 2 if size >= SPUR_FROM else size
    reach = min(0.085, (STRIP_MILES / 2 - 0.06) / straight)
    for k in range(straight):
        last = nodes.add("transformer", last, x + side * reach * (k + 1), y, conductor)
    last = first + 2
    for k in range(size - straight):
        last = nodes.add("transformer", last, x + side * reach * 2, y + step / 3 * (k + 1), conductor)


def _sizes(total: int, count: int, branches: int, rng: np.random.Generator) -> list[int]:
    """Transformer poles of each lateral: at least 1, of a branch at least 4; they sum to ``total``."""
    least = np.where(np.arange(count) < branches, 4, 1)
    weights = rng.uniform(0.6, 1.4, count) * np.where(np.arange(count) < branches, 2.2, 1.0)
    spare = max(total - int(least.sum()), 0) * weights / weights.sum()
    sizes = least + np.floor(spare).astype(int)
    left = max(total - int(sizes.sum()), 0)
    sizes[np.argsort(np.floor(spare) - spare, kind="stable")[:left]] += 1
    return [int(size) for size in sizes]
