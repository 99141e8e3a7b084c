"""The settings of a resilience study, as its TOML writes them."""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from gridstudio.settings import LimitSettings, Section, Settings

LEAST_FRESH = 1000  # storms out of sample, below which nobody should believe a tail


class ResilienceLimits(LimitSettings):
    """What every island must keep."""

    check_transformers: bool = Field(True, description="check transformers and regulators too")
    transformer_loading_max_pu: float = Field(1.0, gt=0, le=10)


class SwitchCandidate(Section):
    """A switch that may be added, at the supply side of a line."""

    line: str = Field(description="line of the circuit, e.g. line.l35")
    usd: float = Field(ge=0)


class DeviceSettings(Section):
    """Devices that part the circuit into sections."""

    table: Path | None = Field(None, description="CSV of devices; default: the switches of the circuit")
    candidates: tuple[SwitchCandidate, ...] = Field((), description="switches that may be added")


class WeatherSettings(Section):
    """Wind: one speed per event, the whole feeder sees it."""

    table: Path = Field(description="CSV: region, distribution, location_m_s, scale_m_s, shape, table, source")
    shares: dict[str, float] = Field(description="share of events by region of the table, e.g. {extreme = 1.0}")
    strata: int = Field(7, ge=1, le=100, description="classes of wind speed, equally probable, for the selection")

    @field_validator("shares")
    @classmethod
    def _distribution(cls, given: dict[str, float]) -> dict[str, float]:
        for name, share in given.items():
            if share < 0:
                raise ValueError(f"the share of {name} is {share:g}; it must not be negative")
        if abs(sum(given.values()) - 1) > 1e-9:
            raise ValueError(f"the shares must add to 1, not {sum(given.values()):g}")
        return given


class LineSettings(Section):
    """How lines stand in the wind, and which may be hardened."""

    fragility: Path = Field(description="CSV: kind, hardened, median_m_s, sigma, wind_m_s, probability, ...")
    underground_codes: tuple[str, ...] = Field((), description="line codes that are cables in the ground")
    harden: tuple[str, ...] = Field((), description="lines that may be hardened; ['all']: every overhead line")
    harden_usd_per_m: float = Field(0.0, ge=0)


class LoadSettings(Section):
    """Weights of loads, and what is picked up together."""

    weights: Path = Field(description="CSV: load, weight, critical, source")
    others: float = Field(1.0, ge=0, description="weight of loads that the table does not name")
    pickup: Literal["bus", "section"] = Field("bus", description="what is picked up together, or not at all")


class SiteSettings(Section):
    """A bus where a grid-forming source may be built."""

    name: str = Field(min_length=1)
    bus: str = Field("", description="default: the name")
    max_kw: float = Field(gt=0, description="largest size, beta_max")
    kva_per_kw: float = Field(1.25, ge=1, le=3, description="rating of the inverter over its kW")
    fixed_kw: float = Field(0.0, ge=0, description="kW of the budget for opening the site at all")
    three_phase: bool = Field(True, description="the source needs a bus with three phases")


class BudgetSettings(Section):
    """What may be spent."""

    kw: float = Field(gt=0, description="sum of all sources' kW")
    usd: float = Field(0.0, ge=0, description="for hardening and added switches")


class RiskSettings(Section):
    """(1 - lambda) E[Q] + lambda CVaR_alpha(Q)."""

    lambda_: float = Field(0.5, ge=0, le=1, alias="lambda", description="0: risk-neutral, 1: risk-averse")
    alpha: float = Field(0.95, gt=0, lt=1, description="CVaR: mean of the worst share 1 - alpha")


class MonteCarloSettings(Section):
    """Storms are drawn until the mean loss is known well enough."""

    storms: int = Field(10_000, ge=10, le=1_000_000, description="at most")
    least: int = Field(1000, ge=2, description="at least")
    standard_error_pct: float = Field(1.0, gt=0, le=100, description="of the mean loss: then it has converged")
    seed: int = Field(1, ge=0)

    @model_validator(mode="after")
    def _fewer(self) -> Self:
        if self.least > self.storms:
            raise ValueError(f"least = {self.least} storms are more than storms = {self.storms}")
        return self


class ScenarioSettings(Section):
    """The few storms that the program sees."""

    keep: int = Field(49, ge=1, le=1000)
    fresh: int = Field(1000, ge=LEAST_FRESH, le=100_000, description="storms out of sample, drawn apart")


class SolverSettings(Section):
    """When the solver stops."""

    gap: float = Field(0.01, ge=0, lt=1)
    seconds: float = Field(120.0, gt=0, le=36_000, description="of all rounds together; two are always done")
    check_rounds: int = Field(10, ge=1, le=100, description="of program and power flow")


