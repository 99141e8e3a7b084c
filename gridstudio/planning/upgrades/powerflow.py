"""Mode 'powerflow': needs and effects by power flows, as a ``Provider``.

``outcomes`` estimates every package: for each set of measures that change the circuit, some hundred power flows over
the span of the futures are fitted (``estimate``), what must be shed follows from currents and voltages (``shedding``),
batteries, demand response and EVs relieve it hour by hour (``dispatch``). They stand with the customers beneath the
element that limits, so that a MW of them saves a MW of shedding. ``verify`` applies a plan to the circuit and solves
every scenario, year and hour in which anything may bind (``simulation``), with the load that batteries and shifted
load add when they recover.
"""

from dataclasses import dataclass, field

import numpy as np

from gridstudio.domain.changes import ChangeSet
from gridstudio.planning.upgrades.candidates import wires_of
from gridstudio.planning.upgrades.circuit import Circuit
from gridstudio.planning.upgrades.contract import (
    OUTCOMES,
    BoolArray,
    FloatArray,
    Futures,
    Hourly,
    Hours,
    IntArray,
    Menu,
    Outcomes,
    Packages,
)
from gridstudio.planning.upgrades.estimate import Estimate, fit, solve_states
from gridstudio.planning.upgrades.relief import missed, relieved
from gridstudio.planning.upgrades.seen import Seen
from gridstudio.planning.upgrades.simulation import simulate, together
from gridstudio.planning.upgrades.zones import SOLAR

Key = tuple[int, ...]
TINY_MW = 1e-6
NEAR = 0.03  # of the load: room that recovering load leaves, below which it is solved


@dataclass(frozen=True, eq=False)
class Simulated:
    """Trajectories of one year under one set of measures: before cutting, and what is short (scenario, hour, zone)
    after relief [MW]; ``clean`` (scenario,): the last power flow, of recovering load too, broke no limit."""

    seen: Seen
    short_mw: FloatArray
    clean: BoolArray


