"""What the weather makes of plant and lines: wind and solar output per capacity, rating of a line over its static one.

Solar: eqs. (65), (66) of the source: plane-of-array irradiance of a horizontal single-axis tracker (north-south axis,
backtracking, +-60 degrees) from direct and isotropic diffuse light, per 1 000 W/m2; air temperature plays no part. The
module's efficiency (22 %) says how much land a MW takes, not its output per capacity. Wind: a turbine's power curve.
Lines: IEEE 738 at a conductor limit of 100 C for every hour.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridstudio.domain.conductors import RatingConditions, ampacity_a, ampacity_in_weather_a
from gridstudio.planning.transition.days.weather import Weather, sun

FloatArray = NDArray[np.float64]

# A turbine of the 1 to 2 MW class: output over rated power against wind speed at hub height; a typical curve, assumed.
CUT_IN_M_S, RATED_M_S, CUT_OUT_M_S = 3.0, 12.5, 25.0
CURVE = (
    (3.0, 0.0), (4.0, 0.03), (5.0, 0.08), (6.0, 0.15), (7.0, 0.25), (8.0, 0.38), (9.0, 0.53), (10.0, 0.69),
    (11.0, 0.84), (12.0, 0.96), (12.5, 1.0), (25.0, 1.0),
)  # fmt: skip

STATIC = RatingConditions(conductor_max_c=100.0, ambient_c=40.0, wind_speed_m_per_s=0.61)
HUB_TO_LINE = (10.0 / 100.0) ** 0.2  # wind at a line's height from that at hub height: power law, assumed exponent
ANGLE_DEG = 20.0  # between wind and line: cautious, assumed
LEAST_WIND_M_S = 0.61  # IEEE 738 at less is natural convection; ratings are not based on it


@dataclass(frozen=True, eq=False)
class Conductors:
    """Bare conductors (branch,): diameter, and AC resistance at 25 and 75 C."""

    diameter_m: FloatArray
    resistance_25c_ohm_per_km: FloatArray
    resistance_75c_ohm_per_km: FloatArray


def wind_pu(speed_m_s: ArrayLike) -> FloatArray:
    """Output over rated power of a turbine at a wind speed; 0 below cut-in and from cut-out on."""
    speed = np.asarray(speed_m_s, dtype=float)
    at, output = np.array(CURVE).T
    return np.where(speed >= CUT_OUT_M_S, 0.0, np.interp(speed, at, output))


def solar_pu(weather: Weather) -> FloatArray:
    """Output over capacity (hour, point) of a tracked module, 1 at 1 000 W/m2 and at most."""
    from pvlib import irradiance, tracking

    zenith, azimuth = sun(weather.points, weather.year, weather.hours)
    up = np.where(zenith > 90, 90.0, zenith)
    turned = tracking.singleaxis(up.ravel(), azimuth.ravel(), max_angle=60, backtrack=True)
    tilt = np.nan_to_num(turned["surface_tilt"]).reshape(up.shape)
    facing = np.nan_to_num(turned["surface_azimuth"]).reshape(up.shape)
    direct = weather.direct_w_m2 * np.maximum(irradiance.aoi_projection(tilt, facing, up, azimuth), 0.0)
    diffuse = weather.diffuse_w_m2 * (1 + np.cos(np.radians(tilt))) / 2
    return np.clip((direct + diffuse) / 1000.0, 0.0, 1.0)


def rating_pu(weather: Weather, point: ArrayLike, conductors: Conductors) -> FloatArray:
    """Dynamic over static rating (hour, branch) by IEEE 738, with the weather at ``point`` (branch,).

    The wind's direction is not known: it meets the line at ``ANGLE_DEG``. The sun is direct and diffuse light together.
    """
    at = np.asarray(point, dtype=np.int64)
    wind = np.maximum(weather.wind_m_s[:, at] * HUB_TO_LINE, LEAST_WIND_M_S)
    light = weather.direct_w_m2[:, at] + weather.diffuse_w_m2[:, at]
    wires = (conductors.diameter_m, conductors.resistance_25c_ohm_per_km, conductors.resistance_75c_ohm_per_km)
    now = ampacity_in_weather_a(
        *wires, weather.temperature_c[:, at], wind, light, replace(STATIC, wind_angle_deg=ANGLE_DEG)
    )
    return now / ampacity_a(*wires, STATIC)
