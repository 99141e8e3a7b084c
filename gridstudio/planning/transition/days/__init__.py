"""Short-term scenarios of transition planning: weather and load to zones and representative days."""

from gridstudio.planning.transition.days.assumed import climate, load_shape, technology, turbine_curve
from gridstudio.planning.transition.days.construct import (
    Chosen,
    Numbers,
    Sites,
    Year,
    Zoning,
    agreement,
    profiles,
    representative,
    zoned,
)
from gridstudio.planning.transition.days.fidelity import COLUMNS as FIDELITY
from gridstudio.planning.transition.days.fidelity import fidelity, remarks
from gridstudio.planning.transition.days.load import synthetic_load
from gridstudio.planning.transition.days.output import Conductors
from gridstudio.planning.transition.days.region import Border, read_border, within
from gridstudio.planning.transition.days.scaling import Scaled, scaled
from gridstudio.planning.transition.days.weather import Weather, hourly, mesh, read_weather, synthetic

__all__ = [
    "Border",
    "Chosen",
    "Conductors",
    "FIDELITY",
    "Numbers",
    "Scaled",
    "Sites",
    "Weather",
    "Year",
    "Zoning",
    "agreement",
    "climate",
    "fidelity",
    "hourly",
    "load_shape",
    "mesh",
    "profiles",
    "read_border",
    "read_weather",
    "representative",
    "remarks",
    "scaled",
    "synthetic",
    "synthetic_load",
    "technology",
    "turbine_curve",
    "within",
    "zoned",
]
