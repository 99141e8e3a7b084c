"""The circuit of one or more substations, derived from the tables: still tables, with OpenDSS's names."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from gridstudio.build.devices import devices_of
from gridstudio.build.network import coordinates_of, inside, line_codes, lines_of, sources_of
from gridstudio.build.settings import ImportSettings
from gridstudio.build.sites import customers_of, loads_of, plants_of
from gridstudio.build.tables import Utility


@dataclass(frozen=True, eq=False)
class Circuit:
    """The tables of one OpenDSS model; names are in lower case.

    sources: substation, name, bus_high, bus, high_kv, low_kv, mva, feeders
    codes: line_code, phases, r, x, r0, x0 (ohm per mile), ampacity_a
    lines: line, bus1, bus2, nodes ("1.2.3"), phases, miles, line_code, own (carries its own impedance), r, x, r0, x0,
        ampacity_a, switch, open, feeder, conductor
    loads: load, bus, nodes, phases, kv, kw, kvar, feeder
    solar: transformer, bus, nodes, phases, kv, kw
    storage: transformer, bus, nodes, phases, kv, kw, kwh, inverter_kva (0 where it cannot form a grid)
    devices, customers: the tables of the model (device..travel_time_min; load, customers, class)
    coordinates: bus, x, y
    """

    name: str
    title: str
    substations: tuple[str, ...]
    sources: pd.DataFrame
    codes: pd.DataFrame
    lines: pd.DataFrame
    loads: pd.DataFrame
    solar: pd.DataFrame
    storage: pd.DataFrame
    devices: pd.DataFrame
    customers: pd.DataFrame
    coordinates: pd.DataFrame
    ties_left_out: int

    @property
    def voltages_kv(self) -> list[float]:
        """Distinct voltages, highest first."""
        return sorted({*self.sources["high_kv"], *self.sources["low_kv"]}, reverse=True)


def derive(utility: Utility, settings: ImportSettings, substations: Sequence[str], name: str, title: str) -> Circuit:
    """The circuit of ``substations``. Ties that lead out of them are left out."""
    nodes, edges = inside(utility, substations)
    sources = sources_of(utility, substations)
    lines, ties_left_out, bus_of_tie = lines_of(utility, settings, nodes, edges)
    loads = loads_of(utility, settings, substations)
    solar, storage = plants_of(utility, substations)
    lines, devices = devices_of(utility, nodes, edges, lines)
    used = {*lines["bus1"], *lines["bus2"]}
    return Circuit(
        name=name,
        title=title,
        substations=tuple(substations),
        sources=sources,
        codes=line_codes(utility).loc[lambda t: t["line_code"].isin(lines["line_code"])],
        lines=lines,
        loads=loads,
        solar=solar,
        storage=storage,
        devices=devices,
        customers=customers_of(utility, loads),
        coordinates=coordinates_of(nodes, sources, used, bus_of_tie),
        ties_left_out=ties_left_out,
    )
