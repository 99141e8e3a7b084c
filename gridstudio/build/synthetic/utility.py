"""The whole utility from its parts, in the order in which they depend on each other."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridstudio.build.synthetic import assets, history, network, profiles, resources
from gridstudio.build.synthetic.customers import TRANSFORMER_MARGIN, Served, rating_kva, served
from gridstudio.build.synthetic.layout import Place, feeder_nodes, places
from gridstudio.build.synthetic.settings import POWER_FACTOR, SyntheticSettings
from gridstudio.build.synthetic.ties import tie_pairs, with_ties

Tables = dict[str, pd.DataFrame]
# Each part draws from a stream of its own: more years of history leave the network as it was.
LAYOUT, CUSTOMERS, DETAILS, RESOURCES, STORMS, OUTAGES, WEATHER = range(7)
ORDER = ("substations", "feeders", "network_nodes", "network_edges", "switches", "transformers", "customers") + (
    ("solar_installations", "battery_installations", "ev_chargers", "der_zones", "load_profiles")
    + ("ev_charging_profiles", "solar_profiles", "weather_data", "outage_history", "crew_dispatch")
)


def tables(settings: SyntheticSettings) -> Tables:
    """All utility tables by the name of their file, in the schema of the utility tables that ``build`` reads.

    Beside that schema: switches, crew_dispatch, load_profiles (per unit by hour), der_zones; and the columns
    impedance_r0/x0_ohm_per_mile of network_edges, peak_kw of customers (part in the diversified peak), edge_id and
    switch_id of outage_history (the edge with the fault, the device that tripped), edge_id of switches. weather_data
    has one row per day. The network is designed for a power factor of 0.97 and a substation bus held at 1.03 pu.
    """
    strips = places(settings)
    people = _served(strips, settings)
    named = network.ids(people.nodes, strips)
    found = _lines_and_owners(people, named, settings)
    found |= _equipment(people, named, strips, found)
    plants = resources.plant_rows(found["der_zones"], found["transformers"], settings)
    names = (("solar_installations", "SOL", "solar_id"), ("battery_installations", "BATT", "battery_id"))
    for (name, prefix, column), plant in zip(names, plants, strict=True):
        found[name] = resources.numbered(prefix, column, found[name], plant)
    found |= _years(people, found, settings)
    return {name: found[name] for name in ORDER}


def _served(strips: list[Place], settings: SyntheticSettings) -> Served:
    """All poles with their phases, and the customers on them."""
    zones = resources.zone_feeders(settings)
    feeders = [
        feeder_nodes(
            strip, zones.get(strip.feeder, ""), settings, np.random.default_rng([settings.seed, LAYOUT, strip.feeder])
        )
        for strip in strips
    ]
    nodes = with_ties(feeders, tie_pairs(strips, settings), settings)
    return served(nodes, settings, [settings.seed, CUSTOMERS])


def _lines_and_owners(people: Served, named: network.Ids, settings: SyntheticSettings) -> Tables:
    """Edges, switches, customers, what customers own, and the zones with their plants."""
    nodes, rng = people.nodes, np.random.default_rng([settings.seed, RESOURCES])
    edges = network.edge_table(people, named, _years_built(len(nodes), settings))
    switches = network.switch_table(nodes, edges)
    owners = resources.owners(people, rng)
    customers = assets.customer_table(people, named, owners, rng)
    solar = resources.solar_rows(customers.iloc[owners.solar], settings, rng)
    batteries = resources.battery_rows(customers.iloc[owners.battery], settings, rng)
    site = people.customers["node"].to_numpy()[owners.charger]
    three_phase = (nodes["transformer_phase"] == "ABC").to_numpy()[site]
    chargers = resources.charger_rows(customers.iloc[owners.charger], three_phase, settings, rng)
    evening = resources.load_kw(people, owners.charger, chargers, resources.EVENING_HOUR)
    zones = resources.zone_table(nodes, named.node, switches, evening, people.peak_kw())
    return {
        "network_edges": edges,
        "switches": switches,
        "customers": customers,
        "solar_installations": solar,
        "battery_installations": batteries,
        "ev_chargers": resources.numbered("EV", "charger_id", chargers),
        "der_zones": zones,
    }


def _equipment(people: Served, named: network.Ids, strips: list[Place], found: Tables) -> Tables:
    """Substations, feeders, service transformers and nodes."""
    nodes, customers, edges = people.nodes, found["customers"], found["network_edges"]
    needed = people.peak_kw() * TRANSFORMER_MARGIN / POWER_FACTOR
    plants = np.flatnonzero(nodes["plant"])
    needed[plants] = (found["der_zones"]["pv_kw"] + found["der_zones"]["inverter_kva"]).to_numpy()
    kva = rating_kva(needed, (nodes["transformer_phase"] == "ABC").to_numpy())
    year = edges["installation_year"].to_numpy()[: len(nodes)]
    substations = assets.substation_table(strips, customers)
    return {
        "substations": substations,
        "feeders": assets.feeder_table(nodes, named, strips, customers, edges, substations),
        "transformers": assets.transformer_table(people, named, kva, year),
        "network_nodes": network.node_table(people, named, substations, kva, year),
    }


def _years(people: Served, found: Tables, settings: SyntheticSettings) -> Tables:
    """Profiles, weather, outages and crews."""
    storms = history.storm_days(settings, np.random.default_rng([settings.seed, STORMS]))
    customers_at = np.bincount(people.customers["node"], minlength=len(people.nodes))
    outages, crews = history.outages(
        people.nodes,
        found["network_edges"],
        found["switches"],
        customers_at,
        settings,
        storms,
        np.random.default_rng([settings.seed, OUTAGES]),
    )
    return {
        "load_profiles": profiles.load_profiles(),
        "ev_charging_profiles": profiles.ev_charging_profiles(),
        "solar_profiles": profiles.solar_profiles(),
        "weather_data": profiles.weather(settings, storms, np.random.default_rng([settings.seed, WEATHER])),
        "outage_history": outages,
        "crew_dispatch": crews,
    }


def _years_built(count: int, settings: SyntheticSettings) -> NDArray[np.int64]:
    """When each pole and its line were built: over the 45 years before the history begins."""
    rng = np.random.default_rng([settings.seed, DETAILS])
    return settings.start_year - 1 - rng.integers(0, 45, count)
