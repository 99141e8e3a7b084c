"""The numbers of weather, load, plant and lines, read from the parameter file; none stands in the code."""

from dataclasses import fields

from gridstudio.domain.conductors import RatingConditions
from gridstudio.errors import InputError
from gridstudio.planning.transition.case import Parameters
from gridstudio.planning.transition.days.load import LoadShape
from gridstudio.planning.transition.days.output import Technology
from gridstudio.planning.transition.days.weather import HOURS, Climate
from gridstudio.planning.transition.names import TURBINE_OUTPUT


def climate(given: Parameters) -> Climate:
    """Of the synthetic weather year: climate_<name>."""
    return Climate(*(given[f"climate_{field.name}"] for field in fields(Climate)))


def load_shape(given: Parameters) -> LoadShape:
    """Of the synthetic load: load_hour_01_pu to load_hour_24_pu and load_<name>."""
    hours = tuple(given[f"load_hour_{hour + 1:02d}_pu"] for hour in range(HOURS))
    return LoadShape(hours, *(given[f"load_{field.name}"] for field in fields(LoadShape)[1:]))


def technology(given: Parameters) -> Technology:
    """Of turbines, trackers and lines; InputError without a power curve."""
    return Technology(
        turbine_curve(given),
        given["turbine_cut_out_m_s"],
        given["tracker_most_degrees"],
        RatingConditions(
            conductor_max_c=given["rating_conductor_c"],
            ambient_c=given["rating_ambient_c"],
            wind_speed_m_per_s=given["rating_wind_m_s"],
        ),
        given["rating_wind_angle_degrees"],
        given["rating_least_wind_m_s"],
        (given["rating_line_height_m"] / given["rating_hub_height_m"]) ** given["rating_shear_exponent"],
        given["dtr_most_rating_pu"],
        given["zone_usable_share"],
    )


def turbine_curve(given: Parameters) -> tuple[tuple[float, float], ...]:
    """(speed m/s, output over rated power) of the rows turbine_output_at_<speed>_m_s, by speed."""
    rows = [(float(match[1]), given[name]) for name in given.values if (match := TURBINE_OUTPUT.fullmatch(name))]
    if not rows:
        raise InputError("The parameter file has no power curve; add rows turbine_output_at_<speed>_m_s.")
    return tuple(sorted(rows))
