"""Curtailed solar from a power flow: what must go so that no bus is too high and nothing is overloaded backwards.

All solar of a feeder is turned down alike: for a high bus by its share of the voltage rise from the head of its feeder,
for a conductor whose power flows towards the source by what it carries too much. ``simulation`` solves the circuit
again until the power flow shows no violation. An even cut is a rule, not an optimum: plants at the end of a feeder help
most.
"""

import numpy as np

from gridstudio.planning.upgrades.contract import BoolArray, FloatArray, IntArray
from gridstudio.planning.upgrades.shedding import AIM, references
from gridstudio.planning.upgrades.zones import SOLAR, Zones

MOST_SUN = 4.0  # times what is sent back
LEAST_RISE = 0.005  # pu that a feeder's sun is taken to raise its bus by, at least


def backwards(zones: Zones, factor: FloatArray, conductors: IntArray) -> BoolArray:
    """Whether more is generated than drawn beneath each conductor (..., conductor); ``factor`` (..., load)."""
    signed = factor * np.sign(zones.load_kw)
    return np.asarray(signed @ zones.beneath_a[conductors].T < 0)


def turned_down(
    zones: Zones,
    factor: FloatArray,
    conductors: IntArray,
    excess_a: FloatArray,
    nodes: IntArray,
    v_pu: FloatArray,
    v_max_pu: float,
) -> tuple[FloatArray, FloatArray]:
    """The share of each feeder's solar that goes (state, feeder): for what feeders share and itself, for itself alone.

    ``factor`` (state, load) multipliers; ``excess_a`` (state, conductor) [A] above the limit, backwards, of some
    ``conductors``; ``v_pu`` (state, every node) of which ``nodes`` may be too high.
    """
    own, sun = np.zeros((len(factor), zones.feeders)), zones.load_class == SOLAR
    for node, reference in zip(nodes, references(zones, nodes), strict=True):
        zone = int(zones.node_zone[node])
        rise = np.maximum(v_pu[:, node] - v_pu[:, reference], LEAST_RISE) * _sun_of_net(zones, factor, zone)
        aim = v_max_pu - (1 - AIM) * 0.1
        share = np.where(v_pu[:, node] > v_max_pu, np.clip((v_pu[:, node] - aim) / rise, 0.0, 1.0), 0.0)
        own[:, zone] = np.maximum(own[:, zone], share)
    whole = own.copy()
    for column, conductor in enumerate(conductors):
        carried = factor[:, sun] @ zones.beneath_a[conductor, sun]
        share = np.divide(excess_a[:, column], carried, out=np.zeros(len(factor)), where=carried > 0)
        share = np.where(excess_a[:, column] > 0, np.clip(share, 0.0, 1.0), 0.0)
        zone = int(zones.conductor_zone[conductor])
        for feeder in np.flatnonzero(zones.of_zone(zone)):
            whole[:, feeder] = np.maximum(whole[:, feeder], share)
            if not zones.shared[zone]:
                own[:, feeder] = np.maximum(own[:, feeder], share)
    return whole, own


def _sun_of_net(zones: Zones, factor: FloatArray, zone: int) -> FloatArray:
    """A feeder's sun over what it sends back (state,): without sun its voltages fall by more than they rose."""
    mine, sun = zones.load_zone == zone, zones.load_class == SOLAR
    made = factor[:, mine & sun] @ -zones.load_kw[mine & sun]
    drawn = factor[:, mine & ~sun] @ zones.load_kw[mine & ~sun]
    return np.asarray(np.clip(made / np.maximum(made - drawn, 1e-9), 1.0, MOST_SUN))


def curtailed_mw(zones: Zones, factor: FloatArray, whole: FloatArray, own: FloatArray) -> FloatArray:
    """What goes (state, zone) [MW]: for a feeder's own sake, and for the sake of what feeders share."""
    sun = (zones.load_class == SOLAR) & (zones.load_zone >= 0)
    mw = np.zeros((len(factor), zones.feeders))
    np.add.at(mw.T, zones.load_zone[sun], (factor[:, sun] * np.abs(zones.load_kw[sun])).T / 1000)
    found = np.zeros((len(factor), len(zones)))
    for zone in range(len(zones)):
        part = (whole - own) if zones.shared[zone] else own
        found[:, zone] = (part * mw)[:, zones.of_zone(zone)].sum(axis=1)
    return found
