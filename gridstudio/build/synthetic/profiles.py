"""Hours and days: load by class, charging, sun, and the weather of the years.

All load profiles are per unit of the class's own peak on a clear summer weekday; sun and weather follow the date and a
seed. They are smooth typical shapes, not measurements.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridstudio.build.synthetic.settings import SyntheticSettings

LATITUDE_DEG = 40.0
HOURS = np.arange(24)
RESIDENTIAL = np.array(
    [0.52, 0.46, 0.42, 0.40, 0.40, 0.43, 0.50, 0.54, 0.52, 0.52, 0.55, 0.60]
    + [0.66, 0.72, 0.78, 0.84, 0.91, 0.97, 1.00, 0.98, 0.93, 0.85, 0.73, 0.61]
)
COMMERCIAL = np.array(
    [0.38, 0.36, 0.35, 0.35, 0.37, 0.42, 0.52, 0.66, 0.80, 0.90, 0.95, 0.98]
    + [0.99, 1.00, 1.00, 0.98, 0.94, 0.86, 0.77, 0.70, 0.64, 0.56, 0.48, 0.42]
)
INDUSTRIAL = np.array(
    [0.62, 0.60, 0.60, 0.60, 0.63, 0.72, 0.85, 0.94, 0.98, 1.00, 1.00, 0.98]
    + [0.94, 0.98, 1.00, 0.97, 0.88, 0.80, 0.76, 0.74, 0.72, 0.70, 0.67, 0.64]
)
# Percent of the chargers' power in use at once (diversified), weekday; at the weekend cars charge earlier.
HOME_CHARGING = np.array(
    [14.0, 10.0, 7.0, 5.0, 4.0, 4.0, 4.0, 3.0, 3.0, 3.0, 4.0, 4.0]
    + [5.0, 6.0, 7.0, 10.0, 15.0, 21.0, 26.0, 28.0, 27.0, 25.0, 22.0, 18.0]
)
WORK_CHARGING = np.array(
    [4.0, 3.0, 3.0, 3.0, 3.0, 5.0, 10.0, 24.0, 38.0, 42.0, 40.0, 37.0]
    + [36.0, 35.0, 32.0, 28.0, 22.0, 16.0, 12.0, 10.0, 8.0, 7.0, 6.0, 5.0]
)
FAST_CHARGING = np.array(
    [4.0, 3.0, 2.0, 2.0, 3.0, 6.0, 12.0, 20.0, 24.0, 24.0, 26.0, 30.0]
    + [33.0, 32.0, 31.0, 33.0, 38.0, 42.0, 40.0, 34.0, 26.0, 18.0, 11.0, 7.0]
)
CLASS_SHAPES = np.array([RESIDENTIAL, COMMERCIAL, INDUSTRIAL])
SUMMER_DAY = 172  # 21 June


def load_profiles() -> pd.DataFrame:
    """Per unit by hour: residential, commercial, industrial load; ev (of charger power); solar (of capacity)."""
    columns = dict(zip(("residential", "commercial", "industrial"), CLASS_SHAPES, strict=True))
    return pd.DataFrame({"hour": HOURS, **columns, "ev": HOME_CHARGING / 100, "solar": solar_share(SUMMER_DAY)})


def ev_charging_profiles() -> pd.DataFrame:
    """Percent of charger power in use by hour, for homes, work places and fast chargers; weekday and weekend."""
    shapes = (HOME_CHARGING, WORK_CHARGING, FAST_CHARGING)
    weekend = (np.roll(HOME_CHARGING, -2) * 0.9, WORK_CHARGING * 0.4, FAST_CHARGING * 1.1)
    parts = [
        pd.DataFrame({"hour_of_day": HOURS, "day_type": day, **dict(zip(names, values, strict=True))})
        for day, values in (("weekday", shapes), ("weekend", weekend))
        for names in [("residential_load_pct", "commercial_load_pct", "dcfc_load_pct")]
    ]
    return pd.concat(parts, ignore_index=True).round(1)


def sun_height(day_of_year: NDArray | int) -> NDArray[np.float64]:
    """Sine of the sun's height by hour (solar time, middle of the hour), 0 at night; shape (..., 24).

    Declination after P. I. Cooper, Solar Energy 12 (1969) 333: 23.45 deg x sin(360 (284 + n) / 365).
    """
    day = np.asarray(day_of_year, dtype=float)[..., None]
    declination = np.radians(23.45) * np.sin(2 * np.pi * (284 + day) / 365)
    latitude, angle = np.radians(LATITUDE_DEG), np.radians(15 * (HOURS + 0.5 - 12))
    height = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(angle)
    return np.maximum(height, 0.0)


def clear_sky_w_per_m2(day_of_year: NDArray | int) -> NDArray[np.float64]:
    """Horizontal irradiance under a clear sky by hour: 1098 s exp(-0.057 / s), s the sine of the sun's height.

    Haurwitz, Journal of Meteorology 2 (1945) 154, with the constants commonly used.
    """
    height = sun_height(day_of_year)
    return 1098 * height * np.exp(-0.057 / np.maximum(height, 1e-3)) * (height > 0)


def solar_share(day_of_year: int) -> NDArray[np.float64]:
    """Per unit of a plant's capacity by hour under a clear sky: 0.85 of the irradiance over 1000 W/m2."""
    return np.round(0.85 * clear_sky_w_per_m2(day_of_year) / 1000, 4)


