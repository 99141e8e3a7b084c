"""The settings of an exceedance study, as its TOML writes them."""

from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from gridstudio.settings import LimitSettings, Section, Settings

CLASSES = ("residential", "commercial", "industrial")
QUICK_HOURS = 336


class ExceedanceLimits(LimitSettings):
    """Limits that hours and energy are counted over."""

    check_transformers: bool = Field(True, description="count transformers and regulators too")
    transformer_loading_max_pu: float = Field(1.0, gt=0, le=10)


class Profiles(Section):
    """Multipliers by hour of the published kW and kvar of loads, and of generation."""

    table: Path | None = Field(
        None,
        description="CSV: hour (0, 1, ...) or time, then any of load, solar, classes, and load.NAME for single loads; "
        "default: a built-in year by class, assumed",
    )
    hours: int = Field(8760, ge=1, le=87_840, description="length of the profile")
    start: datetime = Field(datetime(2023, 1, 1), description="the first hour begins here")
    default_class: str = Field("residential", description="class of loads that no table and no list names")
    classes: dict[str, str] = Field({}, description="class of single loads")
    load_scale: float = Field(1.0, gt=0, le=100, description="growth: multiplies all loads in all hours")
    seed: int = Field(1, ge=0, description="of the built-in year")

    @model_validator(mode="after")
    def _on_the_hour(self) -> Self:
        if self.start.tzinfo is not None:
            raise ValueError(f"start = {self.start} has a time zone: write it in standard time, without a zone")
        if self.start.minute or self.start.second or self.start.microsecond:
            raise ValueError(f"start = {self.start} is not on the hour")
        return self


class Chunks(Section):
    """How the profile is cut; see the package."""

    hours: int = Field(168, ge=1, le=8784, description="hours of a chunk, in which controls carry")
    warm_up_hours: int = Field(24, ge=0, le=8784, description="hours before a chunk that settle its controls")
    memory_mb: float = Field(300.0, gt=0, description="raw results that are held at once")


class ExceedanceSettings(Settings):
    """A study file of job 'exceedance'."""

    job: Literal["exceedance"]
    limits: ExceedanceLimits = ExceedanceLimits()
    customers: Path | None = Field(None, description="CSV: load, customers, class; a load of several is mixed by them")
    profiles: Profiles = Profiles()
    chunks: Chunks = Chunks()
    quick_hours: int | None = Field(None, ge=1, exclude=True, description="set by a quick run, not by a study")

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.limits.v_min_pu >= self.limits.v_max_pu:
            raise ValueError(
                f"limits: v_min_pu = {self.limits.v_min_pu:g} must lie below v_max_pu = {self.limits.v_max_pu:g}"
            )
        return self

    def quick(self) -> Self:
        """The first two weeks only."""
        return self.model_copy(update={"quick_hours": min(QUICK_HOURS, self.profiles.hours)})

    def dump(self) -> dict[str, Any]:
        """JSON-ready."""
        return self.model_dump(mode="json")
