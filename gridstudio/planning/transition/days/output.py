"""What the weather makes of plant and lines: wind and solar output per capacity, rating of a line over its static one.

Solar: eqs. (65), (66) of the source: plane-of-array irradiance of a horizontal single-axis tracker (north-south axis,
backtracking) from direct and isotropic diffuse light, per 1 000 W/m2; air temperature plays no part. The
module's efficiency (22 %) says how much land a MW takes, not its output per capacity. Wind: a turbine's power curve.
Lines: IEEE 738 for every hour.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridstudio.domain.conductors import RatingConditions, ampacity_a, ampacity_in_weather_a
from gridstudio.planning.transition.days.weather import Weather, sun

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Technology:
    """Plant and lines, from the parameter file.

    ``turbine_curve``: (wind speed at hub height, output over rated power), rising in speed; output is that of the first
    below it and of the last above, and none from ``turbine_cut_out_m_s`` on. ``hub_to_line``: wind at a line's height
    over that at hub height. ``line_least_wind_m_s``: a rating counts on no less. ``line_most_pu``: what
    terminal equipment allows a line beyond its static rating. ``usable_share``: of a zone's land.
    """

    turbine_curve: tuple[tuple[float, float], ...]
    turbine_cut_out_m_s: float
    tracker_most_degrees: float
    line_static: RatingConditions
    line_wind_angle_deg: float
    line_least_wind_m_s: float
    hub_to_line: float
    line_most_pu: float
    usable_share: float


@dataclass(frozen=True, eq=False)
class Conductors:
    """Bare conductors (branch,): diameter, and AC resistance at 25 and 75 C."""

    diameter_m: FloatArray
    resistance_25c_ohm_per_km: FloatArray
    resistance_75c_ohm_per_km: FloatArray


def wind_pu(speed_m_s: ArrayLike, technology: Technology) -> FloatArray:
    """Output over rated power of a turbine at a wind speed; 0 below cut-in and from cut-out on."""
    speed = np.asarray(speed_m_s, dtype=float)
    at, output = np.array(technology.turbine_curve).T
    return np.where(speed >= technology.turbine_cut_out_m_s, 0.0, np.interp(speed, at, output))


def solar_pu(weather: Weather, technology: Technology) -> FloatArray:
    """Output over capacity (hour, point) of a tracked module, 1 at 1 000 W/m2 and at most."""
    from pvlib import irradiance, tracking

    zenith, azimuth = sun(weather.points, weather.year, weather.hours)
    up = np.where(zenith > 90, 90.0, zenith)
    most = technology.tracker_most_degrees
    turned = tracking.singleaxis(up.ravel(), azimuth.ravel(), max_angle=most, backtrack=True)
    tilt = np.nan_to_num(turned["surface_tilt"]).reshape(up.shape)
    facing = np.nan_to_num(turned["surface_azimuth"]).reshape(up.shape)
    direct = weather.direct_w_m2 * np.maximum(irradiance.aoi_projection(tilt, facing, up, azimuth), 0.0)
    diffuse = weather.diffuse_w_m2 * (1 + np.cos(np.radians(tilt))) / 2
    return np.clip((direct + diffuse) / 1000.0, 0.0, 1.0)


def rating_pu(weather: Weather, point: ArrayLike, conductors: Conductors, technology: Technology) -> FloatArray:
    """Dynamic over static rating (hour, branch) by IEEE 738, with the weather at ``point`` (branch,); capped.

    The wind's direction is not known: it meets every line at one angle. The sun is direct and diffuse light together.
    """
    at = np.asarray(point, dtype=np.int64)
    wind = np.maximum(weather.wind_m_s[:, at] * technology.hub_to_line, technology.line_least_wind_m_s)
    light = weather.direct_w_m2[:, at] + weather.diffuse_w_m2[:, at]
    wires = (conductors.diameter_m, conductors.resistance_25c_ohm_per_km, conductors.resistance_75c_ohm_per_km)
    turned = replace(technology.line_static, wind_angle_deg=technology.line_wind_angle_deg)
    now = ampacity_in_weather_a(*wires, weather.temperature_c[:, at], wind, light, turned)
    return np.minimum(now / ampacity_a(*wires, technology.line_static), technology.line_most_pu)
