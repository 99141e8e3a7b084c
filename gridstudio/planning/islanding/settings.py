"""The settings of an islanding study, as its TOML writes them."""

from math import pi, sin
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from gridstudio.settings import LimitSettings, Section, Settings

HOURS = 24


def half_sine() -> tuple[float, ...]:
    """Clear-sky output by hour: a half sine from 6 to 18 h, 85 % of the nameplate at noon."""
    return tuple(round(0.85 * sin(pi * (hour - 6) / 12), 6) if 6 < hour < 18 else 0.0 for hour in range(HOURS))


class IslandingLimits(LimitSettings):
    """Limits inside an island."""

    check_transformers: bool = Field(True, description="check transformers and regulators too")
    transformer_loading_max_pu: float = Field(1.0, gt=0, le=10)


class ZoneSettings(Section):
    """A part of the circuit that can stand alone on its grid-forming inverter."""

    name: str = Field(min_length=1)
    source: str = Field("", description="the grid-forming source, declared open in the circuit, e.g. vsource.gfm_95")
    boundary: tuple[str, ...] = Field((), description="lines that are opened to cut the zone out")
    buses: tuple[str, ...] = Field((), description="instead of boundary: the zone's buses")
    storage_kwh: float = Field(gt=0, description="usable energy between empty and full")
    storage_kw: float = Field(gt=0, description="largest charging and discharging power")
    inverter_kva: float = Field(gt=0, description="rating of the grid-forming inverter")
    phase_current_max_a: float | None = Field(
        None, gt=0, description="largest current of one phase of the inverter; default: its rating shared by its phases"
    )
    pv_kw: float = Field(0.0, ge=0, description="PV behind the grid-forming inverter, besides PV elements of the zone")
    initial_soc: float = Field(1.0, ge=0, le=1, description="state of charge when the island starts")
    reserve_soc: float = Field(0.1, ge=0, lt=1, description="state of charge below which storage does not discharge")
    charge_efficiency: float = Field(0.95, gt=0, le=1)
    discharge_efficiency: float = Field(0.95, gt=0, le=1)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.boundary and self.buses:
            raise ValueError(f"zone {self.name!r}: give either boundary (lines) or buses, not both")
        if self.initial_soc < self.reserve_soc:
            raise ValueError(
                f"zone {self.name!r}: initial_soc = {self.initial_soc:g} lies below reserve_soc = {self.reserve_soc:g}"
            )
        return self


class Shapes(Section):
    """Multipliers by hour of the day: of the published kW and kvar of loads, and of PV's nameplate."""

    table: Path | None = Field(None, description="CSV: hour 0 to 23, solar, load, and a column per customer class")
    solar: tuple[float, ...] | None = Field(None, description="24 values; default a half sine from 6 to 18 h")
    load: tuple[float, ...] | None = Field(None, description="24 values for loads of no class; default 1 at all hours")
    classes: dict[str, tuple[float, ...]] = Field({}, description="24 values for each customer class")

    @model_validator(mode="after")
    def _a_day_each(self) -> Self:
        given = {"solar": self.solar, "load": self.load} | {f"classes.{k}": v for k, v in self.classes.items()}
        for key, values in given.items():
            if values is not None and len(values) != HOURS:
                raise ValueError(f"{key} has {len(values)} values, a day has {HOURS} hours")
            if values is not None and min(values) < 0:
                raise ValueError(f"{key} has a negative value, {min(values):g}")
        return self


class Priorities(Section):
    """Who is served first: 1 before 2 before 3. A load's own priority goes before its class's."""

    default: int = Field(3, ge=1, le=99)
    classes: dict[str, int] = Field({}, description="priority by customer class")
    loads: dict[str, int] = Field({}, description="priority of single loads")


class Islands(Section):
    """When islands start, for how long they are followed, and what is kept."""

    start_hours: tuple[int, ...] = Field((14, 20), min_length=1, description="hours of the day, 0 to 23")
    whole_day: bool = Field(True, description="besides start_hours every other hour of the day")
    hours: int = Field(24, ge=1, le=168, description="how long an island is followed")
    maximise: Literal["customers", "kw"] = Field("customers", description="what is kept within a priority")
    restart: bool = Field(False, description="a zone that went dark may start again when sun or storage allow it")

    @model_validator(mode="after")
    def _of_the_day(self) -> Self:
        for hour in self.start_hours:
            if not 0 <= hour < HOURS:
                raise ValueError(f"start_hours: {hour} is no hour of the day, 0 to 23")
        if len(set(self.start_hours)) < len(self.start_hours):
            raise ValueError("start_hours: an hour is named twice")
        return self


class IslandingSettings(Settings):
    """A study file of job 'islanding'."""

    job: Literal["islanding"]
    limits: IslandingLimits = IslandingLimits()
    zones: tuple[ZoneSettings, ...] = Field(min_length=1)
    customers: Path | None = Field(None, description="CSV: load, customers, class; default one customer per load")
    shapes: Shapes = Shapes()
    priorities: Priorities = Priorities()
    islands: Islands = Islands()

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.limits.v_min_pu >= self.limits.v_max_pu:
            raise ValueError(
                f"limits: v_min_pu = {self.limits.v_min_pu:g} must lie below v_max_pu = {self.limits.v_max_pu:g}"
            )
        names = [zone.name for zone in self.zones]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"zones: {', '.join(twice)} named twice")
        return self

    def quick(self) -> Self:
        """The named start hours only, not the whole day."""
        return self.model_copy(update={"islands": self.islands.model_copy(update={"whole_day": False})})

    def dump(self) -> dict[str, Any]:
        """JSON-ready."""
        return self.model_dump(mode="json")
