"""OpenDSS behind one door: no other package imports ``opendssdirect``.

``Feeder`` names a circuit, ``Session`` owns one compiled copy of it, ``PowerFlow``
is what a solve gives. ``borrow`` lends this process's sessions, compiled once.
"""

from gridstudio.engine.assets import Assets, Bank, Impedance, Regulator, misfits, read_assets
from gridstudio.engine.circuit import Feeder, inspect, version
from gridstudio.engine.export import export_circuit
from gridstudio.engine.lending import borrow
from gridstudio.engine.loading import source_files
from gridstudio.engine.recording import PowerFlow
from gridstudio.engine.session import Session

__all__ = [
    "Assets",
    "Bank",
    "Feeder",
    "Impedance",
    "PowerFlow",
    "Regulator",
    "Session",
    "borrow",
    "export_circuit",
    "inspect",
    "misfits",
    "read_assets",
    "source_files",
    "version",
]
