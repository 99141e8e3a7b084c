"""How well two partitions of the same items agree: mutual information, normalised and adjusted for chance.

Vinh, Epps, Bailey, J. Mach. Learn. Res. 11, 2010. Both are 1 for the same partition (whatever its labels); the adjusted
one is 0 on average for partitions that have nothing to do with each other, however many clusters they have.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from gridstudio.errors import InputError

FloatArray = NDArray[np.float64]


def normalised_mutual_information(first: ArrayLike, second: ArrayLike) -> float:
    """Mutual information over the mean of both entropies; 1 if both partitions are one cluster."""
    table = _contingency(first, second)
    mean = (_entropy(table.sum(axis=1)) + _entropy(table.sum(axis=0))) / 2
    return 1.0 if mean == 0 else float(np.clip(_mutual_information(table) / mean, 0.0, 1.0))


def adjusted_mutual_information(first: ArrayLike, second: ArrayLike) -> float:
    """(MI - E[MI]) / (mean entropy - E[MI]), with the expectation over all partitions of the same cluster sizes."""
    table = _contingency(first, second)
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    if len(rows) == len(columns) and len(rows) in (1, table.sum()):
        return 1.0  # all in one, or each for itself, in both: the same partition, and no other one is possible
    expected = _expected(rows, columns)
    room = (_entropy(rows) + _entropy(columns)) / 2 - expected
    return float((_mutual_information(table) - expected) / room) if abs(room) > 1e-15 else 0.0


def _contingency(first: ArrayLike, second: ArrayLike) -> FloatArray:
    a, b = np.asarray(first).ravel(), np.asarray(second).ravel()
    if len(a) != len(b) or not len(a):
        raise InputError(f"Partitions of {len(a)} and {len(b)} items cannot be compared.")
    _, rows = np.unique(a, return_inverse=True)
    _, columns = np.unique(b, return_inverse=True)
    table = np.zeros((rows.max() + 1, columns.max() + 1))
    np.add.at(table, (rows, columns), 1.0)
    return table


def _entropy(counts: FloatArray) -> float:
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum()) if len(share) > 1 else 0.0


def _mutual_information(table: FloatArray) -> float:
    total = table.sum()
    outer = np.outer(table.sum(axis=1), table.sum(axis=0))
    here = table > 0
    return float((table[here] / total * np.log(total * table[here] / outer[here])).sum())


def _expected(rows: FloatArray, columns: FloatArray) -> float:
    """E[MI] under the hypergeometric model, eq. (24a) of the source."""
    total, expected = rows.sum(), 0.0
    for a in rows:
        for b in columns:
            n = np.arange(max(1.0, a + b - total), min(a, b) + 1)
            log_p = (
                gammaln([a + 1, b + 1, total - a + 1, total - b + 1]).sum()
                - gammaln(total + 1)
                - gammaln(n + 1)
                - gammaln(a - n + 1)
                - gammaln(b - n + 1)
                - gammaln(total - a - b + n + 1)
            )
            expected += float((n / total * np.log(total * n / (a * b)) * np.exp(log_p)).sum())
    return expected
