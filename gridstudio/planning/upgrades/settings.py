"""The settings of an upgrade planning study, as its TOML writes them."""

from pathlib import Path
from typing import Any, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from gridstudio.settings import FeederSettings, LimitSettings, Section, Settings

Mode = Literal["capacity", "powerflow"]


class TableSettings(Section):
    """What is planned: feeders, what may be built, and the shapes of representative days."""

    feeders: Path | None = Field(
        None,
        description="capacity: feeders and their limits (CSV); powerflow: columns feeder_id and head, the element at "
        "the head of each feeder (without it: the branches that leave the first bus where several do)",
    )
    candidates: Path | None = Field(
        None, description="capacity: measures that may be built (CSV); without feeder_id on every feeder"
    )
    profiles: Path | None = Field(
        None, description="representative hours (CSV); capacity: without it only the peak counts; powerflow: needed"
    )
    customers: Path | None = Field(
        None, description="powerflow: load, customers, class (CSV); without it kw_per_customer counts them"
    )
    kw_per_customer: float = Field(5.0, gt=0, description="powerflow, where no table of customers is given")
    most_measures: int = Field(6, ge=1, le=20, description="so many measures on one feeder at most")


class UpgradeLimits(LimitSettings):
    """Limits that the plan keeps. Planning limits below the rating leave room for switching load over."""

    transformer_loading_max_pu: float = Field(1.0, gt=0, le=10, description="allowed share of a transformer's rating")

    @model_validator(mode="after")
    def _rising(self) -> "UpgradeLimits":
        if self.v_min_pu >= self.v_max_pu:
            raise ValueError(
                f"v_min_pu {self.v_min_pu:g} is not below v_max_pu {self.v_max_pu:g}: no voltage is in band"
            )
        return self


Measure = Literal[
    "reconductor",
    "parallel_line",
    "transformer_upgrade",
    "capacitor_bank",
    "voltage_regulator",
    "phase_balancing",
    "battery_storage",
    "demand_response",
    "ev_shift",
]


class MenuSettings(Section):
    """Mode powerflow: what may be built. Candidates come from what is violated in the scenarios."""

    measures: tuple[Measure, ...] = Field(
        (
            "reconductor",
            "parallel_line",
            "transformer_upgrade",
            "capacitor_bank",
            "phase_balancing",
            "battery_storage",
            "demand_response",
            "ev_shift",
        ),
        description="voltage_regulator too, if named: each of its trajectories needs a fresh circuit (slow)",
    )
    catalogue: Path | None = Field(None, description="costs and sizes (CSV) instead of those built in")
    sized_for: tuple[float, ...] = Field((0.6, 0.95), description="quantiles of the scenarios that measures are for")
    demand_response_share: float = Field(0.1, gt=0, le=1, description="of a feeder's peak, at most")
    moved_loads: int = Field(10, ge=1, le=1000, description="phase balancing moves so many loads at most")

    @field_validator("measures", mode="before")
    @classmethod
    def _known(cls, given: Any) -> Any:
        for name in given if isinstance(given, list | tuple) else ():
            if name not in get_args(Measure):
                raise ValueError(f"measure {name!r} is not known; it must be one of {', '.join(get_args(Measure))}")
        return given

    @field_validator("sized_for")
    @classmethod
    def _quantiles(cls, given: tuple[float, ...]) -> tuple[float, ...]:
        if not given or any(not 0 < q <= 1 for q in given) or list(given) != sorted(set(given)):
            raise ValueError("should name quantiles between 0 and 1, rising")
        return given


class PowerFlowSettings(Section):
    """Mode powerflow: how needs and effects are found."""

    states: int = Field(160, ge=40, le=5000, description="power flows of each set of measures for the estimate")
    margin: float = Field(
        0.05, ge=0, lt=1, description="hours in which nothing comes so near to a limit are not solved"
    )


class GrowthSettings(Section):
    """Growth rates and their probabilities."""

    rates: tuple[float, ...] = (0.012, 0.025, 0.045)
    probabilities: tuple[float, ...] = (0.3, 0.5, 0.2)

    @model_validator(mode="after")
    def _distribution(self) -> "GrowthSettings":
        if not self.rates or len(self.rates) != len(self.probabilities):
            raise ValueError(f"{len(self.rates)} growth rates have {len(self.probabilities)} probabilities")
        negative = [p for p in self.probabilities if not p >= 0]
        if negative:
            raise ValueError(f"the probabilities of the growth rates must not be negative, as {negative[0]:g} is")
        if not abs(sum(self.probabilities) - 1) <= 1e-9:
            raise ValueError(f"the probabilities of the growth rates must add to 1, not {sum(self.probabilities):g}")
        if any(not -1 < rate < 1 for rate in self.rates):
            raise ValueError("a growth rate lies between -1 and 1; 0.025 stands for 2.5 % per year")
        return self


