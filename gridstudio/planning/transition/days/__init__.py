"""Short-term scenarios of transition planning: weather and load to zones and representative days."""

from gridstudio.planning.transition.days.construct import (
    Chosen,
    Numbers,
    Sites,
    Year,
    Zoning,
    agreement,
    fidelity,
    profiles,
    representative,
    zoned,
)
from gridstudio.planning.transition.days.load import synthetic_load
from gridstudio.planning.transition.days.output import Conductors
from gridstudio.planning.transition.days.weather import Weather, hourly, mesh, read_weather, synthetic

__all__ = [
    "Chosen",
    "Conductors",
    "Numbers",
    "Sites",
    "Weather",
    "Year",
    "Zoning",
    "agreement",
    "fidelity",
    "hourly",
    "mesh",
    "profiles",
    "read_weather",
    "representative",
    "synthetic",
    "synthetic_load",
    "zoned",
]
