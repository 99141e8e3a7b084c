"""Errors that a user can act on. Everything raised on purpose derives from GridStudioError."""

from collections.abc import Iterable


class GridStudioError(Exception):
    """Base class; the command line prints it without a traceback."""


class InputError(GridStudioError):
    """A file, a setting or a change names something that does not exist or does not fit."""

    @classmethod
    def from_findings(cls, where: str, findings: Iterable[str]) -> "InputError":
        """One error that tells all findings about ``where`` together."""
        found = list(findings)
        if len(found) == 1:
            return cls(f"{where}: {found[0]}")
        return cls(f"{where}: {len(found)} findings.\n" + "\n".join(f"  - {finding}" for finding in found))


class EngineError(GridStudioError):
    """OpenDSS refused a command, or a worker died while it solved."""


class SolverError(GridStudioError):
    """An optimisation ended without an answer that may be used."""
