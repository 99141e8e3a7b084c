"""The settings of a reconductoring study, as its TOML writes them."""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from gridstudio.settings import LimitSettings, Section, Settings


class ReconductoringLimits(LimitSettings):
    """Limits of the plan. The loading limit k multiplies the ampacity of the conductor in force."""

    check_transformers: bool = Field(True, description="check transformers and regulators too")
    transformer_loading_max_pu: float = Field(1.0, gt=0, le=10)


class Horizon(Section):
    """The years, and money in them. Year 1 is now; its costs are not discounted."""

    years: int = Field(5, ge=1, le=40)
    growth_per_year: float = Field(0.05, gt=-0.5, le=1.0)
    discount_rate: float = Field(0.0, ge=0, le=0.5)


class Uncertainty(Section):
    """Which loads are uncertain, and the levels they take."""

    loads: tuple[str, ...] = Field((), description="names of the uncertain loads, the last one varying fastest")
    largest: int | None = Field(None, ge=0, le=12, description="instead of names: this many largest loads")
    points: int = Field(5, ge=1, le=25, description="levels per load")
    method: Literal["equally_spaced", "quantile", "gauss_hermite"] = "equally_spaced"
    log_std: float = Field(0.10, gt=0, le=1.0, description="standard deviation of ln x")
    spread: float = Field(5.0, gt=0, le=10, description="equally_spaced: half range in standard deviations")
    centre: Literal["median", "mean"] = "median"
    max_scenarios: int = Field(5_000, ge=1)

    @model_validator(mode="after")
    def _names_or_number(self) -> "Uncertainty":
        if self.loads and self.largest is not None:
            raise ValueError("give either loads (names) or largest (a number), not both")
        if len({load.lower() for load in self.loads}) != len(self.loads):
            raise ValueError("a load is named twice in loads")
        return self


class Construction(Section):
    """How the lines of a line code are built, for the impedance of a new conductor on them."""

    structure: str = Field(description="a structure of the catalogue of structures, e.g. 500")
    phases: str = Field(pattern="^[ABC]{1,3}$", description="phase on each position of the structure, e.g. ABC")
    neutral: str = Field("", description="neutral conductor, empty for none")


class Conductors(Section):
    """What hangs today, and what may be bought."""

    catalogue: str = Field("acsr", description="'acsr' (built in) or a CSV file relative to the study")
    existing: dict[str, str] = Field({}, description="conductor of the lines of each line code")
    lines: dict[str, str] = Field({}, description="conductor of single lines, over their line code's")
    exclude_line_codes: tuple[str, ...] = Field((), description="line codes that are not to be touched (cables)")
    exclude_lines: tuple[str, ...] = ()
    impedance: Literal["unchanged", "catalogue"] = Field(
        "catalogue", description="unchanged: a new conductor changes the rating only, as the paper assumes"
    )
    construction: dict[str, Construction] = Field({}, description="construction by line code (impedance = catalogue)")
    surcharge: float = Field(0.0, ge=0, le=10, description="share added to the catalogue's costs")


class Search(Section):
    """How plans are found."""

    mode: Literal["independent", "verified", "joint"] = "verified"
    replacements: int = Field(2, ge=1, le=3, description="most replacements of one line within the horizon (K)")


class Losses(Section):
    """Price of losses; 0 leaves them out of the objective."""

    energy_price_usd_per_kwh: float = Field(0.0, ge=0, le=10)
    load_factor: float = Field(0.5, gt=0, le=1, description="mean over peak load; gives the loss factor")


class Robust(Section):
    """Which plan to commit to now."""

    enabled: bool = True
    correction_factor: float = Field(
        1.5, ge=1, le=10, description="cost of a replacement that the plan did not foresee, over its planned cost"
    )
    cvar_alpha: float = Field(0.9, gt=0, lt=1, description="CVaR: mean cost of the worst 1 - alpha")


class ReportSettings(Section):
    """What is shown in detail."""

    scenarios: tuple[int, ...] = Field((), description="scenarios shown in detail; default first and last")
    circuits: tuple[int, ...] = Field((), description="scenarios whose upgraded circuits are written; default the last")
    published: str = Field("", description="CSV of published interventions to compare with")
    published_name: str = "published"
    published_scenarios: int | None = Field(None, ge=1, description="number of scenarios of the published study")


class ReconductoringSettings(Settings):
    """A study file of job 'reconductoring'."""

    job: Literal["reconductoring"]
    limits: ReconductoringLimits = ReconductoringLimits()
    horizon: Horizon = Horizon()
    uncertainty: Uncertainty = Uncertainty()
    conductors: Conductors = Conductors()
    search: Search = Search()
    losses: Losses = Losses()
    robust: Robust = Robust()
    report: ReportSettings = ReportSettings()

    @model_validator(mode="after")
    def _limits_rise(self) -> "ReconductoringSettings":
        if self.limits.v_min_pu >= self.limits.v_max_pu:
            raise ValueError(
                f"limits: v_min_pu = {self.limits.v_min_pu:g} must lie below v_max_pu = {self.limits.v_max_pu:g}"
            )
        return self

    def quick(self) -> Self:
        """The same study with at most three points per load, for a first look.

        Scenario numbers then mean other loads, so what the report names by number is left out.
        """
        if self.uncertainty.points <= 3:
            return self
        fewer = self.uncertainty.model_copy(update={"points": 3})
        report = self.report.model_copy(update={"scenarios": (), "circuits": (), "published": ""})
        return self.model_copy(update={"uncertainty": fewer, "report": report})

    def dump(self) -> dict[str, Any]:
        """JSON-ready."""
        return self.model_dump(mode="json")


def catalogue_path(settings: ReconductoringSettings, folder: Path) -> Path | None:
    """File of the catalogue, or None for the built-in one."""
    name = settings.conductors.catalogue
    return None if name == "acsr" else folder / name