class ScenarioSettings(Section):
    """The uncertain future: a table of scenarios, or scenarios drawn at random and reduced."""

    table: Path | None = Field(None, description="scenarios (CSV); without it they are drawn")
    growth: GrowthSettings = GrowthSettings()
    solar_share: tuple[float, float] = Field((0.15, 0.40), description="customers with solar: from, to (uniform)")
    ev_share: tuple[float, float] = Field((0.08, 0.25), description="EVs per customer: from, to (uniform)")
    ev_kw: tuple[float, float] = Field((6.0, 12.0), description="of a charger: from, to (uniform)")
    solar_kw: float = Field(5.0, ge=0, le=1000, description="of a customer's solar plant")
    ev_diversity: float = Field(1.0, gt=0, le=1, description="share of the EVs that charge at the profile's peak")
    adoption_year: int = Field(5, ge=1, le=60, description="when the shares are reached; linear until then")
    extreme_probability: float = Field(0.0, ge=0, le=1, description="of a scenario with extreme weather")
    extreme_factor: float = Field(1.1, ge=1, le=3, description="load in extreme weather over that in normal")
    correlation: float = Field(0.6, ge=0, le=1, description="between feeders (Gaussian copula); 1: all the same")
    drawn: int = Field(1000, ge=1, le=20_000)
    kept: int = Field(200, ge=1, le=5000, description="after reduction")
    method: Literal["fast_forward", "k_medoids"] = "fast_forward"
    out_of_sample: int = Field(500, ge=0, le=20_000, description="drawn apart, for checking the plan")
    seed: int = Field(1, ge=0)

    @field_validator("solar_share", "ev_share", "ev_kw")
    @classmethod
    def _from_to(cls, given: tuple[float, float]) -> tuple[float, float]:
        if not 0 <= given[0] <= given[1]:
            raise ValueError("should rise from 0 or more")
        return given

    @model_validator(mode="after")
    def _fewer(self) -> "ScenarioSettings":
        if self.table is None and self.kept > self.drawn:
            raise ValueError(f"kept = {self.kept} scenarios are more than drawn = {self.drawn}")
        return self


class RiskSettings(Section):
    """What an uncertain cost counts for."""

    measure: Literal["expected", "cvar", "worst", "blend"] = "expected"
    alpha: float = Field(0.95, ge=0, lt=1, description="cvar and blend: of the worst share 1 - alpha")
    weight: float = Field(0.5, ge=0, le=1, description="blend: weight of CVaR, the rest the expected value")


class MoneySettings(Section):
    """Prices, rates and budgets."""

    discount_rate: float = Field(0.05, ge=0, le=0.5)
    discount_band: tuple[float, ...] = Field((0.05, 0.075, 0.10), description="rates for the merit of projects")
    project_years: int = Field(20, ge=1, le=60, description="over which projects are judged")
    unserved_usd_per_mwh: float = Field(25_000.0, ge=0, description="value of lost load; with representative hours")
    unserved_usd_per_mw: float = Field(500_000.0, ge=0, description="of the peak's deficit; without hours")
    curtailed_usd_per_mwh: float = Field(50.0, ge=0)
    usd_per_customer_hour: float = Field(28.40, ge=0, description="for the benefit of projects, if benefit = customers")
    benefit: Literal["unserved", "customers"] = Field("unserved", description="what avoided interruptions are worth")
    sweep: tuple[float, ...] = Field((0.5, 1.0, 2.0), description="multiples of the value of lost load to compare")
    value_sweep: tuple[float, ...] = Field(
        (), description="values of lost load to compare, USD per MWh (per MW without hours); instead of sweep"
    )
    rate_sweep: tuple[float, ...] = Field((0.05, 0.075, 0.10), description="discount rates for which is planned anew")
    budget_usd_per_year: float | tuple[float, ...] | None = Field(None, description="for all years or each; none: free")
    residual_value: bool = Field(True, description="what is left of a measure's life after the last year counts")

    @field_validator("discount_band", "rate_sweep")
    @classmethod
    def _rates(cls, given: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0 <= rate <= 0.5 for rate in given):
            raise ValueError("should name rates between 0 and 0.5")
        return given

    @field_validator("budget_usd_per_year")
    @classmethod
    def _budgets(cls, given: float | tuple[float, ...] | None) -> float | tuple[float, ...] | None:
        if any(usd < 0 for usd in (given if isinstance(given, tuple) else (given or 0.0,))):
            raise ValueError("budgets must not be negative")
        return given