def temperature_c(day_of_year: NDArray) -> NDArray[np.float64]:
    """Typical mean temperature of a day, coldest in mid January."""
    return 11.5 - 14.5 * np.cos(2 * np.pi * (np.asarray(day_of_year) - 16) / 365)


def solar_profiles() -> pd.DataFrame:
    """The 15th of each month by hour, clear sky: factors, percent of capacity, temperature (C), irradiance (W/m2)."""
    days = pd.to_datetime([f"2024-{month:02d}-15" for month in range(1, 13)])
    number = days.day_of_year.to_numpy()
    irradiance = clear_sky_w_per_m2(number).ravel()
    temperature = (temperature_c(number)[:, None] + 6 * np.sin(2 * np.pi * (HOURS - 9) / 24)).ravel()
    stamps = (days.to_numpy()[:, None] + HOURS.astype("timedelta64[h]")).ravel()
    return pd.DataFrame(
        {
            "timestamp": pd.DatetimeIndex(stamps).strftime("%Y-%m-%d %H:%M"),
            "clear_sky_factor": np.round(irradiance / 1000, 3),
            "generation_pct_of_capacity": np.round(85 * irradiance / 1000, 1),
            "temperature_c": np.round(temperature, 1),
            "ghi_w_per_m2": np.round(irradiance, 1),
        }
    )


def weather(settings: SyntheticSettings, storms: NDArray[np.datetime64], rng: np.random.Generator) -> pd.DataFrame:
    """One row per day: mean temperature (F), humidity (%), highest wind (mph), mean irradiance (W/m2), cloud (%)."""
    start = np.datetime64(f"{settings.start_year:04d}-01-01", "D")
    days = np.arange(start, np.datetime64(f"{settings.start_year + settings.years:04d}-01-01", "D"))
    stamps = pd.DatetimeIndex(days.astype("datetime64[s]"))
    number, storm = stamps.day_of_year.to_numpy(), np.isin(days, storms)
    noise = rng.standard_normal((4, len(days)))
    fahrenheit = 32 + 1.8 * (temperature_c(number) + 4 * noise[0] - 2 * storm)
    cloud = np.clip(np.where(storm, 85, 40) + 22 * noise[1], 0, 100)
    wind = np.where(storm, 44, 13) * np.exp(0.22 * noise[2])
    light = clear_sky_w_per_m2(number).mean(axis=-1) * (1 - 0.75 * (cloud / 100) ** 3.4)  # Kasten and Czeplak 1980
    return pd.DataFrame(
        {
            "timestamp": stamps.strftime("%Y-%m-%d 00:00"),
            "temperature": np.round(fahrenheit, 1),
            "humidity": np.round(np.clip(45 + 0.35 * cloud + 8 * noise[3], 10, 100), 1),
            "wind_speed": np.round(wind, 1),
            "ghi": np.round(light, 1),
            "cloud_cover": np.round(cloud, 1),
            "is_heatwave": (fahrenheit >= 86).astype(int),
            "is_storm": storm.astype(int),
        }
    )
