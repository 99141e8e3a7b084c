"""The settings of a transition study, as its TOML writes them."""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from gridstudio.planning.transition.case import FACTORS
from gridstudio.planning.transition.investment import RULES
from gridstudio.planning.transition.operation import GROUPS
from gridstudio.settings import Section, Settings
from gridstudio.solve.risk import Blend, CVaR, Expectation, RiskMeasure, WorstCase

FactorName = Literal["gas", "smr", "h2", "solar", "wind", "ccs", "battery", "pumped_hydro", "line", "dtr", "sssc"]
Convention = Literal["day", "year"]
MOST_PATHS = 2000


class TableSettings(Section):
    """CSV files of the case, relative to the study file."""

    buses: Path
    branches: Path
    units: Path
    zones: Path | None = Field(None, description="for days by sketch; else zones are found from the weather")
    border: Path | None = Field(None, description="corners of the region, outside which no synthetic weather lies")
    parameters: Path = Field(description="name, value, unit, source (a public reference or 'assumed')")


class NetworkSettings(Section):
    """How the network is read."""

    true_rating: bool = Field(False, description="sqrt(3) I V for static ratings, in place of the published I V")


class ChainSettings(Section):
    """Stages and their long-term states; what a state multiplies stands in the parameter file."""

    stages: int = Field(3, ge=1, le=20)
    years_per_stage: float = Field(5.0, gt=0, le=50)
    states: tuple[str, ...] = Field(("baseline", "moderate", "optimistic"), min_length=1)
    transitions: dict[str, tuple[tuple[float, ...], ...]] = Field(
        default_factory=dict,
        description="by stage ('2', '3', ...): rows of probabilities, one for each state before; default: equal",
    )

    @field_validator("states")
    @classmethod
    def _unique(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        twice = [name for name in dict.fromkeys(given) if given.count(name) > 1]
        if twice:
            raise ValueError(f"the state '{twice[0]}' is named twice")
        return given


class DaySettings(Section):
    """Representative days, and the weather that they and the zones come from."""

    source: Literal["synthetic", "files", "sketch"] = Field(
        "synthetic", description="a seeded weather year, the user's files, or profiles by formula without weather"
    )
    count: int = Field(4, ge=1, le=365)
    scaled: bool = Field(
        False, description="profiles times a factor each, so that the days add up to the year's energy"
    )
    zones: int = Field(25, ge=1, le=10_000, description="candidate zones for wind and solar")
    seed: int = Field(1, ge=0)
    weather: Path | None = Field(None, description="folder with points.csv and a table for each measure")
    other_weather: Path | None = Field(None, description="of another year, for the check and out of sample")
    load: Path | None = Field(None, description="CSV: time and a column for each bus [MW]; default: synthetic")
    other_load: Path | None = None
    co2_target: Convention = Field("day", description="each representative day keeps the target, or their weighted sum")

    @model_validator(mode="after")
    def _files(self) -> Self:
        if (self.source == "files") != (self.weather is not None):
            raise ValueError("source = 'files' goes with weather, the folder that holds them")
        return self


class ModelSettings(Section):
    """What of the model is left out in all cases."""

    without: tuple[str, ...] = Field((), description=f"constraint groups: {', '.join((*RULES, *GROUPS))}")

    @field_validator("without")
    @classmethod
    def _known(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in given if name not in (*RULES, *GROUPS)]
        if unknown:
            raise ValueError(f"unknown group '{unknown[0]}'; known are {', '.join((*RULES, *GROUPS))}")
        return given


class RiskSettings(Section):
    """What the costs of the futures count for: (1 - lambda) of their expectation and lambda of the measure.

    Nested: at every node the measure is taken of the costs of what may follow that node, stage by stage, not of the
    total costs over paths. Decisions are then consistent over time, and SDDP has a bound (Shapiro 2011,
    doi:10.1016/j.ejor.2010.08.007; Philpott, de Matos 2012, doi:10.1016/j.ejor.2011.10.056). With n equally likely
    states a stage, alpha from 1 - 1/n on is the worst state.
    """

    measure: Literal["expectation", "cvar", "worst case"] = "expectation"
    alpha: float | None = Field(None, ge=0, lt=1, description="cvar: of the worst share 1 - alpha")
    lambda_: float | None = Field(
        None, ge=0, le=1, alias="lambda", description="weight of the measure, the rest the expectation; default 1"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.measure == "expectation":
            for name, given in (("alpha", self.alpha), ("lambda", self.lambda_)):
                if given is not None:
                    raise ValueError(f"{name} goes with measure = 'cvar' or 'worst case', not with the expectation")
        if self.measure == "cvar" and self.alpha is None:
            raise ValueError("measure = 'cvar' needs alpha, the share left out (0.9: the worst tenth counts)")
        if self.measure == "worst case" and self.alpha is not None:
            raise ValueError("measure = 'worst case' takes no alpha; leave it out, or take 'cvar'")
        return self

    @property
    def of_nodes(self) -> RiskMeasure:
        """The measure that every node takes."""
        share = 1.0 if self.lambda_ is None else self.lambda_
        if self.measure == "expectation" or share == 0 or self.alpha == 0:  # CVaR at 0 is the expectation
            return Expectation()
        measure = WorstCase() if self.alpha is None else CVaR(self.alpha)
        return measure if share == 1 else Blend(share, Expectation(), measure)

    @property
    def averse(self) -> bool:
        """Whether anything but the expectation counts."""
        return not isinstance(self.of_nodes, Expectation)

    @property
    def words(self) -> str:
        """'the expectation', or '0.5 expectation and 0.5 CVaR at alpha = 0.9'."""
        if not self.averse:
            return "the expectation"
        share = 1.0 if self.lambda_ is None else self.lambda_
        measure = "worst case" if self.alpha is None else f"CVaR at alpha = {self.alpha:g}"
        return f"the {measure}" if share == 1 else f"{1 - share:.4g} expectation and {share:.4g} {measure}"


class TrainingSettings(Section):
    """When training ends, and how its trial points move."""

    gap: float = Field(0.01, gt=0, lt=1, description="of the policy's exact cost over the bound; ends training")
    iterations: int = Field(400, ge=1, le=100_000)
    seconds: float = Field(900.0, gt=0, description="for each case")
    integer_iterations: int = Field(30, ge=0, description="at most, each time that whole pieces are held; 0: none are")
    master_rounds: int = Field(3, ge=0, description="proposals of the first stage's problem with whole pieces")
    smoothing: float = Field(0.7, ge=0, lt=1, description="share of the old trial point")
    stall_iterations: int = Field(25, ge=1)
    stall_tolerance: float = Field(1e-4, ge=0)
    seed: int = Field(1, ge=0)


class StudySettings(Section):
    """What is computed beside the cases."""

    extensive: tuple[str, ...] = Field((), description="cases also solved in the extensive form")
    stochastic_value: tuple[str, ...] = Field((), description="cases for the value of the stochastic solution")
    simulate: tuple[str, ...] = Field((), description="cases whose plans meet in- and out-of-sample realisations")
    out_of_sample: int = Field(10_000, ge=0, le=1_000_000, description="realisations drawn")
    out_of_sample_days: int = Field(20, ge=1, le=3650, description="unseen days from which they are drawn")
    extensive_seconds: float = Field(600.0, gt=0)


class Size(Section):
    """A size to be measured: a network grown from the study's, a chain, days."""

    buses: int = Field(6, ge=2, le=2000)
    branches: int = Field(8, ge=1, le=10_000)
    zones: int = Field(25, ge=1, le=10_000)
    states: int = Field(3, ge=1, le=20)
    stages: int = Field(3, ge=2, le=40)
    days: int = Field(1, ge=1, le=365)
    case: str = Field("", description="whose planning factors are on; default: the section's")


class GrowthSettings(Section):
    """Sizes whose training is timed; where there are any, the study's cases themselves are not solved."""

    sizes: tuple[Size, ...] = ()
    case: str = Field("", description="whose planning factors are on")
    iterations: int = Field(20, ge=1, description="of each size")
    seconds: float = Field(120.0, gt=0, description="for each size")
    full_days: int = Field(4, ge=1, description="for the estimate of the full size")
    full_iterations: int = Field(100, ge=1, description="for the estimate of the full size")


class TransitionSettings(Settings):
    """A study file of job 'transition'."""

    job: Literal["transition"]
    feeder: Any = Field(None, description="not used: the network is in [tables]")
    tables: TableSettings
    network: NetworkSettings = NetworkSettings()
    chain: ChainSettings = ChainSettings()
    days: DaySettings = DaySettings()
    model: ModelSettings = ModelSettings()
    risk: RiskSettings = RiskSettings()
    training: TrainingSettings = TrainingSettings()
    study: StudySettings = StudySettings()
    growth: GrowthSettings = GrowthSettings()
    cases: dict[str, tuple[FactorName, ...]] = Field(min_length=1, description="planning factors by case")
    published_busd: dict[str, float] = Field(default_factory=dict, description="by case, to stand beside")

    @model_validator(mode="after")
    def _named(self) -> Self:
        for key in ("extensive", "stochastic_value", "simulate"):
            unknown = [name for name in getattr(self.study, key) if name not in self.cases]
            if unknown:
                raise ValueError(f"study.{key}: there is no case '{unknown[0]}'")
        wanted = [size.case or self.growth.case for size in self.growth.sizes]
        if missing := [name for name in wanted if name not in self.cases]:
            raise ValueError(f"growth.case: there is no case '{missing[0]}'")
        if self.growth.sizes and self.risk.averse:
            raise ValueError("risk: a study of growth times training on the expectation; leave [risk] or [growth] out")
        paths = len(self.chain.states) ** (self.chain.stages - 1)
        if paths > MOST_PATHS and not self.growth.sizes:
            raise ValueError(
                f"chain: {self.chain.stages} stages of {len(self.chain.states)} states make {paths} paths, and a plan "
                f"is judged on each; at most {MOST_PATHS}: take fewer stages or states"
            )
        for name, factors in self.cases.items():
            if len(set(factors)) < len(factors):
                raise ValueError(f"cases.{name}: a planning factor is named twice")
        wrong = [key for key in self.chain.transitions if not (key.isdigit() and 2 <= int(key) <= self.chain.stages)]
        if wrong:
            raise ValueError(f"chain.transitions: '{wrong[0]}' is no stage from 2 to {self.chain.stages}")
        return self

    def quick(self) -> Self:
        """One day, ten zones at most, 60 iterations, 6 s a case, a gap of 0.5 %, 200 realisations from four other days.

        Of sizes to be measured those of at most 40 buses, with three iterations.
        """
        training, study, growth = self.training, self.study, self.growth
        small = tuple(size for size in growth.sizes if size.buses <= 40) or growth.sizes[:1]
        return self.model_copy(
            update={
                "growth": growth.model_copy(update={"sizes": small, "iterations": min(3, growth.iterations)}),
                "days": self.days.model_copy(update={"count": 1, "zones": min(10, self.days.zones)}),
                "training": training.model_copy(
                    update={
                        "iterations": min(60, training.iterations),
                        "gap": max(0.005, training.gap),
                        "seconds": min(6.0, training.seconds),
                        "integer_iterations": min(10, training.integer_iterations),
                        "master_rounds": min(1, training.master_rounds),
                    }
                ),
                "study": study.model_copy(
                    update={
                        "out_of_sample": min(200, study.out_of_sample),
                        "out_of_sample_days": min(4, study.out_of_sample_days),
                    }
                ),
            }
        )

    def dump(self) -> dict[str, Any]:
        """JSON-ready, in the words of a study file: it can be read again."""
        return self.model_dump(mode="json", by_alias=True)


assert set(FACTORS) == set(FactorName.__args__)  # type: ignore[attr-defined]
