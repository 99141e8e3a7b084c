"""Colours and number formats: safe for the colour-blind, and the same in every figure, page and workbook."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import pandas as pd

from gridstudio.result import Quantity

INK, MUTED, FAINT, PAPER = "#1d2731", "#5b6772", "#c8d0d8", "#ffffff"
ACCENT, ACCENT_PALE, WARNING = "#1f5f8b", "#d6e4ef", "#b3401f"
UNKNOWN = "#b4bcc4"  # what has no conductor or no rating

# Okabe and Ito's palette: the three phases also differ in their marker.
PHASE_COLOURS = {1: "#0072b2", 2: "#d55e00", 3: "#009e73"}
PHASE_MARKERS = {1: "o", 2: "s", 3: "^"}

# The viridis scale without its palest eighth, from small conductors to large: its lightness falls
# evenly, so the order can be read by every eye and in a grey print.
SEQUENCE = (
    "#9bd93c", "#6ccd5a", "#45bf70", "#28ae80", "#1e9d89", "#218c8d",
    "#297a8e", "#31678e", "#3b528b", "#443a83", "#482173", "#440154",
)  # fmt: skip

# Pale to full blue up to the limit, orange to dark red above it; bounds in parts of the limit.
_BANDS = (
    (0.5, "#bfd3e6"), (0.75, "#7fb0d8"), (1.0, "#2f74b5"), (1.5, "#f2a33a"), (3.0, "#dd4f26"), (math.inf, "#7d120f"),
)  # fmt: skip

CLASS_COLOURS = {
    "unchanged": "#0b4f7a",
    "advanced": "#56a5d8",
    "deferred": "#a9cfe8",
    "conductor changed": "#e69f00",
    "new": "#cc79a7",
}


@dataclass(frozen=True)
class Band:
    """A class of loading: above ``low_pu``, up to ``high_pu`` of the rating; ``over`` the limit or not."""

    low_pu: float
    high_pu: float
    colour: str
    label: str
    over: bool


def loading_bands(limit_pu: float) -> list[Band]:
    """The classes of loading around a limit in pu of the rating."""
    bands, low = [], 0.0
    for part, colour in _BANDS:
        high = part * limit_pu
        label = f"over {100 * low:.0f} %" if math.isinf(high) else f"{100 * low:.0f}\u2013{100 * high:.0f} %"
        bands.append(Band(low, high, colour, label, over=low >= limit_pu))
        low = high
    return bands


def band_of(loading_pu: float, bands: Sequence[Band]) -> int:
    """Index of the class of a loading; -1 for NaN (not rated)."""
    return next((i for i, band in enumerate(bands) if loading_pu <= band.high_pu), -1)


def ramp(count: int) -> list[str]:
    """``count`` colours from pale to dark, evenly spread over SEQUENCE."""
    if count == 1:
        return [SEQUENCE[6]]
    last = len(SEQUENCE) - 1
    return [SEQUENCE[round(i * last / (count - 1))] if count <= len(SEQUENCE) else _between(i * last / (count - 1))
            for i in range(count)]  # fmt: skip


def _between(position: float) -> str:
    left = min(int(position), len(SEQUENCE) - 2)
    ends = [[int(SEQUENCE[i][k : k + 2], 16) for k in (1, 3, 5)] for i in (left, left + 1)]
    mixed = [round(a + (b - a) * (position - left)) for a, b in zip(*ends, strict=True)]
    return "#{:02x}{:02x}{:02x}".format(*mixed)


def conductor_colours(catalogue: Iterable[str], used: Iterable[str]) -> dict[str, str]:
    """A colour for each used conductor in the catalogue's (rising) order; those not in the catalogue come first."""
    wanted = {name for name in used if name}
    listed = list(dict.fromkeys(catalogue))
    names = sorted(wanted - set(listed)) + [name for name in listed if name in wanted]
    return dict(zip(names, ramp(len(names)), strict=True)) if names else {}


# ---- numbers as text -------------------------------------------------------------------------

SPACE = "\u202f"  # narrow, does not break: between thousands


