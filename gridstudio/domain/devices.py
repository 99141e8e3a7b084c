"""Switching and protective devices: the table of them, its checks, and what a bare model gives.

A device sits on a line of the model: to open the device is to open that line at both ends.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, cast, get_args

import pandas as pd

from gridstudio.domain.network import Network
from gridstudio.domain.tables import read_table
from gridstudio.errors import InputError

DeviceType = Literal["breaker", "recloser", "sectionaliser", "switch", "fuse"]
TYPES: tuple[str, ...] = get_args(DeviceType)
PROTECTIVE = ("breaker", "recloser", "fuse")  # they trip on a fault
LOAD_BREAK = ("breaker", "recloser", "switch")  # they open under load; sectionalisers and fuses without current only
COLUMNS = ("device", "element", "type", "normally_open", "remote", "operating_time_min", "travel_time_min")
TYPE_OF_CONTROL = {"fuse": "fuse", "recloser": "recloser", "relay": "breaker"}  # OpenDSS's class and ours
OPERATING_MIN = {True: 1.0, False: 5.0}  # remote and manual: assumed where nothing is given
TRAVEL_MIN = 30.0


@dataclass(frozen=True)
class Device:
    """One device. ``travel_min`` is what a crew needs to reach it (manual devices)."""

    name: str
    line: str
    type: DeviceType
    normally_open: bool = False
    remote: bool = True
    operating_min: float = OPERATING_MIN[True]
    travel_min: float = 0.0

    @property
    def load_break(self) -> bool:
        return self.type in LOAD_BREAK

    @property
    def protective(self) -> bool:
        return self.type in PROTECTIVE


def read_devices(path: Path, network: Network, travel_min: float = TRAVEL_MIN) -> tuple[Device, ...]:
    """The devices of a table (CSV; columns ``COLUMNS``); InputError with all findings.

    ``element`` is a line of the model (``line.sw1``); ``remote`` true means SCADA, which a fuse has not: a crew
    replaces it. An empty operating time is 1 min for remote and 5 min for manual devices, an empty travel time is
    ``travel_min``. The normal position is the table's, whatever the model's lines are.
    """
    table = read_table(path, "device table", ())
    return devices_of(table, network, str(path), travel_min)


def devices_of(table: pd.DataFrame, network: Network, where: str, travel_min: float = TRAVEL_MIN) -> tuple[Device, ...]:
    """The devices of a table of texts, checked against the circuit; see ``read_devices``."""
    missing = [column for column in COLUMNS[:5] if column not in table.columns]
    if missing:
        raise InputError(f"{where}: the device table has no column {', '.join(missing)}.")
    if unknown := [str(column) for column in table.columns if column not in COLUMNS]:
        raise InputError(
            f"{where}: the device table knows no column {', '.join(unknown)}; it has {', '.join(COLUMNS)}."
        )
    rows = [{str(key): str(value).strip() for key, value in row.items()} for row in table.to_dict("records")]
    wrong = [problem for values in rows for problem in _problems(values, network)]
    wrong += _twice("device", [values["device"] for values in rows])
    wrong += _twice("element", [values["element"].lower() for values in rows])
    if not rows:
        wrong.append("the device table has no row.")
    if wrong:
        raise InputError.from_findings(where, wrong)
    return tuple(_device(values, travel_min) for values in rows)


def default_devices(network: Network, travel_min: float = TRAVEL_MIN) -> tuple[Device, ...]:
    """What the model itself says: lines under a fuse, recloser or relay, and lines that are switches.

    All are taken as remote, but for fuses. InputError if the model names none.
    """
    types = {line: TYPE_OF_CONTROL.get(kind, "switch") for _, kind, line in network.protection}
    lines = network.lines
    found = []
    for line, is_switch, closed in zip(lines["line"], lines["is_switch"], lines["closed"], strict=True):
        if is_switch or line in types:
            kind = cast(DeviceType, types.get(line, "switch"))
            remote = kind != "fuse"
            travel = 0.0 if remote else travel_min
            found.append(Device(line, line, kind, not closed, remote, OPERATING_MIN[remote], travel))
    if not found:
        raise InputError(
            f"The circuit {network.name!r} has no switching device: no line is a switch, and no fuse, recloser or "
            "relay sits on one. Give a device table."
        )
    return tuple(found)


def _problems(values: dict[str, str], network: Network) -> Iterable[str]:
    name = values["device"]
    if not name:
        yield f"The device on {values['element']!r} has no name."
        return
    kind, _, line = values["element"].lower().partition(".")
    if kind != "line" or not line:
        yield f"Device {name!r}: its element {values['element']!r} is not a line ('line.NAME')."
    elif line not in network.line_row:
        near = get_close_matches(line, network.line_row, n=1)
        hint = f" Did you mean 'line.{near[0]}'?" if near else ""
        yield f"Device {name!r} names no element of the circuit: there is no {values['element']!r}.{hint}"
    if values["type"] not in TYPES:
        yield f"Device {name!r}: its type {values['type']!r} is none of {', '.join(TYPES)}."
    for column in ("normally_open", "remote"):
        if values[column].lower() not in ("true", "false"):
            yield f"Device {name!r}: {column} = {values[column]!r} should be true or false."
    if values["type"] == "fuse" and values["remote"].lower() == "true":
        yield f"Device {name!r} is a fuse with remote = true: a crew replaces a fuse, remote should be false."
    for column in COLUMNS[5:]:
        if not _minutes(values.get(column, "")):
            yield f"Device {name!r}: {column} = {values[column]!r} should be a number of minutes, 0 or more."


def _minutes(text: str) -> bool:
    if not text:
        return True
    try:
        return 0 <= float(text) < float("inf")
    except ValueError:
        return False


def _device(values: dict[str, str], travel_min: float) -> Device:
    remote = values["remote"].lower() == "true"
    operating, travel = values.get("operating_time_min", ""), values.get("travel_time_min", "")
    return Device(
        name=values["device"],
        line=values["element"].lower().partition(".")[2],
        type=cast(DeviceType, values["type"]),
        normally_open=values["normally_open"].lower() == "true",
        remote=remote,
        operating_min=float(operating) if operating else OPERATING_MIN[remote],
        travel_min=0.0 if remote else float(travel) if travel else travel_min,
    )


def _twice(what: str, names: Sequence[str]) -> list[str]:
    repeated = sorted(name for name, count in Counter(names).items() if name and count > 1)
    return [f"The device table names {what} {', '.join(repeated)} more than once."] if repeated else []
