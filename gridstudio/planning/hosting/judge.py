"""Whether devices break a limit: what is broken anew, or is broken worse than without them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridstudio.domain.network import Network
from gridstudio.engine import PowerFlow
from gridstudio.planning.hosting.settings import HostingLimits

Floats = NDArray[np.float64]
KINDS = (
    "not_converged",
    "undervoltage",
    "overvoltage",
    "line_loading",
    "transformer_loading",
    "deviation",
    "reverse_flow",
)
WORSE_PU = 1e-4  # what is broken already may get worse by so little
NONE = "none"


@dataclass(frozen=True)
class Binding:
    """The limit that is broken most, relative to what it allows."""

    limit: str = NONE
    element: str = ""
    hour: str = ""
    value: float = np.nan
    allowed: float = np.nan
    unit: str = ""
    broken: frozenset[str] = frozenset()  # all limits that are


@dataclass(frozen=True, eq=False)
class Judge:
    """Limits over a base case; ``base`` is its flow (hour, ...), in the order of ``network``."""

    network: Network
    limits: HostingLimits
    hours: Sequence[str]
    base: PowerFlow

    def bindings(self, flow: PowerFlow) -> list[Binding]:
        """What binds in every case of ``flow`` (case, hour, ...)."""
        found = [self._not_converged(flow), *self._voltages(flow), *self._loadings(flow)]
        found += [self._deviation(flow), self._reverse_flow(flow)]
        excess = np.stack([kind.excess.max(axis=(1, 2), initial=0.0) for kind in found], axis=1)
        return [self._binding(found, case, excess[case]) for case in range(len(excess))]

    def base_violations(self) -> NDArray[np.int_]:
        """Limits that the base case breaks by itself (hour,): nodes out of band and branches overloaded."""
        v, loading = self.base.v_pu, self._loading(self.base)
        fed = self.network.nodes["fed"].to_numpy()
        out = fed & ((v < self.limits.v_min_pu) | (v > self.limits.v_max_pu))
        over = loading > np.where(self._is_line(), self.limits.loading_max_pu, self._transformer_limit())
        count: NDArray[np.int_] = out.sum(axis=1) + over.sum(axis=1)
        return count

    def _binding(self, found: "list[_Kind]", case: int, excess: Floats) -> Binding:
        if not (excess > 0).any():
            return Binding()
        number = int(excess.argmax())
        kind = found[number]
        hour, at = divmod(int(kind.excess[case].argmax()), kind.excess.shape[2])
        value = float(kind.value[case, hour, at])
        broken = frozenset(name for name, beyond in zip(KINDS, excess, strict=True) if beyond > 0)
        return Binding(KINDS[number], kind.names[at], self.hours[hour], value, kind.allowed, kind.unit, broken)

    def _not_converged(self, flow: PowerFlow) -> "_Kind":
        failed = ~flow.converged[..., None]
        return _Kind(np.where(failed, np.inf, 0.0), np.full(failed.shape, np.nan), ("circuit",), np.nan, "")

    def _voltages(self, flow: PowerFlow) -> "list[_Kind]":
        v, before = flow.v_pu, self.base.v_pu
        fed = self.network.nodes["fed"].to_numpy()
        low = np.where(fed & (v < before - WORSE_PU), self.limits.v_min_pu - v, 0.0) / self.limits.v_min_pu
        high = np.where(v > before + WORSE_PU, v - self.limits.v_max_pu, 0.0) / self.limits.v_max_pu
        return [
            _Kind(_positive(low), v, self._nodes(), self.limits.v_min_pu, "pu"),
            _Kind(_positive(high), v, self._nodes(), self.limits.v_max_pu, "pu"),
        ]

    def _loadings(self, flow: PowerFlow) -> "list[_Kind]":
        loading, before, is_line = self._loading(flow), self._loading(self.base), self._is_line()
        names = tuple(self.network.branches["element"])
        found = []
        for mask, limit in ((is_line, self.limits.loading_max_pu), (~is_line, self._transformer_limit())):
            beyond = np.where(mask & (loading > before + WORSE_PU), loading / limit - 1.0, 0.0)
            found.append(_Kind(_positive(beyond), loading, names, limit, "pu"))
        return found

    def _deviation(self, flow: PowerFlow) -> "_Kind":
        allowed = self.limits.deviation_max_pu or np.inf
        moved = np.abs(flow.v_pu - self.base.v_pu)
        return _Kind(_positive(moved / allowed - 1.0), moved, self._nodes(), allowed, "pu")

    def _reverse_flow(self, flow: PowerFlow) -> "_Kind":
        allowed = np.inf if self.limits.reverse_flow_max_kw is None else self.limits.reverse_flow_max_kw
        reverse, before = -flow.source_kw[..., None], -self.base.source_kw[..., None]
        if np.isinf(allowed):
            return _Kind(np.zeros_like(reverse), reverse, ("source",), allowed, "kW")
        beyond = np.where(reverse > before + WORSE_PU, (reverse - allowed) / max(allowed, 1.0), 0.0)
        return _Kind(_positive(beyond), reverse, ("source",), allowed, "kW")

    def _loading(self, flow: PowerFlow) -> Floats:
        return self.network.branch_current(flow.current_a) / self.network.branches["ampacity_a"].to_numpy()

    def _is_line(self) -> NDArray[np.bool_]:
        return (self.network.branches["kind"] == "line").to_numpy()

    def _transformer_limit(self) -> float:
        return self.limits.transformer_loading_max_pu if self.limits.check_transformers else np.inf

    def _nodes(self) -> tuple[str, ...]:
        nodes = self.network.nodes
        return tuple(nodes["bus"] + "." + nodes["phase"].astype(str))


@dataclass(frozen=True, eq=False)
class _Kind:
    """One kind of limit: by how much of itself it is broken and the values (case, hour, element)."""

    excess: Floats
    value: Floats
    names: tuple[str, ...]
    allowed: float
    unit: str


def _positive(excess: Floats) -> Floats:
    """0 where nothing is broken, where there is no rating and where nothing converged."""
    return np.where(excess > 0, excess, 0.0)
