"""An island's power flow: what is asked of the engine, what comes back, and where it breaks a limit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.limits import Limits, check
from gridstudio.domain.network import Network
from gridstudio.domain.scenarios import LoadGroup, Scenario
from gridstudio.engine import PowerFlow
from gridstudio.planning.islanding.zones import Zone

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
TOLERANCE = 1e-6  # of kW, kVA and A: the engine's own is coarser


class Request(NamedTuple):
    """One power flow: a zone at an hour of the day with some loads connected; ``sun`` multiplies its PV elements."""

    zone: int
    hour: int
    kept: tuple[bool, ...]  # (load,)
    sun: float


@dataclass(frozen=True, eq=False)
class Flow:
    """What one power flow says of the island; arrays follow the zone's nodes, branches and source phases."""

    converged: bool
    source_kw: float  # what the grid-forming inverter delivers; negative where PV elements charge its storage
    source_kvar: float
    current_pu: Floats  # (phase,) of the largest current allowed
    v_pu: Floats
    loading_pu: Floats
    served_kw: float
    losses_kw: float
    generation_kw: float  # of PV elements

    @property
    def kva(self) -> float:
        return float(np.hypot(self.source_kw, self.source_kvar))


def scenario(zone: Zone, request: Request) -> Scenario:
    """Loads of the zone that are kept follow their shapes, all others are at 0; PV elements at ``sun``."""
    groups: dict[float, list[str]] = {}
    scale = zone.scale[:, request.hour]
    for name, multiplier, on in zip(zone.load_names, scale.tolist(), request.kept, strict=True):
        if on:
            groups.setdefault(multiplier, []).append(name)
    return Scenario(
        name=f"{zone.name} {request.hour:02d}:00",
        load_scale=(0.0,),
        load_groups=tuple(LoadGroup(tuple(names), (multiplier,)) for multiplier, names in groups.items()),
        generation_scale=(request.sun,),
    )


def read(zone: Zone, network: Network, flow: PowerFlow) -> Flow:
    """The zone's part of a power flow of the circuit (no leading axes)."""
    kva = complex(flow.source_kva[zone.source])
    loading = (
        network.branch_current(flow.current_a)[zone.branch] / network.branches["ampacity_a"].to_numpy()[zone.branch]
    )
    return Flow(
        converged=bool(flow.converged),
        source_kw=kva.real,
        source_kvar=kva.imag,
        current_pu=flow.source_current_a[zone.conductors] / zone.phase_current_max_a,
        v_pu=flow.v_pu[zone.node],
        loading_pu=loading,
        served_kw=float(flow.served_kw),
        losses_kw=float(flow.losses_kw),
        generation_kw=float(flow.served_kw + flow.losses_kw - flow.source_kw),
    )


@dataclass(frozen=True, eq=False)
class Judge:
    """The limits of one zone."""

    zone: Zone
    limits: Limits
    loading_limit_pu: Floats  # (branch of the zone,)

    def network_broken(self, flow: Flow) -> list[str]:
        """The kinds of limits that a flow breaks, storage aside; "not_converged" alone where there is no solution."""
        if not flow.converged:
            return ["not_converged"]
        broken = check(flow.v_pu, flow.loading_pu, self.zone.alive, self.loading_limit_pu, self.limits)
        found = {
            "inverter_kva": flow.kva > self.zone.given.inverter_kva + TOLERANCE,
            "phase_current": bool((flow.current_pu > 1.0 + TOLERANCE).any()),
            "voltage": bool((broken.low | broken.high | broken.dead).any()),
            "loading": bool(broken.overloaded.any()),
        }
        return [name for name, is_broken in found.items() if is_broken]

    def rows(self, flow: Flow) -> tuple[Floats, Floats]:
        """Values (row,) that must not exceed limits (row,): source kW (no limit here), kVA, phase currents, voltages
        as shortfall and excess, loadings. Where nothing is to be kept the limit is inf."""
        alive, limits = self.zone.alive, self.limits
        power = np.array([flow.source_kw, flow.kva])
        values = [power, flow.current_pu, -flow.v_pu, flow.v_pu, flow.loading_pu]
        bounds = [
            np.array([np.inf, self.zone.given.inverter_kva]),
            np.ones_like(flow.current_pu),
            np.where(alive, -limits.v_min_pu, np.inf),
            np.full_like(flow.v_pu, limits.v_max_pu),
            np.where(np.isnan(flow.loading_pu), np.inf, self.loading_limit_pu),
        ]
        return np.nan_to_num(np.concatenate(values), nan=0.0), np.concatenate(bounds)


def judge(zone: Zone, network: Network, limits: Limits) -> Judge:
    return Judge(zone, limits, network.loading_limit_pu(limits)[zone.branch])


def all_on(zone: Zone) -> tuple[bool, ...]:
    return (True,) * len(zone.load)


def flipped(kept: Sequence[bool], load: int) -> tuple[bool, ...]:
    """The same loads but one."""
    return (*kept[:load], not kept[load], *kept[load + 1 :])