class HorizonSettings(Section):
    """The years in which is built and judged. Load of year y has grown y times; money counts from year 1."""

    years: tuple[int, ...] = (1, 2, 3, 4, 5)
    most_unserved: float | None = Field(None, ge=0, description="expected, in each year, MWh (MW without hours)")

    @field_validator("years")
    @classmethod
    def _rise(cls, given: tuple[int, ...]) -> tuple[int, ...]:
        if not given or given[0] < 1 or given[-1] > 60 or list(given) != sorted(set(given)):
            raise ValueError("years should rise from 1 or more, to 60 at most")
        return given


class AlternativeSettings(Section):
    """Non-wires alternatives beside the program: what defers a building. Mode powerflow: their prices in it too."""

    enabled: bool = True
    dr_usd_per_kw_year: float = Field(80.0, ge=0)
    dr_usd_per_year: float = Field(50_000.0, ge=0, description="running a demand response programme on a feeder")
    battery_usd_per_kw: float = Field(350.0, ge=0)
    battery_hours: float = Field(4.0, gt=0, le=24)
    battery_life_years: float = Field(15.0, gt=0, le=60)
    shiftable_share: float = Field(0.3, ge=0, le=1, description="of the charging of EVs")
    adequacy: float = Field(0.95, gt=0, lt=1, description="quantile of the scenarios that must be served")


class StudySettings(Section):
    """What is computed beside the plan, and how long the solver may take."""

    pareto_points: int = Field(6, ge=0, le=50)
    stochastic_value: bool = Field(True, description="value of the stochastic solution and of perfect information")
    most_rounds: int = Field(5, ge=1, le=50, description="plan, verify, correct, plan again")
    solver_seconds: float = Field(60.0, gt=0, le=36_000, description="a plan stopped by the clock differs by machine")
    solver_nodes: int = Field(20_000, ge=1, description="of the branch-and-bound tree, for the plan")
    solver_gap: float = Field(1e-6, ge=0, lt=1)
    comparison_seconds: float = Field(5.0, gt=0, le=3600, description="for each plan beside the plan, at most")
    comparison_nodes: int = Field(20, ge=1, description="for each plan beside the plan")
    comparison_gap: float = Field(5e-3, ge=0, lt=1, description="of each plan beside the plan")


class UpgradesSettings(Settings):
    """A study file of job 'upgrades'."""

    job: Literal["upgrades"]
    mode: Mode = Field("capacity", description="capacity: deficits by feeder; powerflow: by power flows")
    feeder: FeederSettings | None = Field(  # type: ignore[assignment]
        None, description="mode powerflow: the circuit of all feeders"
    )
    limits: UpgradeLimits = UpgradeLimits()
    tables: TableSettings = TableSettings()
    menu: MenuSettings = MenuSettings()
    powerflow: PowerFlowSettings = PowerFlowSettings()
    horizon: HorizonSettings = HorizonSettings()
    scenarios: ScenarioSettings = ScenarioSettings()
    risk: RiskSettings = RiskSettings()
    money: MoneySettings = MoneySettings()
    alternatives: AlternativeSettings = AlternativeSettings()
    study: StudySettings = StudySettings()

    @model_validator(mode="after")
    def _tables_of_the_mode(self) -> "UpgradesSettings":
        given = self.tables
        if self.mode == "capacity" and (given.feeders is None or given.candidates is None):
            missing = "feeders" if given.feeders is None else "candidates"
            raise ValueError(f"The key 'tables.{missing}' is missing: mode capacity needs it.")
        if self.mode == "powerflow" and self.feeder is None:
            raise ValueError("The key 'feeder.master' is missing: mode powerflow needs a circuit.")
        if self.mode == "powerflow" and given.profiles is None:
            raise ValueError("The key 'tables.profiles' is missing: mode powerflow needs representative hours.")
        if self.mode == "powerflow" and given.candidates is not None:
            raise ValueError("tables.candidates is for mode capacity: mode powerflow finds its own, see [menu].")
        return self

    @model_validator(mode="after")
    def _budgets_by_year(self) -> "UpgradesSettings":
        given = self.money.budget_usd_per_year
        if isinstance(given, tuple) and len(given) != len(self.horizon.years):
            raise ValueError(f"{len(given)} budgets are given for {len(self.horizon.years)} years")
        return self

    def quick(self) -> Self:
        """The same with at most 200 scenarios drawn, 50 kept (20 in mode powerflow), 100 out of sample (20), and three
        Pareto points."""
        given, few = self.scenarios, self.mode == "powerflow"
        fewer = {
            "drawn": min(200, given.drawn),
            "kept": min(20 if few else 50, given.kept),
            "out_of_sample": min(20 if few else 100, given.out_of_sample),
        }
        study = self.study.model_copy(update={"pareto_points": min(3, self.study.pareto_points)})
        return self.model_copy(update={"scenarios": given.model_copy(update=fewer), "study": study})

    def dump(self) -> dict[str, Any]:
        """JSON-ready."""
        return self.model_dump(mode="json")
