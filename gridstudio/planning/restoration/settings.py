"""The settings of a restoration study, as its TOML writes them."""

from pathlib import Path
from typing import Any, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from gridstudio.settings import LimitSettings, Section, Settings

Method = Literal["none", "naive", "greedy", "learned", "exact"]
METHODS: tuple[Method, ...] = get_args(Method)


class RestorationLimits(LimitSettings):
    """Limits while faults last: voltages of an emergency (ANSI C84.1 Range B), loading of the continuous rating."""

    v_min_pu: float = Field(0.917, gt=0, lt=2)
    v_max_pu: float = Field(1.058, gt=0, lt=2)
    check_transformers: bool = True
    transformer_loading_max_pu: float = Field(1.0, gt=0, le=10)
    emergency_loading_max_pu: float = Field(1.25, ge=1, le=10, description="emergency over normal rating")
    emergency_h: float = Field(4.0, ge=0, le=1000, description="how long emergency ratings hold")

    @model_validator(mode="after")
    def _rises(self) -> "RestorationLimits":
        if self.v_min_pu >= self.v_max_pu:
            raise ValueError(f"v_min_pu = {self.v_min_pu:g} must lie below v_max_pu = {self.v_max_pu:g}")
        return self


class DeviceSettings(Section):
    """What can be switched, by whom, how fast."""

    table: Path | None = Field(None, description="device table (CSV); without it what the model itself says")
    crews: int = Field(2, ge=1, le=100, description="crews for manual devices")
    travel_time_min: float = Field(30.0, ge=0, le=1440, description="to a manual device without a time of its own")
    dispatch_min: float = Field(1.0, ge=0, le=1440, description="until the fault is located and switching begins")


class CustomerSettings(Section):
    """Who is supplied."""

    table: Path | None = Field(None, description="customers by load and class (CSV)")
    kw_per_customer: float = Field(4.0, gt=0, description="without a table: one residential customer per so many kW")


class StormSettings(Section):
    """Faults that happen together."""

    name: str
    faults: tuple[str, ...] = Field(description="faulted elements, e.g. line.l52")
    repair_min: float | tuple[float, ...] = Field(180.0, description="until repaired, for all faults or each")
    load_scale: float = Field(1.0, ge=0, le=10)

    @model_validator(mode="after")
    def _repairs(self) -> "StormSettings":
        if isinstance(self.repair_min, tuple) and len(self.repair_min) != len(self.faults):
            raise ValueError(f"{len(self.repair_min)} repair times are given for {len(self.faults)} faults")
        times = self.repair_min if isinstance(self.repair_min, tuple) else (self.repair_min,)
        if any(not 0 <= minutes < 1e6 for minutes in times):
            raise ValueError("repair times must not be negative")
        return self

    @property
    def repairs(self) -> tuple[float, ...]:
        """One repair time for each fault."""
        return self.repair_min if isinstance(self.repair_min, tuple) else (self.repair_min,) * len(self.faults)


class RecordSettings(Section):
    """Storms from outage records: the worst days by customers interrupted."""

    outages: Path = Field(description="outage records (CSV)")
    elements: Path | None = Field(None, description="element, feeder_id (CSV): where records name a feeder only")
    worst: int = Field(5, ge=1, le=1000, description="so many days with most customers interrupted")
    load_scale: float = Field(1.0, ge=0, le=10)
    seed: int = Field(1, ge=0)