def number(value: Any, decimals: int = 0) -> str:
    """1234.5 -> '1 234' or '1 234.5'; a dash for what is missing, text as it is."""
    if isinstance(value, str):
        return value
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, Real) and math.isnan(float(value))):
        return "\u2013"
    if not isinstance(value, Real):
        return str(value)
    if math.isinf(float(value)):
        return "\u221e" if float(value) > 0 else "\u2212\u221e"
    text = f"{float(value):,.{decimals}f}".replace(",", SPACE)
    return "\u2212" + text[1:] if text.startswith("-") and text.strip("-0.") else text.lstrip("-")


def money(value: Any) -> str:
    """'USD 66 506'."""
    return f"USD\u00a0{number(value)}"


def percent(value_pu: Any, decimals: int = 0) -> str:
    """0.25 -> '25 %'."""
    return f"{number(100 * float(value_pu), decimals)}{SPACE}%"


def quantity(q: Quantity) -> str:
    """A headline number as large text: as many digits as its unit deserves."""
    if isinstance(q.value, str):
        return f"{q.value} {q.unit}".strip()
    if q.unit.lower() == "usd":
        return money(q.value)
    if isinstance(q.value, Integral):
        text = number(q.value)
    else:
        size = abs(float(q.value))
        digits = 0 if not math.isfinite(size) or size >= 1000 else 1 if size >= 10 else 2 if size >= 1 else 4
        text = number(q.value, digits)
    return f"{text}{SPACE}{q.unit}".strip()


# A column's unit is the end of its name: (suffix, unit, decimals).
UNITS = (
    ("_usd_per_km", "USD/km", 0), ("_usd", "USD", 0), ("_mwh", "MWh", 1), ("_kwh", "kWh", 1), ("_kw", "kW", 1),
    ("_mw", "MW", 2), ("_gwh", "GWh", 1), ("_busd", "bn USD", 2), ("_musd", "M USD", 1), ("_mt", "Mt", 2),
    ("_km2", "km\u00b2", 0),
    ("_kvar", "kvar", 1), ("_kva", "kVA", 1), ("_kv", "kV", 3), ("_km", "km", 3), ("_pu", "pu", 4), ("_m", "m", 1),
    ("_a", "A", 1), ("_h", "h", 2), ("_min", "min", 1), ("seconds", "s", 2), ("kw", "kW", 1), ("cmi", "min", 0),
    ("customer_minutes", "min", 0),
)  # fmt: skip
PROBABILITY = re.compile(r"^(p_.*|probability)$")


def unit_of(column: str) -> tuple[str, int | None]:
    """Unit and decimals of a column by the end of its name; ('', None) where it has no unit."""
    return next(((unit, decimals) for end, unit, decimals in UNITS if column.endswith(end)), ("", None))


WRITTEN = (
    {"cvar": "CVaR", "v": "V", "kw": "kW", "kwh": "kWh", "pv": "PV"}
    | {word: word.upper() for word in ("ci", "cmi", "saifi", "saidi", "caidi", "maifi", "ens", "usd", "soc")}
    | {word: word.upper() for word in ("co2", "sddp", "smr", "h2", "ccs", "dtr", "sssc")}
)  # words that are not written as they stand in a column's name


def heading(column: str) -> str:
    """'cost_usd' -> 'cost [USD]', 'p_new' -> 'P(new)'."""
    if column.startswith("p_"):
        return f"P({_words(column[2:])})"
    for end, unit, _ in UNITS:
        if column.endswith(end) and len(column) > len(end) and end.startswith("_"):
            return f"{_words(column[: -len(end)])} [{unit}]"
    return f"{column} [s]" if column == "seconds" else _words(column)


def _words(name: str) -> str:
    return " ".join(WRITTEN.get(word, word) for word in name.split("_"))


def cell(column: str, value: Any) -> str:
    """A table's value as text, in the digits of its column's unit."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return "yes" if value else "no"
    if PROBABILITY.match(column) and isinstance(value, Real) and not math.isnan(float(value)):
        return percent(value, 1 if 0 < float(value) < 0.1 else 0)
    _, decimals = unit_of(column)
    if decimals is None:
        decimals = 0 if isinstance(value, Integral) or _is_whole(value) else 3
    return number(value, decimals)


def _is_whole(value: Any) -> bool:
    return isinstance(value, Real) and math.isfinite(float(value)) and float(value).is_integer()
