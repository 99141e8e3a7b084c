"""What tests of all rooms share: the feeder models, and circuits written on the spot."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gridstudio.engine import Feeder
from gridstudio.engine.library import opendssdirect  # first, so that it is loaded for threads

ROOT = Path(__file__).resolve().parents[1]
opendssdirect.dss.Basic.AllowChangeDir(False)  # before any NewContext(): creating one moves the working directory

WriteCircuit = Callable[..., Path]
TWO_BUS = """
clear
new circuit.two basekv=4.16 pu=1.0 phases=3 bus1=source r1=0 x1=0.001 r0=0 x0=0.001
new line.feed bus1=source bus2=end phases=3 r1=0.1 x1=0.3 r0=0.4 x0=0.9 c1=0 c0=0 length=2 units=km normamps=200
new load.town bus1=end phases=3 kv=4.16 kw=600 kvar=300 model=2 vminpu=0.5
set voltagebases=[4.16]
calcvoltagebases
"""


@pytest.fixture(scope="session")
def model() -> Callable[..., Feeder]:
    """A feeder of dss_models by name; further arguments as for Feeder."""

    def feeder(name: str, *commands: str, controls: str = "static") -> Feeder:
        return Feeder(name, ROOT / "dss_models" / name / "master.dss", commands, controls)

    return feeder


@pytest.fixture(scope="session")
def ieee123(model: Callable[..., Feeder]) -> Feeder:
    return model("ieee123")


@pytest.fixture
def write_circuit(tmp_path: Path) -> WriteCircuit:
    """Write a text as a circuit file and return its path."""

    def write(text: str, name: str = "master.dss") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def circuit(write_circuit: WriteCircuit) -> Callable[..., Feeder]:
    """The two-bus circuit with ``more`` commands before its voltage bases, as a feeder."""

    def feeder(more: str = "", *commands: str, controls: str = "static") -> Feeder:
        head, tail = TWO_BUS.split("set voltagebases", 1)
        return Feeder("two", write_circuit(f"{head}{more}\nset voltagebases{tail}"), commands, controls)

    return feeder


@pytest.fixture(scope="session")
def odd() -> Callable[..., Feeder]:
    """A circuit of tests/data/circuits by name."""

    def feeder(name: str, *commands: str, controls: str = "static") -> Feeder:
        return Feeder(name, ROOT / "tests" / "data" / "circuits" / f"{name}.dss", commands, controls)

    return feeder
