"""The names that a parameter file may have: a misspelt one would else be a default taken in silence."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache

from gridstudio.planning.transition.case import CARBON, DISPATCHED, FACTORS, RENEWABLE, THERMAL

MULTIPLIERS = ("load", "fuel", "wind", "solar", "rating", "inflow")
STATE_KEYS = (*MULTIPLIERS, *(f"price_{factor}" for factor in FACTORS))
STAGE = re.compile(r"stage(\d+)_(.+)")
TURBINE_OUTPUT = re.compile(r"turbine_output_at_(\d+(?:\.\d+)?)_m_s")

_RUNNING = "vom_usd_per_mwh heat_rate_mmbtu_per_mwh co2_t_per_mwh"
_SIZED = "capex_usd_per_kw fom_usd_per_kw_year life_years most_mw land_km2_per_mw"
_STORAGE = "power_mw capex_usd_per_kw fom_usd_per_kw_year vom_usd_per_mwh life_years"
_FAMILIES = (  # prefixes, then what may follow each
    (THERMAL, f"{_SIZED} {_RUNNING} maximum_share minimum_share ramp_share_per_h"),
    (RENEWABLE, _SIZED),
    (tuple(f"unit_{kind}" for kind in DISPATCHED), f"{_RUNNING} availability_share minimum_share"),
    (tuple(f"ccs_{kind}" for kind in CARBON), f"{_RUNNING} capex_usd_per_kw fom_usd_per_kw_year derating_share"),
    (tuple(f"fuel_{fuel}" for fuel in dict.fromkeys((*THERMAL, *DISPATCHED))), "usd_per_mmbtu"),
    (("ccs",), "life_years"),
    (("battery",), f"{_STORAGE} energy_mwh charge_efficiency discharge_efficiency stored_min_share stored_max_share"),
    (("battery",), "end_of_life_share shelf_fade_ppm_per_day"),
    (("battery_fade_shallow", "battery_fade_deep"), "slope_ppm_per_h offset_ppm_per_h"),
    (("pumped_hydro",), f"{_STORAGE} turbine_mwh_per_million_m3 pump_mwh_per_million_m3 inflow_million_m3_per_h"),
    (("pumped_hydro_upper", "pumped_hydro_lower"), "first_million_m3 min_million_m3 max_million_m3"),
    (("line",), "life_years fom_share_per_year"),
    (("dtr",), "life_years fom_share_per_year spacing_km usd_per_sensor most_rating_pu"),
    (("sssc",), "life_years fom_share_per_year usd_per_device most_devices voltage_pu maximum_share minimum_share"),
    (("sssc",), "cut_in_share"),
    (("voll", "slack", "curtailment"), "usd_per_mwh"),
    (("co2_slack", "co2_price"), "usd_per_t"),
    (("curtailment", "shedding"), "limit_share"),
    (("angle",), "limit_degrees"),
    (("reactance",), "base_mva"),
    (("usd",), "per_cad"),
    (("true",), "rating_factor"),
    (("discount",), "rate"),
    (("zone",), "usable_share"),
    (("turbine",), "cut_out_m_s"),
    (("tracker",), "most_degrees"),
    (("rating",), "conductor_c ambient_c wind_m_s least_wind_m_s wind_angle_degrees hub_height_m line_height_m"),
    (("rating",), "shear_exponent"),
    (("climate",), "wind_mean_m_s wind_slope_share wind_winter_share wind_night_share weibull_shape synoptic_h"),
    (("climate",), "synoptic_km local_h local_km local_share cloudiness_share cloud_exponent cloud_most_share"),
    (("climate",), "cloud_wind_share temperature_c temperature_winter_c temperature_day_c temperature_synoptic_c"),
    (("climate",), "temperature_north_c_per_degree"),
    (tuple(f"load_hour_{hour:02d}" for hour in range(1, 25)), "pu"),
    (("load",), "weekend_factor winter_share noise_share comfort_c share_per_degree"),
)


@cache
def plain_names() -> frozenset[str]:
    """Every name that something reads, but those of stages and of a turbine's curve, which hold a number."""
    return frozenset(f"{prefix}_{end}" for prefixes, ends in _FAMILIES for prefix in prefixes for end in ends.split())


def name_finding(name: str) -> str | None:
    """What is wrong with a parameter's name: nothing reads it. Names of stages are checked with the chain."""
    if name in plain_names() or STAGE.fullmatch(name) or TURBINE_OUTPUT.fullmatch(name):
        return None
    return f"the parameter '{name}' is not known, nothing reads it; {nearest(name, sorted(plain_names()))}"


def speed_findings(names: Sequence[str], lines: Sequence[int]) -> list[str]:
    """Rows of a turbine's curve at one speed, however it is written."""
    first: dict[float, str] = {}
    found = []
    for line, name in zip(lines, names, strict=True):
        if match := TURBINE_OUTPUT.fullmatch(name):
            before = first.setdefault(float(match[1]), name)
            if before != name:
                found.append(f"line {line}: {name} is the speed of {before} once more; leave one of them")
    return found


def nearest(name: str, known: Sequence[str]) -> str:
    """A hint at what was meant."""
    close = get_close_matches(name, known, n=3)
    return f"the nearest known are {', '.join(close)}" if close else "no known name is near it"
