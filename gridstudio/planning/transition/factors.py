"""Planning factors as investable things: where each may stand, how much of it, what it costs and how long it lives.

An *item* is one factor at one place (gas at bus 3, wind in zone 12, a line on right of way 7). What of it is in service
is a state of the policy graph. An item that outlives the horizon has one state, which only grows (6), (7), equations
"a" being void; one that does not has a state for each stage of its life (5): a vintage moves up by one each stage and
leaves after the last.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gridstudio.planning.transition.case import CARBON, THERMAL, Case, FloatArray, IntArray, Outlook
from gridstudio.solve.sddp.problem import State

BASE_MW = 100.0  # power in the programs is in units of 100 MW, which keeps coefficients near 1
MILLION = 1e6


@dataclass(frozen=True, eq=False)
class Factor:
    """A planning factor (item,): ``site`` is a position in buses, zones, units or branches.

    ``most``: how much of an item may be in service (100 MW, or pieces where ``integer``); ``build_musd`` and
    ``fom_musd_per_year`` for one of it.
    """

    name: str
    places: tuple[str, ...]
    site: IntArray
    most: FloatArray
    build_musd: FloatArray
    fom_musd_per_year: FloatArray
    life_years: float
    integer: bool
    unit: str

    def __len__(self) -> int:
        return len(self.places)


@dataclass(frozen=True, eq=False)
class Portfolio:
    """The factors of a study, their items one after another, and the states that hold them."""

    factors: tuple[Factor, ...]
    stage_count: int
    years_per_stage: float
    discount_rate: float = 0.0

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Factor of each item."""
        return tuple(factor.name for factor in self.factors for _ in range(len(factor)))

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """'factor place' of each item."""
        return tuple(f"{factor.name} {place}" for factor in self.factors for place in factor.places)

    @cached_property
    def slices(self) -> dict[str, slice]:
        """Items of each factor that is on."""
        ends = np.cumsum([0, *(len(factor) for factor in self.factors)])
        return {factor.name: slice(int(a), int(b)) for factor, a, b in zip(self.factors, ends, ends[1:], strict=False)}

    def has(self, name: str) -> bool:
        """Whether the factor is on, and has a place."""
        return name in self.slices and self.slices[name].stop > self.slices[name].start

    def factor(self, name: str) -> Factor:
        return next(factor for factor in self.factors if factor.name == name)

    @cached_property
    def most(self) -> FloatArray:
        return np.concatenate([factor.most for factor in self.factors]) if self.factors else np.zeros(0)

    @cached_property
    def integer(self) -> NDArray[np.bool_]:
        return np.array([factor.integer for factor in self.factors for _ in range(len(factor))], dtype=bool)

    @cached_property
    def vintages(self) -> IntArray:
        """States of each item: 1 if it outlives the horizon, else the stages of its life."""
        lives = [life_stages(f.life_years, self.years_per_stage) for f in self.factors for _ in range(len(f))]
        return np.array([1 if life >= self.stage_count - 1 else life for life in lives], dtype=np.int64)

    @cached_property
    def ageing(self) -> NDArray[np.bool_]:
        """Items that leave service within the horizon."""
        lives = [life_stages(f.life_years, self.years_per_stage) for f in self.factors for _ in range(len(f))]
        return np.array([life < self.stage_count - 1 for life in lives], dtype=bool)

    @cached_property
    def state_item(self) -> IntArray:
        """Item of each state."""
        return np.repeat(np.arange(len(self.names)), self.vintages)

    @cached_property
    def state_age(self) -> IntArray:
        """Age of each state in stages, from 0."""
        return np.concatenate([np.arange(count) for count in self.vintages]) if len(self.names) else self.vintages

    @cached_property
    def state_names(self) -> tuple[str, ...]:
        return tuple(
            self.labels[item] + (f" age {age + 1}" if self.vintages[item] > 1 else "")
            for item, age in zip(self.state_item, self.state_age, strict=True)
        )

    def in_service(self, state: FloatArray) -> FloatArray:
        """What of each item is in service (..., item) for states (..., state)."""
        found = np.zeros((*state.shape[:-1], len(self.names)))
        for place, item in enumerate(self.state_item):
            found[..., item] += state[..., place]
        return found

    def states(self, incoming: IntArray, outgoing: IntArray | None = None) -> tuple[State, ...]:
        """The states with their columns, for the solver."""
        out: Sequence[int | None] = [None] * len(incoming) if outgoing is None else [int(c) for c in outgoing]
        return tuple(
            State(name, int(column), out[place], bool(self.integer[self.state_item[place]]))
            for place, (name, column) in enumerate(zip(self.state_names, incoming, strict=True))
        )

    def costs_musd(self, stage: int, outlook: Outlook) -> FloatArray:
        """(67), (68): what one of each item costs when built in ``stage`` (from 0) under an outlook (item,).

        CapEx and the fixed O&M of the stages it will be in service within the horizon, times the price factor; worth
        in the stage that builds, O&M of a later one discounted to there.
        """
        found = []
        for factor in self.factors:
            serving = min(self.stage_count - 1 - stage, life_stages(factor.life_years, self.years_per_stage))
            later = sum(present_value(self.discount_rate, self.years_per_stage * (k + 1)) for k in range(serving))
            fixed = factor.fom_musd_per_year * self.years_per_stage * later
            found.append((factor.build_musd + fixed) * outlook.price.get(factor.name, 1.0))
        return np.concatenate(found) if found else np.zeros(0)


