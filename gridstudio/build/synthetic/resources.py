"""What customers and zones own: solar, batteries, chargers, and the plants that can carry a zone as an island."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridstudio.build.synthetic.customers import Served
from gridstudio.build.synthetic.profiles import CLASS_SHAPES, FAST_CHARGING, HOME_CHARGING, WORK_CHARGING
from gridstudio.build.synthetic.settings import SyntheticSettings

SOLAR_SHARE = np.array([0.10, 0.08, 0.0])  # by class: residential, commercial, industrial
BATTERY_SHARE = 0.25  # of the homes with solar
CHARGER_SHARE = np.array([0.08, 0.06, 0.0])
PLACE = ["customer_id", "transformer_id", "feeder_id", "substation_id", "latitude", "longitude"]
MAKERS = ("Halden", "Corvus", "Northfield")
ZONE_KINDS = ("branch", "branch", "section")
SHORT_ZONE = 1  # this zone's storage has less power than the zone takes in the evening
EVENING_HOUR = 20
STORAGE_HOURS = 4.0


@dataclass(frozen=True)
class Owners:
    """Rows of the customers who have solar, a battery, a charger."""

    solar: NDArray[np.intp]
    battery: NDArray[np.intp]
    charger: NDArray[np.intp]


def owners(customers: Served, rng: np.random.Generator) -> Owners:
    """Who has solar, who of them a battery, and who a charger."""
    kind = customers.customers["class"].to_numpy()
    solar, charger = (np.flatnonzero(rng.random(len(kind)) < share[kind]) for share in (SOLAR_SHARE, CHARGER_SHARE))
    homes = solar[kind[solar] == 0]
    return Owners(solar, homes[rng.random(len(homes)) < BATTERY_SHARE], charger)


def solar_rows(customers: pd.DataFrame, settings: SyntheticSettings, rng: np.random.Generator) -> pd.DataFrame:
    """solar_installations of the customers given."""
    home, count = (customers["customer_type"] == "residential").to_numpy(), len(customers)
    shop_kw = np.clip(0.9 * customers["contracted_demand_kw"].to_numpy(), 5, 150)
    return customers[PLACE].assign(
        capacity_kw=np.round(np.where(home, rng.uniform(3, 10, count), shop_kw), 1),
        panel_type=rng.choice(["monocrystalline", "polycrystalline"], count, p=[0.8, 0.2]),
        azimuth_deg=rng.integers(150, 226, count),
        tilt_deg=np.where(home, rng.integers(18, 36, count), 10),
        install_date=_dates(count, settings, rng),
        inverter_type=np.where(home, rng.choice(["micro", "string"], count), "string"),
        status="active",
    )


def battery_rows(customers: pd.DataFrame, settings: SyntheticSettings, rng: np.random.Generator) -> pd.DataFrame:
    """battery_installations of the customers given."""
    count = len(customers)
    size = rng.integers(0, 3, count)
    return customers[PLACE].assign(
        capacity_kwh=np.array([10.0, 13.5, 27.0])[size],
        power_kw=np.array([5.0, 5.0, 10.0])[size],
        chemistry=rng.choice(["LFP", "NMC"], count),
        install_date=_dates(count, settings, rng),
        manufacturer=rng.choice(MAKERS, count),
        status="active",
    )


def charger_rows(
    customers: pd.DataFrame, three_phase: NDArray[np.bool_], settings: SyntheticSettings, rng: np.random.Generator
) -> pd.DataFrame:
    """ev_chargers of the customers given; fast ones only at shops on a three-phase transformer (``three_phase``)."""
    home, count = (customers["customer_type"] == "residential").to_numpy(), len(customers)
    draw = rng.random(count)
    fast, slow = ~home & three_phase & (draw < 0.25), home & (draw < 0.2)
    level2 = np.where(home, rng.choice([7.7, 11.5], count, p=[0.7, 0.3]), 19.2)
    return customers[PLACE].assign(
        charger_type=np.select([fast, slow], ["DCFC", "Level 1"], "Level 2"),
        power_kw=np.select([fast, slow], [rng.choice([50.0, 150.0], count, p=[0.7, 0.3]), 1.4], level2),
        connector=np.select([fast, slow], ["CCS", "NEMA 5-15"], "J1772"),
        install_date=_dates(count, settings, rng),
        network=np.where(home, "private", "public"),
        status="active",
    )


def load_kw(served: Served, charging: NDArray[np.intp], chargers: pd.DataFrame, hour: int) -> NDArray[np.float64]:
    """Customers and chargers together at an hour of a summer weekday, kW per row of the node table.

    ``charging``: the owner (row of the customers) of each row of ``chargers``.
    """
    kind, node, peak = (served.customers[name].to_numpy() for name in ("class", "node", "peak_kw"))
    fast = (chargers["charger_type"] == "DCFC").to_numpy()
    slow_use = np.where(kind[charging] == 0, HOME_CHARGING[hour], WORK_CHARGING[hour])
    use = np.where(fast, FAST_CHARGING[hour], slow_use) / 100
    load = np.bincount(node, peak * CLASS_SHAPES[kind, hour], minlength=len(served.nodes))
    charge = np.bincount(node[charging], chargers["power_kw"].to_numpy() * use, minlength=len(served.nodes))
    return np.asarray(load + charge, dtype=float)


def zone_feeders(settings: SyntheticSettings) -> dict[int, str]:
    """The feeders (0..) that have an island zone, and its kind."""
    feeders = settings.substations * settings.feeders
    count = min(settings.zones, feeders)
    return {k * feeders // count: ZONE_KINDS[k % len(ZONE_KINDS)] for k in range(count)}


def zone_table(
    nodes: pd.DataFrame, names: NDArray[np.object_], switches: pd.DataFrame, evening_kw: pd.Series, peak_kw: pd.Series
) -> pd.DataFrame:
    """der_zones: a plant with solar, storage and a grid-forming inverter in a part that switches can cut out.

    Storage lasts STORAGE_HOURS at the load of EVENING_HOUR; one zone's storage has too little power for that hour.
    ``names``, ``evening_kw``, ``peak_kw``: node id and load per row of the node table.
    """
    part = nodes["feeder"].to_numpy() * 1000 + nodes["section"].to_numpy()
    part_of = dict(zip(names, part, strict=True))
    ends = switches[["bus1", "bus2"]].map(lambda node: part_of.get(node, -1)).to_numpy()
    border = ends[:, 0] != ends[:, 1]
    rows: list[dict[str, Any]] = []
    for number, plant in enumerate(np.flatnonzero(nodes["plant"])):
        evening, peak = (float(load[part == part[plant]].sum()) for load in (evening_kw, peak_kw))
        power = _tens(evening * (0.8 if number % len(ZONE_KINDS) == SHORT_ZONE else 1.4))
        rows.append(
            {
                "zone": f"ZONE-{number + 1}",
                "feeder_id": f"FDR-{nodes['feeder'].iloc[plant] + 1:04d}",
                "node_id": names[plant],
                "boundary_switches": ";".join(switches["switch_id"][border & (ends == part[plant]).any(axis=1)]),
                "pv_kw": _tens(1.2 * peak),
                "storage_kwh": _tens(STORAGE_HOURS * evening),
                "storage_kw": power,
                "inverter_kva": _tens(1.15 * power),
                "peak_load_kw": round(peak, 1),
                "evening_load_kw": round(evening, 1),
            }
        )
    columns = ["zone", "feeder_id", "node_id", "boundary_switches", "pv_kw", "storage_kwh", "storage_kw"]
    return pd.DataFrame(rows, columns=[*columns, "inverter_kva", "peak_load_kw", "evening_load_kw"])


def plant_rows(
    zones: pd.DataFrame, transformers: pd.DataFrame, settings: SyntheticSettings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The zones' plants as rows of solar_installations and battery_installations; they belong to no customer."""
    sites = transformers.set_index("transformer_id").loc[zones["node_id"]].reset_index()
    sites = sites.assign(customer_id="")[PLACE]
    date = f"{settings.start_year:04d}-01-01"
    solar = sites.assign(
        capacity_kw=zones["pv_kw"].to_numpy(dtype=float),
        panel_type="monocrystalline",
        azimuth_deg=180,
        tilt_deg=25,
        install_date=date,
        inverter_type="central",
        status="active",
    )
    battery = sites.assign(
        capacity_kwh=zones["storage_kwh"].to_numpy(dtype=float),
        power_kw=zones["storage_kw"].to_numpy(dtype=float),
        chemistry="LFP",
        install_date=date,
        manufacturer=MAKERS[0],
        status="active",
    )
    return solar, battery


def numbered(prefix: str, column: str, *parts: pd.DataFrame) -> pd.DataFrame:
    """The parts under each other with identifiers counted through."""
    table = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    table.insert(0, column, [f"{prefix}-{i + 1:06d}" for i in range(len(table))])
    return table


def _dates(count: int, settings: SyntheticSettings, rng: np.random.Generator) -> list[str]:
    months = rng.integers(0, 12 * settings.years, count)
    return [f"{settings.start_year + m // 12:04d}-{m % 12 + 1:02d}-01" for m in months.tolist()]


def _tens(value: float) -> int:
    return round(value / 10) * 10