@dataclass(frozen=True, eq=False)
class PowerFlow:
    """The circuit as a ``Provider``. Estimates and simulations are kept, so that nothing is solved twice."""

    circuit: Circuit
    menu: Menu
    changes: tuple[ChangeSet, ...]
    _estimates: dict[tuple[int, Key], Estimate] = field(default_factory=dict)
    _over: dict[tuple[int, int, Key], FloatArray] = field(default_factory=dict)
    _seen: dict[tuple[int, int, Key], Seen] = field(default_factory=dict)
    _simulated: dict[tuple[int, int, Key], Simulated] = field(default_factory=dict)
    _multipliers: dict[int, tuple[Futures, FloatArray]] = field(default_factory=dict)

    @property
    def hours(self) -> Hours:
        return self.circuit.drivers.hours

    def features(self, futures: Futures) -> FloatArray:
        """The highest load of each feeder in the last year, MW."""
        load = self.circuit.drivers.load_mw(self.multipliers(futures)[:, -1])
        return np.asarray(load.max(axis=-1))

    def multipliers(self, futures: Futures) -> FloatArray:
        """(scenario, year, feeder, class, hour); computed once for each set of futures."""
        if id(futures) not in self._multipliers:
            self._multipliers[id(futures)] = (futures, self.circuit.drivers.of(futures))  # held: its id stays its own
        return self._multipliers[id(futures)][1]

    def load_mw(self, futures: Futures, zone: int) -> FloatArray:
        """What a zone draws (scenario, year, hour), solar taken off."""
        load = self.circuit.drivers.load_mw(self.multipliers(futures))
        return np.asarray(load[:, :, self.circuit.zones.of_zone(zone)].sum(axis=2))

    def ev_mw(self, futures: Futures, zone: int) -> FloatArray:
        ev = self.circuit.drivers.ev_mw(futures)
        return np.asarray(ev[:, :, self.circuit.zones.of_zone(zone)].sum(axis=2))

    # -- estimates ------------------------------------------------------------

    def outcomes(self, packages: Packages, futures: Futures) -> Outcomes:
        shape = (len(futures), len(packages), len(self.circuit.drivers.years))
        fields = {name: np.zeros(shape) for name in OUTCOMES}
        self._fit([(int(f), self._wires(m)) for f, m in zip(packages.feeder, packages.members, strict=True)])
        for zone in range(len(self.circuit.zones)):
            load, ev = self.load_mw(futures, zone), self.ev_mw(futures, zone)
            curtailed = np.stack([seen.curtailed_mw[..., zone] @ w for seen, w in self._base(futures)], axis=1)
            for package in np.flatnonzero(packages.feeder == zone):
                members = packages.members[package]
                over = relieved(self._estimated(futures, zone, members), ev, self.menu, members, self.hours)
                for name, part in self._fields(np.maximum(over, 0.0), load, zone, curtailed).items():
                    fields[name][:, package] = part
        return Outcomes(**fields, unit="MWh")

    def hourly(self, futures: Futures, feeder: int, members: BoolArray) -> Hourly:
        self._fit([(feeder, self._wires(members))])
        over = self._estimated(futures, feeder, members).copy()
        return Hourly(self.load_mw(futures, feeder), over, self.ev_mw(futures, feeder))

    def _wires(self, members: BoolArray) -> Key:
        return wires_of(np.flatnonzero(members), self.changes)

    def _estimated(self, futures: Futures, zone: int, members: BoolArray) -> FloatArray:
        """What must be shed (scenario, year, hour) before relief, negative: room."""
        key = (id(futures), zone, self._wires(members))
        if key not in self._over:
            multipliers = np.moveaxis(self.multipliers(futures), -1, 2)  # (scenario, year, hour, feeder, class)
            flat = multipliers.reshape(-1, *multipliers.shape[3:])
            over = self._estimates[zone, key[2]].over_mw(flat)
            self._over[key] = over.reshape(multipliers.shape[:3])
        return self._over[key]

    def _fit(self, wanted: list[tuple[int, Key]]) -> None:
        """Solve and fit the estimates that are not there yet; zones share the power flows of one change set each."""
        missing = sorted({one for one in wanted if one not in self._estimates})
        by_zone = [[key for zone, key in missing if zone == number] for number in range(len(self.circuit.zones))]
        rounds = max((len(keys) for keys in by_zone), default=0)
        if rounds == 0:
            return
        together_of = [
            [(zone, keys[number]) for zone, keys in enumerate(by_zone) if number < len(keys)]
            for number in range(rounds)
        ]
        sets = [self._changes(tuple(c for _, key in part for c in key)) for part in together_of]
        circuit = self.circuit
        solved = solve_states(circuit.phases, circuit.drivers, circuit.design, sets, "estimate")
        v_min = circuit.phases.limits.v_min_pu
        for number, part in enumerate(together_of):
            for zone, key in part:
                self._estimates[zone, key] = fit(circuit.zones, zone, circuit.watches[zone], solved, number, v_min)

    def _changes(self, candidates: Key) -> ChangeSet:
        label = ", ".join(self.menu.label(c) for c in candidates) or "base"
        return together([self.changes[c] for c in sorted(candidates)], label)

    def _fields(self, short: FloatArray, load: FloatArray, zone: int, curtailed: FloatArray) -> dict[str, FloatArray]:
        """OUTCOMES (scenario, ...) from what is short (scenario, ..., hour) and the solar ``curtailed`` [MWh]."""
        hours = self.hours
        lost = missed(short, load, float(self.circuit.zones.customers[zone]), hours)
        return dict(zip(OUTCOMES, (short @ hours.weight_h, curtailed, short.max(axis=-1), *lost), strict=True))

    def _base(self, futures: Futures) -> list[tuple[Seen, FloatArray]]:
        """Each year with nothing built, and the weight of its hours: what solar loses under every package, until a
        simulation of the package says otherwise."""
        weight = self.hours.weight_h
        return [(self._see(futures, y, (), "needs"), weight[w]) for y, w in enumerate(self.circuit.windows)]

    # -- simulation -----------------------------------------------------------

    def verify(self, packages: Packages, chosen: IntArray, futures: Futures, name: str = "verification") -> Outcomes:
        fields = {name: np.zeros((len(futures), *chosen.shape)) for name in OUTCOMES}
        for year in range(chosen.shape[1]):
            members = np.asarray(packages.members[chosen[:, year]].any(axis=0))
            found = self.simulated(futures, year, members, name)
            for zone in range(len(chosen)):
                load = self.load_mw(futures, zone)[:, year]
                lost = found.seen.curtailed_mw[..., zone] @ self.hours.weight_h[self.circuit.windows[year]]
                for field_name, part in self._fields(found.short_mw[..., zone], load, zone, lost).items():
                    fields[field_name][:, zone, year] = part
        return Outcomes(**fields, unit="MWh")

    def simulated(self, futures: Futures, year: int, members: BoolArray, name: str) -> Simulated:
        """All scenarios of one year with the measures ``members`` (candidate,) on the circuit."""
        key = (id(futures), year, tuple(np.flatnonzero(members).tolist()))
        if key not in self._simulated:
            self._simulated[key] = self._simulate(futures, year, members, name)
        return self._simulated[key]

    def _simulate(self, futures: Futures, year: int, members: BoolArray, name: str) -> Simulated:
        window, zones = self.circuit.windows[year], self.circuit.zones
        multipliers = self.multipliers(futures)[:, year]
        seen = self._see(futures, year, self._wires(members), name)
        cut = np.zeros((len(futures), len(self.hours), len(zones)))
        cut[:, window] = seen.cut_mw
        short, tight = np.zeros_like(cut), np.zeros(cut.shape[:2], dtype=bool)
        added = np.zeros((*cut.shape[:2], zones.feeders))
        for zone in range(len(zones)):
            mine = members & np.array([feeder == zones.names[zone] for feeder in self.menu.feeder], dtype=bool)
            over = self._room(futures, year, zone, mine, cut[..., zone])
            after = relieved(over, self.ev_mw(futures, zone)[:, year], self.menu, mine, self.hours)
            short[..., zone] = np.where(after > TINY_MW, after, 0.0)
            more = np.where(after > over + TINY_MW, after - over, 0.0)
            tight |= (more > 0) & (after > -NEAR * self.load_mw(futures, zone)[:, year])
            added += self._spread(more, zone, futures, year)
        tight[:, window] |= (added[:, window] > 0).any(axis=2)
        changes = self._changes(self._wires(members))
        more, clean = self._recovery(changes, multipliers, added, tight, cut, name)
        return Simulated(seen, short + more, seen.clean & clean)

    def _see(self, futures: Futures, year: int, wires: Key, name: str) -> Seen:
        """All scenarios of one year on the circuit with ``wires``: what stores and shifts leaves the circuit alone, so
        plans that differ in that alone share their power flows."""
        key = (id(futures), year, wires)
        if key not in self._seen:
            circuit, window = self.circuit, self.circuit.windows[year]
            multipliers, weight = self.multipliers(futures)[:, year][..., window], self.hours.weight_h[window]
            changes = self._changes(wires)
            self._seen[key] = simulate(circuit.phases, circuit.drivers, changes, multipliers, weight, name)
        return self._seen[key]

    def uncured(self) -> tuple[int, int]:
        """Trajectories in which the last power flow still broke a limit, and all that were simulated."""
        clean = [one.clean for one in self._seen.values()]
        return int(sum((~part).sum() for part in clean)), int(sum(len(part) for part in clean))

    def cured(self, packages: Packages, chosen: IntArray, futures: Futures) -> bool:
        """Cuts of load brought every trajectory of a verified plan within its limits."""
        members = (np.asarray(packages.members[chosen[:, year]].any(axis=0)) for year in range(chosen.shape[1]))
        return all(self.simulated(futures, y, one, "verification").clean.all() for y, one in enumerate(members))

    def _room(self, futures: Futures, year: int, zone: int, mine: BoolArray, cut: FloatArray) -> FloatArray:
        """What is short (scenario, hour) by power flow, ``cut``; elsewhere the estimated room, negative."""
        self._fit([(zone, self._wires(mine))])
        over = self._estimated(futures, zone, mine)[:, year]
        return np.where(cut > TINY_MW, cut, np.minimum(over, -TINY_MW))

    def _spread(self, more: FloatArray, zone: int, futures: Futures, year: int) -> FloatArray:
        """Load that a zone's recovery adds (scenario, hour, feeder), over its feeders by their load."""
        load = np.moveaxis(self.circuit.drivers.load_mw(self.multipliers(futures)[:, year]), 1, 2)
        load = np.maximum(load, 1e-9) * self.circuit.zones.of_zone(zone)
        return np.asarray(more[..., None] * load / np.maximum(load.sum(axis=2, keepdims=True), 1e-9))

    def _recovery(
        self,
        changes: ChangeSet,
        multipliers: FloatArray,
        added: FloatArray,
        tight: BoolArray,
        cut_mw: FloatArray,
        name: str,
    ) -> tuple[FloatArray, BoolArray]:
        """What must be shed more (scenario, hour, zone) where batteries charge and shifted load returns, and whether
        that left no limit broken (scenario,): solved in the hours in which any scenario is ``tight`` (scenario, hour).
        """
        circuit, zones = self.circuit, self.circuit.zones
        cases, steps = np.flatnonzero(tight.any(axis=1)), np.flatnonzero(tight.any(axis=0))
        found, clean = np.zeros_like(cut_mw), np.ones(len(cut_mw), dtype=bool)
        if len(cases) == 0:
            return found, clean
        chosen, extra = multipliers[cases][..., steps], added[np.ix_(cases, steps)]
        load = np.moveaxis(np.einsum("sfch,fc->sfh", chosen[:, :, :SOLAR], zones.class_kw[:, :SOLAR]), 1, 2) / 1000
        boost = np.moveaxis(1 + extra / np.maximum(load, 1e-9), 1, 2)
        weight = self.hours.weight_h[steps]
        seen = simulate(circuit.phases, circuit.drivers, changes, chosen, weight, name, boost)
        more = seen.cut_mw - cut_mw[np.ix_(cases, steps)]
        returning = np.asarray((extra > TINY_MW).any(axis=2))
        found[np.ix_(cases, steps)] = np.where(returning[..., None] & (more > TINY_MW), more, 0.0)
        clean[cases] = seen.clean
        return found, clean
