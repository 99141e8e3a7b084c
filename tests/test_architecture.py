"""The layers and the doors, as a test: imports point down only, and each library has its room."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "gridstudio"
# From the bottom up; rooms of one layer do not know each other, but for those of the second.
LAYERS = [
    {"errors"},
    {"domain", "result", "settings"},
    {"engine", "solve"},
    {"evaluation"},
    {"planning", "build", "report"},
    {"app"},
]
DOORS = {
    "opendssdirect": {"engine"},
    "dss": {"engine"},
    "altdss": {"engine"},
    "joblib": {"evaluation"},
    "distributed": {"evaluation"},
    "gymnasium": {"planning"},
    "linopy": {"solve", "planning"},
    "highspy": {"solve", "planning"},
    "matplotlib": {"report"},
    "plotly": {"report"},
    "PIL": {"report"},
    "openpyxl": {"report"},
    "typer": {"app"},
    "rich": {"app"},
}
FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if path.parent != PACKAGE or path.stem in LAYERS[1]]


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "gridstudio":
                yield from (f"gridstudio.{alias.name}" for alias in node.names)
            yield node.module


def level(room):
    return next(index for index, rooms in enumerate(LAYERS) if room in rooms)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_down(path):
    room = room_of(path)
    for name in imported(path):
        top, *rest = name.split(".")
        if top != "gridstudio" or not rest or rest[0] == room:
            continue
        other = rest[0]
        assert level(other) <= level(room), f"{room} imports {name}"
        if level(room) >= 2:
            assert level(other) < level(room), f"{room} and {other} do not know each other: {path.name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_libraries_stay_in_their_room(path):
    for name in imported(path):
        rooms = DOORS.get(name.split(".")[0])
        assert rooms is None or room_of(path) in rooms, f"{room_of(path)} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_only_the_app_prints(path):
    if room_of(path) == "app":
        return
    calls = (node.func for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
    assert not any(isinstance(call, ast.Name) and call.id == "print" for call in calls)
