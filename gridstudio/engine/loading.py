"""Circuit files into the engine, without what they would solve, show or write.

The files of other people end in ``solve``, ``show`` and ``export``. An export with a
file name lands in the process's working directory, ``save`` beside the circuit, and a
``solve`` may take a year of hours: a file with such commands is sent line by line without
them, every other file as a whole. What is solved and read is for the caller to say.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from gridstudio.engine.library import DSSException
from gridstudio.errors import InputError

# Command -> shortest abbreviation that OpenDSS takes for it. They solve, ask for results, write, show or end.
_LEFT_OUT = {
    "solve": "so",
    "show": "sh",
    "save": "sa",
    "sample": "sam",
    "export": "ex",
    "dump": "du",
    "plot": "p",
    "visualize": "vi",
    "fileedit": "f",
    "formedit": "fo",
    "closedi": "closed",
    "distribute": "dist",
    "help": "h",
    "about": "ab",
    "quit": "q",
    "panel": "pan",
    "summary": "su",
    "voltages": "v",
    "currents": "cu",
    "powers": "pow",
    "losses": "los",
    "phaselosses": "ph",
    "cktlosses": "ck",
    "seqvoltages": "seqv",
    "seqcurrents": "seqc",
    "seqpowers": "seqp",
    "nodelist": "nodel",
    "estimate": "es",
    "relcalc": "relc",
}
_INCLUDES = {"redirect": "red", "compile": "com"}
_COORDINATES = re.compile(r"\s*(buscoords|latloncoords|setbusxy)\b", re.IGNORECASE)
_DATA_PATH = re.compile(r"\s*set\s+datapath\s*=", re.IGNORECASE)
_DATA = re.compile(r"file\s*=\s*[\"'(\[{]?\s*([^\"')\]}\s,]+)", re.IGNORECASE)
_FILE = re.compile(r"file\s*=|coords|setbusxy|\.(csv|txt|dss|dbl|sng)\b", re.IGNORECASE)
_WORD = re.compile(r"\s*([^\s=\"'({\[]+)")
_ARGUMENT = re.compile(r"\s*\S+\s*(?:file\s*=\s*)?(?:\"([^\"]*)\"|'([^']*)'|[(\[{]([^)\]}]*)[)\]}]|([^\s!,]+))")


class SingularError(InputError):
    """OpenDSS cannot compute the admittance of an element, e.g. of a line of length zero."""


def load(engine: Any, path: Path, scratch: str, without_bases: bool = False) -> None:
    """Run the circuit file at ``path``. Raises InputError in OpenDSS's words, with file and line.

    ``without_bases``: go on where no voltage bases can be calculated, for a circuit that cannot be solved but read.
    """
    if not without_bases and not any(_changed(line, path.parent) for _, line in _lines(path)):
        _send(engine, f'redirect "{path}"', f"OpenDSS cannot read {path}")
        return
    folder = path.parent
    for number, line in _lines(path):
        if _is_a(line, {"cd": "cd"}):
            folder = _included(line, folder)
        elif _is_a(line, _INCLUDES) and _included(line, folder).is_file():
            load(engine, _included(line, folder), scratch, without_bases)
        elif not (without_bases and _is_a(line, {"calcvoltagebases": "calcv"})):
            run_line(engine, line, folder, scratch, f"OpenDSS cannot read {path}", f" ({path}, line {number})")


def run_line(engine: Any, line: str, folder: Path, scratch: str, where: str, place: str = "") -> None:
    """Run one line as a file in ``folder`` would, unless it is one of those left out."""
    if _is_a(line, _INCLUDES) and _included(line, folder).is_file():
        load(engine, _included(line, folder), scratch)
    elif _is_a(line, {"solve": "so"}):
        _send(engine, _WORD.sub("set ", line, count=1), where, place)  # its options stay in force
        _send(engine, "makebuslist", where, place)  # later lines may give coordinates to buses
    elif not (_is_a(line, _LEFT_OUT) or _DATA_PATH.match(line)):
        names_file = _FILE.search(line) is not None  # then its path is relative to the file that names it
        engine.Basic.DataPath(str(folder) if names_file else scratch)
        try:
            _send(engine, line, where, place)
        finally:
            engine.Basic.DataPath(scratch)


def source_files(master: Path, commands: Sequence[str] = ()) -> list[Path]:
    """The master file and all files that it and ``commands`` after it include, in order of first mention."""
    seen: dict[Path, None] = {}

    def visit(path: Path) -> None:
        if path in seen or not path.is_file():
            return
        seen[path] = None
        if path.suffix.lower() != ".csv":
            follow((line for _, line in _lines(path)), path.parent)

    def follow(lines: Iterable[str], folder: Path) -> None:
        for line in lines:
            if _is_a(line, _INCLUDES) or _COORDINATES.match(line):
                visit(_included(line, folder).resolve())
            for name in _DATA.findall(line):  # curves and shapes that are kept in files of their own
                if (path := (folder / name.replace("\\", "/")).resolve()).is_file():
                    seen[path] = None

    visit(Path(master).resolve())
    follow(commands, Path(master).resolve().parent)
    return list(seen)


def message(error: Exception) -> str:
    """OpenDSS's own words on one line, without its boilerplate."""
    text = str(error.args[-1]) if error.args else str(error)
    description = re.search(r"Error Description:\s*(.+?)\s*(?:Probable Cause:|$)", text, re.DOTALL)
    place = re.search(r'\[file: "(.*?)", line: (\d+)\]', text)
    words = description.group(1) if description else re.sub(r"\[file: .*?\]", "", text)
    where = f" ({place.group(1)}, line {place.group(2)})" if place else ""
    return re.sub(r"\s+", " ", words).strip() + where


def _send(engine: Any, line: str, where: str, place: str = "") -> None:
    try:
        engine(line)
    except DSSException as error:
        words = message(error)
        kind = SingularError if "Matrix Inversion Error" in words else InputError
        raise kind(f"{where}: {words if ', line ' in words else words + place}.") from error


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered commands of a file, without block comments."""
    in_comment = False
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        in_comment = in_comment or line.lstrip().startswith("/*")
        if not in_comment and line.strip() and not line.lstrip().startswith(("!", "//")):
            yield number, line
        in_comment = in_comment and "*/" not in line


def _is_a(line: str, commands: dict[str, str]) -> bool:
    """Whether the first word is one of the commands or an abbreviation of it."""
    match = _WORD.match(line)
    word = match.group(1).lower() if match else ""
    return any(command.startswith(word) and word.startswith(least) for command, least in commands.items())


def _included(line: str, folder: Path) -> Path:
    """The path that a line names as its first argument."""
    match = _ARGUMENT.match(line)
    named = next((group for group in match.groups() if group), "") if match else ""
    return folder / named.strip().replace("\\", "/")


def _changed(line: str, folder: Path) -> bool:
    """Whether a line, or a file that it includes, holds something that is not to be run."""
    if _is_a(line, _LEFT_OUT) or _DATA_PATH.match(line):
        return True
    included = _included(line, folder) if _is_a(line, _INCLUDES) else None
    if included is None or not included.is_file():
        return False
    return any(_changed(inner, included.parent) for _, inner in _lines(included))