class DrawSettings(Section):
    """Storms drawn at random, for training and for judging; both apart from the named ones and from each other."""

    training: int = Field(60, ge=1, le=10_000)
    held_out: int = Field(0, ge=0, le=10_000)
    faults: int = Field(2, ge=1, le=50, description="most faults of a storm; 1 to so many, equally likely")
    repair_min: tuple[float, float] = Field((60.0, 300.0), description="from, to (uniform)")
    load_scale: tuple[float, float] = Field((0.5, 1.0), description="from, to (uniform)")
    seed: int = Field(1, ge=0)

    @field_validator("repair_min", "load_scale")
    @classmethod
    def _from_to(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not 0 <= value[0] <= value[1] < 1e6:
            raise ValueError("should rise from 0 or more")
        return value


class LearningSettings(Section):
    """Q-learning; see ``solve.qlearning.QSettings``."""

    episodes: int = Field(2000, ge=1, le=1_000_000)
    seeds: int = Field(5, ge=1, le=100, description="independent trainings")
    seed: int = Field(1, ge=0)
    alpha: float = Field(1.0, gt=0, le=1, description="first learning rate")
    omega: float = Field(0.8, ge=0, le=1, description="the rate falls with the number of visits to this power")
    epsilon_start: float = Field(1.0, ge=0, le=1)
    epsilon_end: float = Field(0.05, ge=0, le=1)


class MethodSettings(Section):
    """Which methods, and what they may do."""

    run: tuple[Method, ...] = METHODS
    transfers: bool = Field(True, description="exact: live sections may change feeders, out while they are switched")
    max_power_flows: int = Field(5000, ge=1, description="exact: stop with bound and gap after so many")
    max_nodes: int = Field(20_000, ge=1, description="exact: or after so many states looked at")

    @model_validator(mode="after")
    def _once(self) -> "MethodSettings":
        if not self.run or len(set(self.run)) < len(self.run):
            raise ValueError("name each method once, and at least one")
        return self


class ColdLoadSettings(Section):
    """Load that has lost its diversity when it is picked up."""

    enabled: bool = True
    factors: Literal["guide", "smooth"] = Field("guide", description="stepped by duration, or smooth by class")
    tau_min: float = Field(30.0, gt=0, le=1440, description="time constant of the decay")
    delay_min: float = Field(0.0, ge=0, le=1440, description="how long the surge holds before it decays")
    step_min: float = Field(5.0, gt=0, le=60, description="waiting times are multiples of this")
    outage_min: float = Field(0.0, ge=0, le=1e5, description="minutes already out when switching begins")


class IslandSettings(Section):
    """A part that can live on its own sources, for the business case (hours from a study of job islanding)."""

    name: str
    bus: str = Field(description="a bus of the part that islands")
    boundary: tuple[str, ...] = Field((), description="lines that are opened around it; default: its section alone")
    hours: float = Field(ge=0, le=1000, description="how long it lives on its own")
    forming_min: float = Field(1.0, ge=0, le=1440, description="until it stands; its customers are out meanwhile")


class CostSettings(Section):
    """What interruptions cost, and the money for switching."""

    residential_usd_per_kwh: float = Field(25.0, ge=0)
    other_usd_per_customer_hour: float = Field(28.40, ge=0)
    investment_usd: float = Field(0.0, ge=0, description="of remote switching and automation")
    upkeep_usd_per_year: float = Field(0.0, ge=0)
    islanding_investment_usd: float = Field(0.0, ge=0, description="of the islands")
    islanding_upkeep_usd_per_year: float = Field(0.0, ge=0)
    years: int = Field(20, ge=1, le=60)
    discount_rate: float = Field(0.05, ge=0, le=0.5)
    storm_years: float = Field(1.0, gt=0, description="years in which the studied storms happen once")


class RestorationSettings(Settings):
    """A study file of job 'restoration'."""

    job: Literal["restoration"]
    limits: RestorationLimits = RestorationLimits()
    generation_scale: float = Field(
        0.0, ge=0, le=10, description="of PV and generators while faults last; 0: they leave with the trip and stay off"
    )
    devices: DeviceSettings = DeviceSettings()
    customers: CustomerSettings = CustomerSettings()
    storms: tuple[StormSettings, ...] = ()
    records: RecordSettings | None = None
    draw: DrawSettings = DrawSettings()
    methods: MethodSettings = MethodSettings()
    learning: LearningSettings = LearningSettings()
    cold_load: ColdLoadSettings = ColdLoadSettings()
    islands: tuple[IslandSettings, ...] = ()
    costs: CostSettings = CostSettings()

    @model_validator(mode="after")
    def _some_storm(self) -> "RestorationSettings":
        if not self.storms and self.records is None and not self.draw.held_out:
            raise ValueError("no storm: give [[storms]] with faults, [records], or draw.held_out")
        names = [storm.name for storm in self.storms]
        if len(set(names)) < len(names):
            raise ValueError("two storms have the same name")
        return self

    def quick(self) -> Self:
        """The same with two trainings of at most 300 episodes and at most three storms from records."""
        learning = self.learning.model_copy(
            update={"episodes": min(300, self.learning.episodes), "seeds": min(2, self.learning.seeds)}
        )
        records = self.records and self.records.model_copy(update={"worst": min(3, self.records.worst)})
        return self.model_copy(update={"learning": learning, "records": records})

    def dump(self) -> dict[str, Any]:
        """JSON-ready."""
        return self.model_dump(mode="json")
