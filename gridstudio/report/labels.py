"""Labels that do not overlap: each goes to the free place nearest to what it names. All in pixels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Box = tuple[float, float, float, float]  # x0, x1, y0, y1
ANGLES = np.deg2rad(np.arange(0, 360, 22.5))
REACH = np.arange(7.0, 120.0, 8.0)  # distances tried
SWEEPS = 3
CELL = 3.0  # of the grid that knows where something is drawn


@dataclass(frozen=True, eq=False)
class Clutter:
    """How much is drawn in any rectangle of ``bounds``: cumulative sums over a grid of cells."""

    bounds: Box
    sums: Floats

    @staticmethod
    def of(points: Floats, weights: Floats, bounds: Box) -> "Clutter":
        """From points (n, 2) on what is drawn and what covering each of them costs (n,)."""
        x0, x1, y0, y1 = bounds
        cells = (int((x1 - x0) / CELL) + 2, int((y1 - y0) / CELL) + 2)
        grid = np.zeros(cells)
        index = np.clip(((points - [x0, y0]) / CELL).astype(int), 0, np.array(cells) - 1)
        np.maximum.at(grid, (index[:, 0], index[:, 1]), weights)
        return Clutter(bounds, np.pad(grid.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0))))

    def under(self, low: Floats, high: Floats) -> Floats:
        """Weight drawn in boxes from ``low`` (..., 2) to ``high`` (..., 2)."""
        origin = np.array([self.bounds[0], self.bounds[2]])
        most = np.array(self.sums.shape) - 1
        a = np.clip(((low - origin) / CELL).astype(int), 0, most)
        b = np.clip(((high - origin) / CELL).astype(int) + 1, 0, most)
        s = self.sums
        return s[b[..., 0], b[..., 1]] - s[a[..., 0], b[..., 1]] - s[b[..., 0], a[..., 1]] + s[a[..., 0], a[..., 1]]


def place(anchors: Floats, sizes: Floats, clutter: Clutter) -> Floats:
    """Centres (label, 2) of boxes ``sizes`` (label, 2) near their ``anchors`` (label, 2).

    Boxes keep clear of each other and of the edge above all, then of what is drawn, and lie near
    their anchors. Several sweeps: each label moves to its best place given the others. A label that
    finds no free place is left out (NaN). Deterministic.
    """
    anchors, sizes = np.asarray(anchors, dtype=float), np.asarray(sizes, dtype=float)
    candidates = _candidates(anchors, sizes)
    fixed = _fixed_cost(candidates, anchors, sizes, clutter)
    centres = np.full((len(anchors), 2), np.nan)
    for sweep in range(SWEEPS):
        before = centres.copy()
        for i in _crowded_first(anchors):
            others = np.arange(len(anchors)) != i
            cost = fixed[i] + _overlap(candidates[i], sizes[i], centres[others], sizes[others])
            if sweep:
                cost = cost + _crossings(candidates[i], anchors[i], anchors[others], centres[others])
                cost = cost + _under_boxes(candidates[i], anchors[i], centres[others], sizes[others])
            centres[i] = candidates[i, int(np.argmin(cost))]
        if np.array_equal(before, centres):
            break
    return _without_clashes(centres, sizes, clutter.bounds)


def text_size(texts: list[str], font_px: float) -> Floats:
    """Width and height (text, 2) [px] that texts of a fixed-width font need, with a little room around."""
    return np.array([(0.61 * font_px * len(text) + 4, 1.2 * font_px + 1) for text in texts]).reshape(-1, 2)


def _candidates(anchors: Floats, sizes: Floats) -> Floats:
    """Centres to try (label, candidate, 2): on rings around the anchor, plus the room that the box itself needs."""
    direction = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)
    box = direction * sizes[:, None] / 2  # (label, angle, 2)
    rings = anchors[:, None, None] + box[:, None] + REACH[None, :, None, None] * direction
    return rings.reshape(len(anchors), -1, 2)


def _outside(low: Floats, high: Floats, bounds: Box) -> NDArray[np.bool_]:
    x0, x1, y0, y1 = bounds
    return (low[..., 0] < x0) | (high[..., 0] > x1) | (low[..., 1] < y0) | (high[..., 1] > y1)


def _fixed_cost(centres: Floats, anchors: Floats, sizes: Floats, clutter: Clutter) -> Floats:
    half = sizes[:, None] / 2
    low, high = centres - half, centres + half
    away = np.maximum(np.abs(centres - anchors[:, None]) - half, 0.0)
    return 1e5 * _outside(low, high, clutter.bounds) + clutter.under(low, high) + np.hypot(away[..., 0], away[..., 1])


def _overlap(centres: Floats, size: Floats, others: Floats, sizes: Floats) -> Floats:
    """1000 and more for each box that a candidate would overlap."""
    with np.errstate(invalid="ignore"):
        gap = np.abs(centres[:, None] - others[None]) - (size + sizes[None]) / 2
        hit = (gap[..., 0] < 0) & (gap[..., 1] < 0)
        area = np.where(hit, gap[..., 0] * gap[..., 1], 0.0)
    return (1000.0 * hit + area).sum(axis=1)


def _crossings(centres: Floats, anchor: Floats, anchors: Floats, others: Floats) -> Floats:
    """A cost for each leader that a candidate's leader would cross."""

    def side(a: Floats, b: Floats, p: Floats) -> Floats:
        d, e = b - a, p - a
        return d[..., 0] * e[..., 1] - d[..., 1] * e[..., 0]

    c, a, p, q = centres[:, None], anchor[None, None], anchors[None], others[None]
    crossed = (side(a, c, p) * side(a, c, q) < 0) & (side(p, q, a) * side(p, q, c) < 0)
    return 60.0 * crossed.sum(axis=1)


def _under_boxes(centres: Floats, anchor: Floats, others: Floats, sizes: Floats) -> Floats:
    """A cost for each box of another label that a candidate's leader would pass under."""
    steps = np.linspace(0.1, 0.9, 5)[:, None, None]
    points = anchor + (centres - anchor) * steps  # (step, candidate, 2)
    gap = np.abs(points[:, :, None] - others) - sizes / 2
    inside = ((gap[..., 0] < 0) & (gap[..., 1] < 0)).any(axis=0)
    return 40.0 * inside.sum(axis=1)


def _crowded_first(anchors: Floats) -> NDArray[np.intp]:
    if not len(anchors):
        return np.array([], dtype=np.intp)
    distance = np.hypot(*(anchors[:, None] - anchors[None]).transpose(2, 0, 1))
    return np.argsort(-(1.0 / (distance + 20.0)).sum(axis=1), kind="stable")


def _without_clashes(centres: Floats, sizes: Floats, bounds: Box) -> Floats:
    centres[_outside(centres - sizes / 2, centres + sizes / 2, bounds)] = np.nan
    for i in range(1, len(centres)):
        if _overlap(centres[i : i + 1], sizes[i], centres[:i], sizes[:i])[0] > 0:
            centres[i] = np.nan
    return centres
