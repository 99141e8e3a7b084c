"""The settings of a mitigation study, as its TOML writes them."""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from gridstudio.domain.equipment import MEASURE_UNITS
from gridstudio.planning.reconductoring.settings import ReconductoringLimits, Uncertainty
from gridstudio.settings import Section, Settings


class Hour(Section):
    """A time point that the upgraded feeder must stand."""

    name: str = Field(min_length=1)
    load_scale: float = Field(1.0, ge=0, le=10, description="multiplies the published kW and kvar of all loads")
    generation_scale: float = Field(1.0, ge=0, le=10, description="multiplies generators and PV systems")


class Growth(Section):
    """The load that the plan is made for: (1 + growth_per_year)^year times ``scale``."""

    scale: float = Field(1.0, gt=0, le=10, description="of all hours, on top of their own")
    growth_per_year: float = Field(0.0, gt=-0.5, le=1.0)
    years: tuple[int, ...] = Field(
        (0,), min_length=1, description="years from now in which all must hold, e.g. [0, 5]; built at once, now"
    )

    @field_validator("years")
    @classmethod
    def _years(cls, years: tuple[int, ...]) -> tuple[int, ...]:
        if min(years) < 0 or len(set(years)) < len(years):
            raise ValueError("years count from 0 (now), each once")
        return years


class Uncertain(Uncertainty):
    """Which loads are uncertain, and the levels they take; none unless given."""

    points: int = Field(1, ge=1, le=25, description="levels per load")


class Menu(Section):
    """What may be done, and what it costs."""

    allowed: tuple[str, ...] = Field(
        tuple(MEASURE_UNITS), min_length=1, description="measures of the catalogue that may be used"
    )
    catalogue: Path | None = Field(None, description="CSV of costs and sizes, relative to the study; else built in")
    exclude: tuple[str, ...] = Field((), description="elements that stay as they are, e.g. line.l1, load.s1, bus.b1")
    underground: tuple[str, ...] = Field((), description="line codes of cables, beyond those told by name or charging")
    discount_rate: float = Field(0.05, ge=0, le=0.5, description="of yearly O&M, for its present value")
    horizon_years: int = Field(20, ge=1, le=60, description="years of O&M that count")
    demand_response_max_share: float = Field(0.3, gt=0, le=1, description="of a load's kW and kvar")
    parallel_circuits: int = Field(3, ge=1, le=6, description="most equal circuits of a line")
    budget_usd: float | None = Field(None, gt=0, description="no plan may cost more")

    @field_validator("allowed")
    @classmethod
    def _known(cls, allowed: tuple[str, ...]) -> tuple[str, ...]:
        for name in allowed:
            if name not in MEASURE_UNITS:
                raise ValueError(f"measure {name!r} is not known; it must be one of {', '.join(MEASURE_UNITS)}")
        return allowed


class Search(Section):
    """How far the search goes."""

    steps: int = Field(400, ge=1, le=10_000, description="most accepted steps")
    swaps: int = Field(4, ge=0, le=100, description="most dear measures for which cheaper ones are looked for")
    exact: int = Field(300, ge=0, le=1_000_000, description="most cheaper combinations of the menu tried at the end")


class ReportSettings(Section):
    """What is written beside the tables."""

    circuits: bool = Field(True, description="write the upgraded circuit, as it stands in the worst hour")


class MitigationSettings(Settings):
    """A study file of job 'mitigation'."""

    job: Literal["mitigation"]
    limits: ReconductoringLimits = ReconductoringLimits()
    hours: tuple[Hour, ...] = Field((Hour(name="peak"),), min_length=1)
    growth: Growth = Growth()
    uncertainty: Uncertain = Uncertain(points=1)
    menu: Menu = Menu()
    search: Search = Search()
    report: ReportSettings = ReportSettings()

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.limits.v_min_pu >= self.limits.v_max_pu:
            raise ValueError(
                f"limits: v_min_pu = {self.limits.v_min_pu:g} must lie below v_max_pu = {self.limits.v_max_pu:g}"
            )
        names = [hour.name for hour in self.hours]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"hours: {', '.join(twice)} named twice")
        return self

    def quick(self) -> Self:
        """One level of the uncertain loads, no swaps and no exact search."""
        none = self.search.model_copy(update={"swaps": 0, "exact": 0})
        one = self.uncertainty.model_copy(update={"points": 1})
        return self.model_copy(update={"search": none, "uncertainty": one})

    def dump(self) -> dict[str, Any]:
        """JSON-ready."""
        return self.model_dump(mode="json")
