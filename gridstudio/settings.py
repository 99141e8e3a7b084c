"""The base of all Settings: a study's TOML read and validated, all problems of a file in one error."""

import difflib
import tomllib
from pathlib import Path
from types import UnionType
from typing import Any, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gridstudio.errors import InputError


class Section(BaseModel):
    """A table of a study file: no unknown keys, nothing that is not finite, never edited."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, str_strip_whitespace=True)


class FeederSettings(Section):
    """Which circuit, and what is run on it after its master file."""

    master: Path = Field(description="OpenDSS master file, relative to the study file")
    commands: tuple[str, ...] = Field((), description="OpenDSS commands run after the master file")
    controls: str = Field("static", pattern="^(static|off)$", description="static: controls act; off: they do not")


class LimitSettings(Section):
    """Operating limits."""

    v_min_pu: float = Field(0.95, gt=0, lt=2)
    v_max_pu: float = Field(1.05, gt=0, lt=2)
    loading_max_pu: float = Field(1.0, gt=0, le=10, description="allowed share of the continuous rating")


class Settings(Section):
    """What every study file has; a job adds its own sections."""

    job: str = Field(description="the planning job, e.g. reconductoring")
    title: str = Field("", description="heading of the report")
    feeder: FeederSettings
    limits: LimitSettings = LimitSettings()

    def quick(self) -> Self:
        """The settings of a smaller run for a first look; a job says what it leaves out."""
        return self

    @classmethod
    def validated(cls, data: dict[str, Any], where: str) -> Self:
        """The settings in ``data``; InputError with all findings, each with its key."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise InputError.from_findings(where, [_sentence(item, cls) for item in error.errors()]) from None


def read_toml(path: Path) -> dict[str, Any]:
    """The study file as nested dicts; InputError if it is not there or not TOML (with the line)."""
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"There is no study file {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not valid TOML: {error}.") from None


def _sentence(item: Any, model: type[BaseModel]) -> str:
    """One finding of pydantic in an engineer's words."""
    keys = [str(key) for key in item["loc"]]
    where = ".".join(keys)
    given = item.get("input")
    if item["type"] == "extra_forbidden":
        known = _known_keys(model, keys[:-1])
        near = difflib.get_close_matches(keys[-1], known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}."
        return f"Unknown key {where!r}: {hint}"
    if item["type"] == "missing":
        return f"The key {where!r} is missing."
    words = item["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if item["type"] in ("value_error", "assertion_error"):
        return f"{where}: {words}" if where else words
    return f"{where} = {given!r} should be {words}."


def _known_keys(model: type[BaseModel], path: list[str]) -> list[str]:
    """Keys of the section at ``path``, for a hint; within a table of named entries those of an entry."""
    section: Any = model
    for key in path:
        if (field := getattr(section, "model_fields", {}).get(key)) is not None:
            section = field.annotation
        elif get_origin(section) is dict:
            section = get_args(section)[1]
        elif get_origin(section) is tuple:
            section = get_args(section)[0]
        if get_origin(section) is UnionType:  # a section or none
            section = next(option for option in get_args(section) if option is not type(None))
    fields = getattr(section, "model_fields", {})
    return sorted(field.alias or name for name, field in fields.items())
