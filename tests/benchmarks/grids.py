"""A distribution grid of any size: copies of IEEE 123 on one stiff source, joined at its published tie points."""

import re
from pathlib import Path

IEEE123 = Path(__file__).resolve().parents[2] / "dss_models" / "ieee123"
PARTS = ("lines.dss", "transformers.dss", "capacitors.dss", "loads.dss")
TIES = (("450", "250"), ("95", "300"))  # where the document draws ties to neighbours: from a copy to the next


def write_grid(folder: Path, copies: int) -> Path:
    """Write the circuit of ``copies`` feeders (278 nodes each, and 3 of the station) and return its master file."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        "clear",
        "set defaultbasefrequency=60",
        f"new circuit.grid{copies} bus1=station basekv=4.16 pu=1.0 angle=0 r1=0 x1=0.0001 r0=0 x0=0.0001",
        f'redirect "{IEEE123 / "linecodes.dss"}"',
    ]
    for copy in range(copies):
        for part in PARTS:
            lines += [_renamed(line, copy) for line in (IEEE123 / part).read_text().splitlines()]
        lines.append(_switch(f"feed_{copy}", "station", f"150_{copy}"))
    for copy in range(copies - 1):
        for number, (here, there) in enumerate(TIES):
            name = f"tie{number}_{copy}"
            lines.append(_switch(name, f"{here}_{copy}", f"{there}_{copy + 1}"))
            lines += [f"open line.{name} 1", f"open line.{name} 2"]
    lines += ["set voltagebases=[4.16 0.48]", "calcvoltagebases", ""]
    master = folder / f"grid{copies}.dss"
    master.write_text("\n".join(lines))
    return master


def _switch(name: str, bus1: str, bus2: str) -> str:
    impedance = "switch=yes r1=0.001 x1=0 r0=0.001 x0=0 c1=0 c0=0 length=0.001"
    return f"new line.{name} phases=3 bus1={bus1}.1.2.3 bus2={bus2}.1.2.3 {impedance}"


def _renamed(line: str, copy: int) -> str:
    """A line of the feeder with the copy's number behind every name of an element and of a bus."""
    line = re.sub(r"^(new \w+\.\S+)", rf"\1_{copy}", line)
    line = re.sub(r"\b(bus\d?=|transformer=)(\w+)", rf"\1\2_{copy}", line)
    buses = re.search(r"buses=\[([^\]]*)\]", line)
    if buses:
        named = " ".join(re.sub(r"^(\w+)", rf"\1_{copy}", bus) for bus in buses.group(1).split())
        line = line[: buses.start(1)] + named + line[buses.end(1) :]
    return line