class SweepSettings(Section):
    """Sensitivity: what is varied, one section each; an empty list leaves a sweep out."""

    scenarios: tuple[int, ...] = Field((), description="numbers of scenarios")
    draws: int = Field(5, ge=2, le=100, description="sets of scenarios of each number")
    lambdas: tuple[float, ...] = ()
    alphas: tuple[float, ...] = ()
    budgets_kw: tuple[float, ...] = ()
    site_counts: tuple[int, ...] = Field((), description="so many of the sites, in the study's order")
    budget_lambdas: tuple[float, ...] = Field((0.0, 1.0), min_length=1, description="lambdas of the budget sweep")
    gap: float = Field(0.02, ge=0, lt=1, description="of each program of a sweep")
    seconds: float = Field(60.0, gt=0, le=36_000, description="of all rounds of a point together")

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        checks = {
            "scenarios": all(1 <= count <= 1000 for count in self.scenarios),
            "lambdas": all(0 <= value <= 1 for value in (*self.lambdas, *self.budget_lambdas)),
            "alphas": all(0 < value < 1 for value in self.alphas),
            "budgets_kw": all(kw > 0 for kw in self.budgets_kw),
            "site_counts": all(count >= 1 for count in self.site_counts),
        }
        words = {
            "scenarios": "1 to 1000",
            "lambdas": "0 to 1",
            "alphas": "between 0 and 1, without both",
            "budgets_kw": "above 0",
            "site_counts": "1 or more",
        }
        for key, fine in checks.items():
            if not fine:
                raise ValueError(f"sweep.{key}: every value should be {words[key]}")
        if bool(self.lambdas) != bool(self.alphas):
            raise ValueError("sweep: give both lambdas and alphas, or neither")
        if bool(self.budgets_kw) != bool(self.site_counts):
            raise ValueError("sweep: give both budgets_kw and site_counts, or neither")
        return self


class ResilienceSettings(Settings):
    """A study file of job 'resilience'."""

    job: Literal["resilience"]
    limits: ResilienceLimits = ResilienceLimits()
    devices: DeviceSettings = DeviceSettings()
    weather: WeatherSettings
    lines: LineSettings
    loads: LoadSettings
    sites: tuple[SiteSettings, ...] = Field(min_length=1)
    budget: BudgetSettings
    risk: RiskSettings = RiskSettings()
    monte_carlo: MonteCarloSettings = MonteCarloSettings()
    scenarios: ScenarioSettings = ScenarioSettings()
    solver: SolverSettings = SolverSettings()
    sweep: SweepSettings = SweepSettings()

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.limits.v_min_pu >= self.limits.v_max_pu:
            raise ValueError(
                f"limits: v_min_pu = {self.limits.v_min_pu:g} must lie below v_max_pu = {self.limits.v_max_pu:g}"
            )
        names = [site.name for site in self.sites]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"sites: {', '.join(twice)} named twice")
        most = max(self.sweep.site_counts, default=0)
        if most > len(names):
            raise ValueError(f"sweep.site_counts: {most} sites are asked for, the study has {len(names)}")
        if self.scenarios.keep > self.monte_carlo.storms:
            raise ValueError(f"scenarios.keep = {self.scenarios.keep} is more than the storms drawn")
        return self

    def quick(self) -> Self:
        """A tenth of the storms, nine scenarios, a gap of 5 %, and the ends of every sweep."""
        drawn, sweep = self.monte_carlo, self.sweep
        storms = max(drawn.storms // 10, 10)
        ends: dict[str, Any] = {
            key: tuple(dict.fromkeys((given[0], given[-1]))) if (given := getattr(sweep, key)) else ()
            for key in ("scenarios", "lambdas", "alphas", "budgets_kw", "site_counts")
        }
        few = min(self.scenarios.keep, 9, storms)
        ends["scenarios"] = tuple(dict.fromkeys(min(count, few) for count in ends["scenarios"]))
        return self.model_copy(
            update={
                "monte_carlo": drawn.model_copy(update={"storms": storms, "least": min(drawn.least, storms)}),
                "scenarios": self.scenarios.model_copy(update={"keep": few, "fresh": LEAST_FRESH}),
                "solver": self.solver.model_copy(update={"gap": max(self.solver.gap, 0.05)}),
                "sweep": sweep.model_copy(update=ends | {"draws": 2, "gap": max(sweep.gap, 0.05)}),
            }
        )

    def dump(self) -> dict[str, Any]:
        """JSON-ready."""
        return self.model_dump(mode="json", by_alias=True)
