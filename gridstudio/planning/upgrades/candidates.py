"""Candidates of mode powerflow: measures from what is violated, each a change set of the circuit with its cost.

For each of the asked quantiles of the scenarios the lines, transformers and buses of a zone that break a limit in the
last year make bundles: replace their conductors, build a second line beside them, a larger transformer, a capacitor
bank, a regulator; phases are balanced at the head. Batteries, demand response and EV shift are sized for what must be
shed at the same quantiles. Bundles of one kind and the bundles that do the same to the same lines exclude each other.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gridstudio.domain.changes import ChangeSet
from gridstudio.domain.equipment import Equipment
from gridstudio.domain.network import Finding
from gridstudio.planning.upgrades.circuit import Circuit
from gridstudio.planning.upgrades.contract import FloatArray, Futures, IntArray, Menu
from gridstudio.planning.upgrades.measures import (
    Part,
    capacitor_bank,
    larger_transformer,
    phase_moves,
    regulator_halfway,
    stronger_line,
)
from gridstudio.planning.upgrades.merit import weighted_quantile
from gridstudio.planning.upgrades.settings import UpgradesSettings

LEAST_MW = 0.005  # smaller shortages call for no device


@dataclass(frozen=True)
class Candidate:
    """One row of the menu."""

    zone: int
    label: str
    group: str
    parts: tuple[Part, ...] = ()
    cost_usd: float = 0.0
    o_and_m: float = 0.0
    life: float = 40.0
    power_mw: float = 0.0
    energy_mwh: float = 0.0
    shift_mw: float = 0.0
    shift_share: float = 0.0

    @property
    def total_usd(self) -> float:
        return self.cost_usd + sum(part.cost_usd for part in self.parts)

    @property
    def yearly_usd(self) -> float:
        return self.o_and_m + sum(part.o_and_m for part in self.parts)

    @property
    def years(self) -> float:
        """Life, of several parts the mean by cost."""
        spent = sum(part.cost_usd for part in self.parts)
        return sum(part.cost_usd * part.life for part in self.parts) / spent if spent > 0 else self.life


@dataclass(frozen=True, eq=False)
class Need:
    """A zone in the last year at one quantile of the scenarios, without measures: the highest current of its watched
    conductors (watched,) [A] over the highest hour, the lowest voltage of its watched nodes (node,), and the load that
    must be shed [MW]."""

    amps: FloatArray
    v_pu: FloatArray
    short_mw: float
    peak_mw: float


def need(circuit: Circuit, zone: int, futures: Futures, quantile: float) -> Need:
    """What a zone needs at a quantile of ``futures``, by the estimate."""
    multipliers = np.moveaxis(circuit.drivers.of(futures)[:, -1], -1, 1)  # (scenario, hour, feeder, class)
    flat, p, one = multipliers.reshape(-1, *multipliers.shape[2:]), futures.probabilities, circuit.base[zone]
    shape = multipliers.shape[:2]
    amps = one.amps(flat).reshape(*shape, -1).max(axis=1)
    v_pu = one.v_pu(flat).reshape(*shape, -1).min(axis=1)
    over = one.over_mw(flat).reshape(shape).max(axis=1)
    load = circuit.drivers.load_mw(circuit.drivers.of(futures)[:, -1])[:, circuit.zones.of_zone(zone)].sum(axis=1)
    return Need(
        weighted_quantile(amps, p, quantile),
        -weighted_quantile(-v_pu, p, quantile),
        float(weighted_quantile(np.maximum(over, 0.0), p, quantile)),
        float(weighted_quantile(load.max(axis=1), p, quantile)),
    )


def find(
    settings: UpgradesSettings, circuit: Circuit, equipment: Equipment, futures: Futures
) -> tuple[list[Candidate], list[Finding]]:
    """All candidates, zone by zone, and what the catalogue could not serve."""
    found: list[Candidate] = []
    missing: dict[str, None] = {}
    for zone in range(len(circuit.zones)):
        for quantile in settings.menu.sized_for:
            wanted = need(circuit, zone, futures, quantile)
            mine = [*_wires(settings, circuit, equipment, zone, wanted, quantile, missing)]
            mine += _resources(settings, circuit, equipment, zone, wanted, quantile)
            found += [one for one in mine if not _known(found, one)]
    return found, [Finding("warning", text) for text in missing]


def _known(found: list[Candidate], one: Candidate) -> bool:
    """Whether the same is there already, under another quantile."""
    same = (c for c in found if c.zone == one.zone and c.group == one.group)
    return any(
        {p.change for p in c.parts} == {p.change for p in one.parts}
        and (c.power_mw, c.shift_mw, c.shift_share) == (one.power_mw, one.shift_mw, one.shift_share)
        for c in same
    )


def _wires(
    settings: UpgradesSettings,
    circuit: Circuit,
    equipment: Equipment,
    zone: int,
    wanted: Need,
    quantile: float,
    missing: dict[str, None],
) -> Iterator[Candidate]:
    allowed, sized = settings.menu.measures, f"for {quantile:.0%}"
    over = _overloaded(circuit, zone, wanted)
    for kind, measure in (("reconductor", "reconductor"), ("parallel_line", "parallel_line")):
        lines = [(row, amps) for row, amps in over if circuit.zones.network.branches["kind"].iat[row] == "line"]
        if kind in allowed and lines:
            parts = [stronger_line(circuit, equipment, measure, row, amps) for row, amps in lines]
            if all(parts):
                yield Candidate(zone, f"{kind} {sized}", "lines", tuple(p for p in parts if p))
            else:
                missing[f"The catalogue has no {measure} large enough for a line of {circuit.zones.names[zone]}."] = (
                    None
                )
    units = [(row, amps) for row, amps in over if circuit.zones.network.branches["kind"].iat[row] == "transformer"]
    if "transformer_upgrade" in allowed and units:
        parts = [larger_transformer(circuit, equipment, row, amps) for row, amps in units]
        if all(parts):
            yield Candidate(zone, f"transformer_upgrade {sized}", "transformers", tuple(p for p in parts if p))
        else:
            missing[f"The catalogue has no transformer large enough for {circuit.zones.names[zone]}."] = None
    if circuit.zones.shared[zone]:
        return
    low = np.flatnonzero(wanted.v_pu < settings.limits.v_min_pu)
    if len(low):
        worst = int(low[np.argmin(wanted.v_pu[low])])
        for kind, make in (("capacitor_bank", capacitor_bank), ("voltage_regulator", regulator_halfway)):
            part = make(circuit, equipment, zone, worst) if kind in allowed else None
            if part:
                yield Candidate(zone, kind, kind, (part,))
    if "phase_balancing" in allowed and (over or len(low)):
        moves = phase_moves(circuit, equipment, zone, settings.menu.moved_loads)
        if moves:
            yield Candidate(zone, "phase_balancing", "balance", moves)


def _overloaded(circuit: Circuit, zone: int, wanted: Need) -> list[tuple[int, float]]:
    """Branches above their limit: row and highest current [A] over the allowed share of the rating."""
    watched, limit = circuit.watches[zone], circuit.base[zone].limit_a
    branch = circuit.zones.network.conductors["branch"].to_numpy()[watched.conductors]
    worst: dict[int, float] = {}
    for row, amps, allowed in zip(branch, wanted.amps, limit, strict=True):
        if amps > allowed:
            worst[int(row)] = max(worst.get(int(row), 0.0), float(amps / allowed))
    rating = circuit.zones.network.branches["ampacity_a"].to_numpy()
    return [(row, times * rating[row]) for row, times in sorted(worst.items())]


def _resources(
    settings: UpgradesSettings, circuit: Circuit, equipment: Equipment, zone: int, wanted: Need, quantile: float
) -> Iterator[Candidate]:
    """Battery, demand response and EV shift for what must be shed."""
    if wanted.short_mw < LEAST_MW:
        return
    allowed, given, shared = settings.menu.measures, settings.alternatives, circuit.zones.shared[zone]
    mw = np.ceil(wanted.short_mw * 20) / 20
    batteries = equipment.sizes("battery")
    if "battery_storage" in allowed and batteries:
        one = batteries[0]
        yield Candidate(
            zone, f"battery_storage {mw:g} MW", "battery", (), mw * 1000 * one.unit_cost_usd,
            mw * 1000 * one.o_and_m_usd_per_year, one.life_years, mw, mw * given.battery_hours,
        )  # fmt: skip
    if shared or quantile < settings.menu.sized_for[-1]:
        return
    if "demand_response" in allowed:
        dr = min(mw, np.ceil(settings.menu.demand_response_share * wanted.peak_mw * 20) / 20)
        yearly = dr * 1000 * given.dr_usd_per_kw_year + given.dr_usd_per_year
        yield Candidate(zone, f"demand_response {dr:g} MW", "response", o_and_m=yearly, life=10.0, shift_mw=dr)
    if "ev_shift" in allowed:
        share = given.shiftable_share
        yield Candidate(zone, "ev_shift", "ev", o_and_m=given.dr_usd_per_year, life=10.0, shift_share=share)


def menu_of(circuit: Circuit, found: list[Candidate]) -> tuple[Menu, tuple[ChangeSet, ...]]:
    """The candidates as the program knows them, and what each does to the circuit; gains are filled in later."""
    names, count = circuit.zones.names, len(found)

    def column(field: str) -> FloatArray:
        return np.array([getattr(one, field) for one in found], dtype=float)

    menu = Menu(
        feeder=tuple(names[one.zone] for one in found),
        measure=tuple(one.label for one in found),
        cost_usd=column("total_usd"),
        om_usd_per_year=column("yearly_usd"),
        life_years=column("years"),
        group=tuple(one.group for one in found),
        from_year=np.ones(count, dtype=np.int64),
        limit=("",) * count,
        gain_mw=np.zeros(count),
        power_mw=column("power_mw"),
        energy_mwh=column("energy_mwh"),
        efficiency=np.full(count, 0.88),
        shift_mw=column("shift_mw"),
        shift_share=column("shift_share"),
    )
    return menu, tuple(ChangeSet(tuple(part.change for part in one.parts), one.label) for one in found)


def parts_table(circuit: Circuit, found: list[Candidate]) -> pd.DataFrame:
    """The table 'parts'."""
    rows = []
    for one in found:
        for part in one.parts:
            rows.append((circuit.zones.names[one.zone], one.label, part.element, part.text, part.cost_usd))
        if not one.parts:
            what = f"{one.power_mw:g} MW, {one.energy_mwh:g} MWh" if one.power_mw else f"{one.shift_mw:g} MW"
            what = f"{one.shift_share:.0%} of the charging" if one.shift_share else what
            rows.append((circuit.zones.names[one.zone], one.label, "customers", what, one.total_usd))
    return pd.DataFrame(rows, columns=["feeder", "measure", "element", "change", "cost_usd"])


def wires_of(members: IntArray, changes: tuple[ChangeSet, ...]) -> tuple[int, ...]:
    """The candidates of a package that change the circuit."""
    return tuple(int(c) for c in members if changes[c].changes)
