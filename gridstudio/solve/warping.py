"""Dynamic time warping: how far two series are from each other when their hours may shift a little.

The dependent multivariate form: one warping path for all dimensions of a series, with squared Euclidean distances
between its points, within a band (Sakoe and Chiba, IEEE Trans. ASSP 26(1), 1978); the distance is the square root of
the sum along the best path. A band of 0 is the Euclidean distance.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridstudio.errors import InputError

FloatArray = NDArray[np.float64]


def warped_distances(series: ArrayLike, others: ArrayLike, band: int) -> FloatArray:
    """Distances (item, other) between ``series`` (item, step, dimension) and ``others`` (other, step, dimension).

    ``band``: how many steps a point may shift. All pairs advance together: time grows with steps x (2 band + 1) matrix
    products, memory with a few (item, other) matrices times the band. InputError where the shapes do not fit.
    """
    a, b = np.asarray(series, dtype=float), np.asarray(others, dtype=float)
    if a.ndim != 3 or b.ndim != 3 or a.shape[1:] != b.shape[1:] or not a.shape[1]:
        raise InputError(f"Series {a.shape} and {b.shape} cannot be warped: (item, step, dimension) must fit.")
    if band < 0:
        raise InputError(f"The band of a warping path is {band} steps; it must not be negative.")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise InputError("A series to be warped has a value that is not a number.")
    steps = a.shape[1]
    squares_a, squares_b = (a**2).sum(axis=2), (b**2).sum(axis=2)
    before: dict[int, FloatArray] = {}
    for i in range(steps):
        row: dict[int, FloatArray] = {}
        for j in range(max(0, i - band), min(steps, i + band + 1)):
            apart = squares_a[:, i, None] + squares_b[None, :, j] - 2 * a[:, i] @ b[:, j].T
            ways = [way for way in (before.get(j), before.get(j - 1), row.get(j - 1)) if way is not None]
            best = np.minimum.reduce(ways) if ways else 0.0
            row[j] = np.maximum(apart, 0.0) + best
        before = row
    return np.sqrt(before[steps - 1])


def distances_within(series: ArrayLike, band: int) -> FloatArray:
    """Distances (item, item) of a set of series to each other: symmetric, zero on the diagonal."""
    between = warped_distances(series, series, band)
    between = (between + between.T) / 2  # equal but for rounding
    np.fill_diagonal(between, 0.0)
    return between
