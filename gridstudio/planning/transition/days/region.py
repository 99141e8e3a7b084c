"""The region's border: which points of a mesh lie within it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.catalogue_files import missing_columns, numbers, read_rows
from gridstudio.errors import InputError
from gridstudio.planning.transition.days.weather import Points

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Border:
    """A polygon by its corners in order (corner,) [degrees]; the last is joined to the first."""

    latitude: FloatArray
    longitude: FloatArray

    def holds(self, latitude: FloatArray, longitude: FloatArray) -> NDArray[np.bool_]:
        """(place,): whether a place lies within: a line due west from it crosses the border an odd number of times."""
        y, x = self.latitude[:, None], self.longitude[:, None]
        next_y, next_x = np.roll(y, -1, axis=0), np.roll(x, -1, axis=0)
        beside = (y > latitude) != (next_y > latitude)
        rise = np.where(next_y == y, 1.0, next_y - y)
        crossing = x + (latitude - y) / rise * (next_x - x)
        return np.asarray((beside & (crossing < longitude)).sum(axis=0) % 2 == 1)


def read_border(path: Path) -> Border:
    """Columns latitude and longitude, a row for each corner in order; InputError with fewer than three."""
    header, rows, findings = read_rows(path)
    findings += missing_columns(header, ("latitude", "longitude"))
    if not findings:
        latitude, longitude = (numbers(rows, name, findings, -np.inf) for name in ("latitude", "longitude"))
        if len(rows) < 3:
            findings.append(f"a border has three corners at least, {len(rows)} are given")
    if findings:
        raise InputError.from_findings(str(path), [f"{text}." for text in findings])
    return Border(latitude, longitude)


def within(points: Points, border: Border) -> Points:
    """The points whose middle lies within, each with its whole cell; InputError if there are none."""
    inside = np.flatnonzero(border.holds(points.latitude, points.longitude))
    if not len(inside):
        raise InputError("No point of the weather's mesh lies within the border; look at its latitudes and longitudes.")
    return Points(
        tuple(points.name[place] for place in inside),
        points.latitude[inside],
        points.longitude[inside],
        points.area_km2[inside],
    )
