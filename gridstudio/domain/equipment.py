"""The cost and equipment catalogue of upgrade measures: what can be bought, in which sizes, at which cost."""

import difflib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from gridstudio.domain.catalogue_files import FloatArray, Rows, missing_columns, numbers, read_rows
from gridstudio.errors import InputError

_DATA = Path(__file__).parent / "data"

# Measure type -> the unit of its size, and what its unit cost is for. Cables are underground, lines overhead.
MEASURE_UNITS: dict[str, tuple[str, str]] = {
    "reconductor": ("A", "km"),
    "reconductor_cable": ("A", "km"),
    "parallel_line": ("A", "km"),
    "parallel_cable": ("A", "km"),
    "switch": ("A", "unit"),
    "transformer_one_phase": ("kVA", "unit"),
    "transformer_three_phase": ("kVA", "unit"),
    "regulator_settings": ("", "unit"),
    "tap_changer_settings": ("", "unit"),
    "regulator": ("kVA", "unit"),
    "capacitor_settings": ("", "unit"),
    "capacitor": ("kvar", "unit"),
    "move_phase": ("", "unit"),
    "volt_var": ("", "unit"),
    "battery": ("kW", "kW"),
    "demand_response": ("kW", "kW"),
}
COLUMNS = ("measure", "phases", "size", "size_unit", "per", "unit_cost_usd", "o_and_m_usd_per_year", "life_years")


@dataclass(frozen=True)
class Item:
    """One row of the catalogue.

    ``phases``: 1, 2 or 3, 0 where they do not matter. ``size`` in the unit of its measure (``MEASURE_UNITS``), 0 for
    measures without a size. ``unit_cost_usd`` [USD] and ``o_and_m_usd_per_year`` [USD/year] are per ``per``: a "unit",
    a "km" of line or a "kW". ``life_years`` [years]. ``source`` says where the figure is from.
    """

    measure: str
    phases: int
    size: float
    per: str
    unit_cost_usd: float
    o_and_m_usd_per_year: float
    life_years: float
    source: str


@dataclass(frozen=True)
class Equipment:
    """What can be bought, sorted by measure, phases and size."""

    items: tuple[Item, ...]

    @cached_property
    def measures(self) -> tuple[str, ...]:
        """The measures that have a row."""
        return tuple(dict.fromkeys(item.measure for item in self.items))

    def sizes(self, measure: str, phases: int = 0) -> tuple[Item, ...]:
        """The rows of a measure by rising size: those for ``phases`` phases, and those for which they do not matter.

        Empty if the catalogue has none: that measure is then not for sale. InputError for an unknown measure.
        """
        if measure not in MEASURE_UNITS:
            raise InputError(_unknown_measure(measure))
        found = [item for item in self.items if item.measure == measure and item.phases in (0, phases)]
        return tuple(sorted(found, key=lambda item: item.size))

    def least(self, measure: str, size: float, phases: int = 0) -> Item | None:
        """The smallest row of a measure with at least ``size``; None if there is none that large."""
        return next((item for item in self.sizes(measure, phases) if item.size >= size), None)


def read_equipment(path: Path | str) -> Equipment:
    """The catalogue in a CSV file.

    Columns: measure, phases (1, 2, 3; empty: all), size and size_unit (empty for measures without a size), per (unit,
    km or kW), unit_cost_usd, o_and_m_usd_per_year, life_years; source if there is one. Other columns are left alone.
    Raises one InputError with all that is wrong, each finding with its line.
    """
    header, rows, findings = read_rows(path)
    missing = missing_columns(header, COLUMNS)
    findings += missing + ([] if rows else ["there is no measure in it"])
    if missing:
        raise InputError.from_findings(f"Equipment catalogue {path}", findings)
    findings += _measure_findings(rows)
    known = [(line, row) for line, row in rows if row["measure"] in MEASURE_UNITS]
    phases, phase_findings = _phases(known)
    findings += phase_findings
    sizes = _sizes(known, findings)
    costs = {column: numbers(known, column, findings, least=0.0) for column in COLUMNS[5:7]}
    life = numbers(known, "life_years", findings)
    findings += _repeated(known, phases, sizes)
    if findings:
        raise InputError.from_findings(f"Equipment catalogue {path}", findings)
    items = [
        Item(
            row["measure"],
            phases[i],
            float(sizes[i]),
            row["per"],
            float(costs["unit_cost_usd"][i]),
            float(costs["o_and_m_usd_per_year"][i]),
            float(life[i]),
            row.get("source", ""),
        )
        for i, (_, row) in enumerate(known)
    ]
    return Equipment(tuple(sorted(items, key=lambda item: (item.measure, item.phases, item.size))))


def standard_equipment() -> Equipment:
    """Typical public costs of US utilities (sources: README beside ``data/upgrade_costs.csv``); bring your own."""
    return read_equipment(_DATA / "upgrade_costs.csv")


def _unknown_measure(measure: str) -> str:
    near = difflib.get_close_matches(measure, MEASURE_UNITS, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"it must be one of {', '.join(MEASURE_UNITS)}."
    return f"measure {measure!r} is not known; {hint}"


def _measure_findings(rows: Rows) -> list[str]:
    """Unknown measures, and units that are not those of the measure."""
    findings = []
    for line, row in rows:
        measure = row["measure"]
        if measure not in MEASURE_UNITS:
            findings.append(f"line {line}: {_unknown_measure(measure).rstrip('.')}")
            continue
        for column, unit in zip(("size_unit", "per"), MEASURE_UNITS[measure], strict=True):
            if row[column] != unit:
                wanted = f"it must be {unit!r}" if unit else "it must be empty: the measure has no size"
                findings.append(f"line {line}: {column} of {measure} is '{row[column]}'; {wanted}")
    return findings


def _phases(rows: Rows) -> tuple[list[int], list[str]]:
    wrong = [(line, row["phases"]) for line, row in rows if row["phases"] not in ("", "1", "2", "3")]
    findings = [f"line {line}: phases is '{given}'; it must be 1, 2, 3 or empty" for line, given in wrong]
    return [int(row["phases"]) if row["phases"] in ("1", "2", "3") else 0 for _, row in rows], findings


def _sizes(rows: Rows, findings: list[str]) -> FloatArray:
    """Sizes, 0 for measures that have none."""
    has_size = np.array([bool(MEASURE_UNITS[row["measure"]][0]) for _, row in rows], dtype=bool)
    sizes = np.zeros(len(rows))
    sizes[has_size] = numbers([row for row, sized in zip(rows, has_size, strict=True) if sized], "size", findings)
    for (line, row), sized in zip(rows, has_size, strict=True):
        if not sized and row["size"]:
            findings.append(f"line {line}: size is '{row['size']}'; {row['measure']} has no size, leave it empty")
    return sizes


def _repeated(rows: Rows, phases: list[int], sizes: FloatArray) -> list[str]:
    findings, first = [], dict[tuple[str, int, float], int]()
    for (line, row), count, size in zip(rows, phases, sizes.tolist(), strict=True):
        key = (row["measure"], count, size)
        if key in first:
            findings.append(f"line {line}: {row['measure']} of this size is already given in line {first[key]}")
        first.setdefault(key, line)
    return findings
