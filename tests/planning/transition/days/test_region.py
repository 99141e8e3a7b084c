"""A region's border: which points lie within, and the published region's against places known to be in or out."""

from pathlib import Path

import numpy as np
import pytest

from gridstudio.errors import InputError
from gridstudio.planning.transition import days

STUDIES = Path(__file__).resolve().parents[4] / "studies"
ALBERTA = days.read_border(STUDIES / "data" / "aeso6_border.csv")
NOTCHED = days.Border(np.array([0.0, 0.0, 4.0, 4.0, 2.0]), np.array([0.0, 4.0, 4.0, 0.0, 2.0]))


@pytest.mark.parametrize(
    ("latitude", "longitude", "inside"), [(1, 2, True), (3, 2, True), (2, 1, False), (2, 3, True), (5, 2, False)]
)
def test_a_polygon_with_a_notch_by_hand(latitude: float, longitude: float, inside: bool) -> None:
    """A square of side 4 with a triangle cut out of its western side, down to (2, 2)."""
    assert NOTCHED.holds(np.array([latitude]), np.array([longitude])).tolist() == [inside]


def test_the_direction_of_the_corners_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    at = rng.uniform(-1, 5, (2, 500))
    other = days.Border(NOTCHED.latitude[::-1], NOTCHED.longitude[::-1])
    assert np.array_equal(NOTCHED.holds(*at), other.holds(*at))
    assert NOTCHED.holds(*at).mean() == pytest.approx(12 / 36, abs=0.05)  # its share of the box


@pytest.mark.parametrize(
    ("place", "latitude", "longitude", "inside"),
    [
        ("Calgary", 51.05, -114.07, True),
        ("Banff", 51.18, -115.57, True),
        ("Jasper", 52.87, -118.08, True),
        ("Waterton Park", 49.05, -113.91, True),
        ("Fort Chipewyan", 58.72, -111.15, True),
        ("Fernie, British Columbia", 49.50, -115.06, False),
        ("Golden, British Columbia", 51.30, -116.97, False),
        ("Valemount, British Columbia", 52.83, -119.26, False),
        ("Lloydminster's eastern half, Saskatchewan", 53.28, -109.98, False),
        ("Fort Smith, Northwest Territories", 60.01, -111.88, False),
    ],
)
def test_alberta_against_places(place: str, latitude: float, longitude: float, inside: bool) -> None:
    """Coordinates of the towns: Canadian Geographical Names."""
    assert ALBERTA.holds(np.array([latitude]), np.array([longitude])).tolist() == [inside], place


def test_alberta_has_its_area() -> None:
    """661 848 km2 (Statistics Canada); within 2 %, by a fine mesh of its box."""
    box = np.array([49.0, 60.0]), np.array([-120.0, -110.0])
    inside = days.within(days.mesh(*box, 110, 100, margin_deg=0.0), ALBERTA)
    assert inside.area_km2.sum() == pytest.approx(661_848, rel=0.02)


def test_points_within_keep_their_names_and_cells() -> None:
    points = days.mesh(np.array([0.0, 4.0]), np.array([0.0, 4.0]), 6, 6, margin_deg=1.0)
    inside = days.within(points, NOTCHED)
    assert 0 < len(inside) < len(points)
    for name, area in zip(inside.name, inside.area_km2, strict=True):
        assert area == points.area_km2[points.name.index(name)]


def test_a_border_around_nothing_is_told() -> None:
    with pytest.raises(InputError, match="No point of the weather's mesh lies within the border"):
        days.within(days.mesh(np.array([50.0]), np.array([-110.0]), 2, 2), NOTCHED)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("latitude,longitude\n1,1\n2,2\n", "has three corners at least, 2 are given"),
        ("latitude\n1\n", "column 'longitude' is missing"),
        ("latitude,longitude\n1,x\n2,2\n3,1\n", "longitude is 'x'"),
    ],
)
def test_a_wrong_border_is_told(tmp_path, text: str, message: str) -> None:
    path = tmp_path / "border.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        days.read_border(path)
