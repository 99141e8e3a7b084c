"""The circuit of a study, read and looked at before anything is solved."""

from pathlib import Path

from gridstudio import engine
from gridstudio.domain.network import Finding, Network
from gridstudio.engine import Feeder
from gridstudio.errors import InputError
from gridstudio.settings import FeederSettings


def read_circuit(given: FeederSettings, folder: Path) -> tuple[Feeder, Network, list[Finding]]:
    """The feeder, its network, and what is worth a remark; InputError with all that makes the circuit unusable."""
    master = folder / given.master
    feeder = Feeder(master.stem, master, given.commands, given.controls)
    network, findings = engine.inspect(feeder)
    errors = [finding.text for finding in findings if finding.severity == "error"]
    if errors:
        raise InputError.from_findings(str(master), errors)
    return feeder, network, list(findings)
