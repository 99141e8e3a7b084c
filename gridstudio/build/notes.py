"""One row of the table of findings."""

from typing import Literal, NamedTuple

Severity = Literal["warning", "assumption", "derived", "omitted"]
COLUMNS = ["severity", "table", "count", "text"]


class Note(NamedTuple):
    """One row of the table of findings: ``count`` rows of ``table`` are meant."""

    severity: Severity
    table: str
    number: int
    text: str
