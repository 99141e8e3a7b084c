"""From settings to what the methods work on: circuit, devices, sections, customers, storms; all checked first."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridstudio.domain.devices import Device, default_devices, read_devices
from gridstudio.domain.limits import Limits
from gridstudio.domain.network import Finding
from gridstudio.domain.sections import Sections, build_sections
from gridstudio.engine import Feeder
from gridstudio.errors import InputError
from gridstudio.planning.circuit import read_circuit
from gridstudio.planning.restoration.customers import assumed_customers, read_customers
from gridstudio.planning.restoration.incident import Incident, Storm, happen
from gridstudio.planning.restoration.moves import together
from gridstudio.planning.restoration.settings import RestorationSettings
from gridstudio.planning.restoration.storms import drawn, from_records, named

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Setup:
    """All that a run needs. ``customers``: load, customers, class, kw, section."""

    feeder: Feeder
    sections: Sections
    limits: Limits
    customers: pd.DataFrame
    judged: list[Incident]
    training: list[Incident]
    assumed_breakers: tuple[str, ...]
    findings: list[Finding]
    islands: list[tuple[int, float, float]]  # sections (bit mask), hours on their own, minutes until they stand

    def with_islands(self, incident: Incident, out_min: Floats) -> Floats:
        """Minutes without supply (section,) if islands carry their sections, unless a fault is in there."""
        found = out_min.copy()
        for sections, hours, forming_min in self.islands:
            if not incident.blocked & sections:
                members = self.sections.members(sections)
                carried = np.clip(found[members] - forming_min, 0.0, 60.0 * hours)
                found[members] -= carried
        return found

    @property
    def classes(self) -> list[str]:
        """The class with most kW in each section; residential where nobody is."""
        kw = self.customers.groupby(["section", "class"])["kw"].sum()
        found = ["residential"] * len(self.sections)
        for section, rows in kw.groupby(level="section"):
            found[int(section)] = str(rows.idxmax()[1])
        return found


def prepare(settings: RestorationSettings, folder: Path) -> Setup:
    """Read and check everything; only the base circuit is solved. InputError with all findings of one table."""
    feeder, network, findings = read_circuit(settings.feeder, folder)
    given = settings.devices
    devices: tuple[Device, ...] = (
        read_devices(folder / given.table, network, given.travel_time_min)
        if given.table
        else default_devices(network, given.travel_time_min)
    )
    who = settings.customers
    table = (
        read_customers(folder / who.table, network) if who.table else assumed_customers(network, who.kw_per_customer)
    )
    sections = build_sections(network, devices, table.groupby("load")["customers"].sum().to_dict())
    sections, breakers = sections.protected()
    bus_of = dict(zip(network.loads["load"], network.loads["bus"], strict=True))
    table = table.assign(section=[sections.of_bus[bus_of[load]] for load in table["load"]])
    storms = named(settings.storms)
    if settings.records is not None:
        storms += from_records(sections, settings.records, folder)
    judged = [happen(sections, storm) for storm in storms]
    training: list[Storm] = []
    if "learned" in settings.methods.run or settings.draw.held_out:
        training, held_out = drawn(sections, settings.draw, storms)
        judged += [happen(sections, storm) for storm in held_out]
    _some_customer(judged)
    return Setup(
        feeder=feeder,
        sections=sections,
        limits=limits(settings),
        customers=table,
        judged=judged,
        training=[happen(sections, storm) for storm in training],
        assumed_breakers=breakers,
        findings=findings,
        islands=_islands(settings, sections),
    )


def _islands(settings: RestorationSettings, sections: Sections) -> list[tuple[int, float, float]]:
    """The sections of each island. InputError on unknown buses or lines, and on sections in two islands."""
    on_line = {device.line: d for d, device in enumerate(sections.devices)}
    wrong: list[str] = []
    found, taken = [], 0
    for island in settings.islands:
        lines = [line.lower().removeprefix("line.") for line in island.boundary]
        missing = [line for line in lines if line not in on_line]
        if island.bus.lower() not in sections.of_bus:
            wrong.append(f"Island {island.name!r}: the circuit has no bus {island.bus!r}.")
        elif missing:
            wrong.append(f"Island {island.name!r}: no device sits on {', '.join(missing)}, its boundary.")
        else:
            first = sections.of_bus[island.bus.lower()]
            closed = sections.normal if lines else 0
            for line in lines:
                closed &= ~(1 << on_line[line])
            part = together(sections, closed, first, 0)
            if part & taken:
                wrong.append(f"Island {island.name!r} shares a section with another island.")
            if any(part >> source & 1 for source in sections.sources):
                wrong.append(f"Island {island.name!r} still hangs on a source of the grid: name all lines around it.")
            taken |= part
            found.append((part, island.hours, island.forming_min))
    if wrong:
        raise InputError.from_findings("islands", wrong)
    return found


def _some_customer(judged: list[Incident]) -> None:
    out = [float(incident.sections.customers @ incident.sections.members(incident.out)) for incident in judged]
    if not np.any(out):
        raise InputError("No storm of this study interrupts a customer: its faults lie where nobody is supplied.")


def limits(settings: RestorationSettings) -> Limits:
    """Limits of the study as the evaluator takes them."""
    given = settings.limits
    plain = Limits(v_min_pu=given.v_min_pu, v_max_pu=given.v_max_pu, loading_max_pu=given.loading_max_pu)
    return replace(
        plain,
        transformer_loading_max_pu=given.transformer_loading_max_pu if given.check_transformers else float("inf"),
        emergency_loading_max_pu=given.emergency_loading_max_pu,
    )