def present_value(rate: float, years: float) -> float:
    """Of 1 USD that many years later."""
    return float((1 + rate) ** -years)


def life_stages(life_years: float, years_per_stage: float) -> int:
    """Whole stages of a life, at least one."""
    return max(1, int(np.floor(life_years / years_per_stage + 1e-9)))


def portfolio(case: Case, names: Sequence[str]) -> Portfolio:
    """The planning factors that are on, in the order of the catalogue."""
    found = [_MAKERS[name](case) for name in _MAKERS if name in names]
    rate = case.parameters.get("discount_rate", 0.0)
    return Portfolio(tuple(f for f in found if len(f)), case.stage_count, case.years_per_stage, rate)


def thermal_land_km2_per_mw(case: Case, name: str) -> float:
    """Land of a thermal technology (9)."""
    return case.parameters[f"{name}_land_km2_per_mw"]


def _capacity(case: Case, name: str, places: tuple[str, ...], site: IntArray, most_mw: FloatArray) -> Factor:
    """A factor that is sized in MW."""
    given = case.parameters
    count = len(places)
    return Factor(
        name,
        places,
        site,
        np.minimum(most_mw, given.get(f"{name}_most_mw", np.inf)) / BASE_MW,
        np.full(count, given[f"{name}_capex_usd_per_kw"] * 1e3 * BASE_MW / MILLION),
        np.full(count, given[f"{name}_fom_usd_per_kw_year"] * 1e3 * BASE_MW / MILLION),
        given[f"{name}_life_years"],
        False,
        "MW",
    )


def _thermal(name: str) -> Callable[[Case], Factor]:
    def make(case: Case) -> Factor:
        return _capacity(case, name, case.buses.name, np.arange(len(case.buses)), case.buses.max_new_mw)

    return make


def _renewable(name: str) -> Callable[[Case], Factor]:
    def make(case: Case) -> Factor:
        land = case.parameters[f"{name}_land_km2_per_mw"]
        room = case.zones.area_km2 / land if land > 0 else np.full(len(case.zones), np.inf)
        most = np.minimum(room, case.buses.max_new_mw[case.zones.bus])
        return _capacity(case, name, case.zones.name, np.arange(len(case.zones)), most)

    return make


def _pieces(
    case: Case, name: str, labels: tuple[str, ...], site: IntArray, most: float, usd: FloatArray, fom_usd: FloatArray
) -> Factor:
    """A factor that is built in whole pieces."""
    return Factor(
        name,
        labels,
        site,
        np.full(len(labels), float(most)),
        usd / MILLION,
        fom_usd / MILLION,
        case.parameters[f"{name}_life_years"],
        True,
        "pieces",
    )


def _ccs(case: Case) -> Factor:
    units = case.units.of(*CARBON)
    given = case.parameters
    kw = case.units.capacity_mw[units] * 1e3
    kinds = [case.units.kind[u] for u in units]
    usd = kw * np.array([given[f"ccs_{kind}_capex_usd_per_kw"] for kind in kinds])
    fom = kw * np.array([given[f"ccs_{kind}_fom_usd_per_kw_year"] for kind in kinds])
    return _pieces(case, "ccs", tuple(case.units.name[u] for u in units), units, 1, usd, fom)


def _storage(name: str) -> Callable[[Case], Factor]:
    def make(case: Case) -> Factor:
        given = case.parameters
        site = np.flatnonzero(case.buses.battery if name == "battery" else case.buses.pumped_hydro)
        kw = given[f"{name}_power_mw"] * 1e3
        usd = np.full(len(site), kw * given[f"{name}_capex_usd_per_kw"])
        fom = np.full(len(site), kw * given[f"{name}_fom_usd_per_kw_year"])
        return _pieces(case, name, tuple(case.buses.name[b] for b in site), site, 1, usd, fom)

    return make


def _line(case: Case) -> Factor:
    site = np.flatnonzero(case.branches.candidate)
    usd = case.branches.line_usd[site]
    fom = usd * case.parameters["line_fom_share_per_year"]
    return _pieces(case, "line", tuple(case.branches.name[b] for b in site), site, 1, usd, fom)


def _rights_of_way(case: Case) -> IntArray:
    return np.flatnonzero(case.branches.existing | case.branches.candidate)


def _dtr(case: Case) -> Factor:
    site, given = _rights_of_way(case), case.parameters
    sensors = np.ceil(case.branches.length_km[site] / given["dtr_spacing_km"])
    usd = sensors * given["dtr_usd_per_sensor"]
    fom = usd * given["dtr_fom_share_per_year"]
    return _pieces(case, "dtr", tuple(case.branches.name[b] for b in site), site, 1, usd, fom)


def _sssc(case: Case) -> Factor:
    site, given = _rights_of_way(case), case.parameters
    usd = np.full(len(site), given["sssc_usd_per_device"])
    fom = usd * given["sssc_fom_share_per_year"]
    most = given["sssc_most_devices"]
    return _pieces(case, "sssc", tuple(case.branches.name[b] for b in site), site, most, usd, fom)


_MAKERS: dict[str, Callable[[Case], Factor]] = {
    **{name: _thermal(name) for name in THERMAL},
    "solar": _renewable("solar"),
    "wind": _renewable("wind"),
    "ccs": _ccs,
    "battery": _storage("battery"),
    "pumped_hydro": _storage("pumped_hydro"),
    "line": _line,
    "dtr": _dtr,
    "sssc": _sssc,
}
