"""The settings of a hosting study, as its TOML writes them."""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from gridstudio.settings import LimitSettings, Section, Settings

Device = Literal["pv", "ev", "load"]


class HostingLimits(LimitSettings):
    """What binds. Deviation and reverse flow bind only where they are given."""

    check_transformers: bool = Field(True, description="check transformers and regulators too")
    transformer_loading_max_pu: float = Field(1.0, gt=0, le=10)
    deviation_max_pu: float | None = Field(
        None, gt=0, lt=1, description="largest change of any voltage by the device, after regulators have acted"
    )
    reverse_flow_max_kw: float | None = Field(None, ge=0, description="largest power from the circuit into the source")


class Hour(Section):
    """A state of the circuit, and the share of their size that devices have in it."""

    name: str = Field(min_length=1)
    load_scale: float = Field(ge=0, le=10, description="multiplies the published kW and kvar of all loads")
    generation_scale: float = Field(1.0, ge=0, le=10, description="multiplies generation that is there already")
    pv: float = Field(1.0, ge=0, le=1)
    ev: float = Field(1.0, ge=0, le=1, description="of many chargers: their coincidence")
    load: float = Field(1.0, ge=0, le=1)


class Nodal(Section):
    """One device at one bus."""

    devices: tuple[Device, ...] = Field(("pv", "load"), min_length=1)
    phases: tuple[Literal[1, 3], ...] = Field(
        (3,),
        min_length=1,
        description="3: at three-phase buses; 1: each phase of other buses (1 alone: of all) to neutral, on "
        "split-phase secondaries across the two legs",
    )
    buses: tuple[str, ...] = Field((), description="default: all buses that are fed, but for the source's")
    max_kw: float = Field(5000.0, gt=0, description="no larger device is asked for")
    tolerance_kw: float = Field(10.0, gt=0)
    power_factor: float = Field(1.0, gt=0, le=1, description="of device 'load', inductive; pv and ev have 1")

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        if self.tolerance_kw >= self.max_kw:
            raise ValueError(f"tolerance_kw = {self.tolerance_kw:g} must lie below max_kw = {self.max_kw:g}")
        for key in ("devices", "phases", "buses"):
            if len(set(getattr(self, key))) < len(getattr(self, key)):
                raise ValueError(f"{key}: something is named twice")
        return self


class Stochastic(Section):
    """Devices at customers, drawn at random; a customer has at most one."""

    devices: tuple[Literal["pv", "ev"], ...] = Field(("pv", "ev"), min_length=1)
    deployments: int = Field(50, ge=1, le=100_000)
    step_pct: float = Field(10.0, gt=0, le=100, description="from one penetration to the next, up to 100 %")
    pv_kw: tuple[float, float] = Field((3.0, 8.0), description="size of a customer's PV, drawn between these")
    ev_kw: tuple[float, float] = Field((7.0, 11.0), description="size of a customer's charger")
    kw_per_customer: float = Field(5.0, gt=0, description="without a table of customers")
    customers: Path | None = Field(None, description="CSV: load, customers, class")
    seed: int = Field(1, ge=0)

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        for key in ("pv_kw", "ev_kw"):
            low, high = getattr(self, key)
            if not 0 < low <= high:
                raise ValueError(f"{key} = [{low:g}, {high:g}] is no range of sizes above 0")
        if len(set(self.devices)) < len(self.devices):
            raise ValueError("devices: something is named twice")
        return self


class HostingSettings(Settings):
    """A study file of job 'hosting'."""

    job: Literal["hosting"]
    limits: HostingLimits = HostingLimits()
    hours: tuple[Hour, ...] = Field(min_length=1)
    nodal: Nodal | None = None
    stochastic: Stochastic | None = None

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
        if self.nodal is None and self.stochastic is None:
            raise ValueError("give a section [nodal] or [stochastic]: nothing is asked")
        for section in (self.nodal, self.stochastic):
            for device in section.devices if section else ():
                if not any(getattr(hour, device) for hour in self.hours):
                    raise ValueError(f"hours: {device} has output 0 in all hours, it would be without limit")
        return self

    def quick(self) -> Self:
        """A coarser search and a tenth of the deployments."""
        changes: dict[str, Any] = {}
        if self.nodal:
            coarse = max(self.nodal.tolerance_kw, self.nodal.max_kw / 32)
            changes["nodal"] = self.nodal.model_copy(update={"tolerance_kw": coarse})
        if self.stochastic:
            fewer = max(1, self.stochastic.deployments // 10)
            changes["stochastic"] = self.stochastic.model_copy(update={"deployments": fewer})
        return self.model_copy(update=changes)

    def dump(self) -> dict[str, Any]:
        """JSON-ready."""
        return self.model_dump(mode="json")
