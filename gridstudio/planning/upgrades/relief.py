"""From what a feeder is short of, hour by hour, to what its customers miss in a year."""

import numpy as np

from gridstudio.planning.upgrades.contract import BoolArray, FloatArray, Hours, Menu
from gridstudio.planning.upgrades.dispatch import shift, store


def relieved(over_mw: FloatArray, ev_mw: FloatArray, menu: Menu, members: BoolArray, hours: Hours) -> FloatArray:
    """``over_mw`` (..., hour) after what the measures ``members`` (candidate,) shift and store within the day."""
    inside, after = np.flatnonzero(members), over_mw.copy()
    rows = (over_mw > 0).any(axis=-1)  # where nothing is short nothing moves
    part = over_mw[rows]
    movable = menu.shift_mw[inside].sum() + min(1.0, menu.shift_share[inside].sum()) * ev_mw[rows]
    if np.any(movable):
        part = shift(part, np.broadcast_to(movable, part.shape), hours.day)
    for c in inside[menu.power_mw[inside] > 0]:
        part = store(part, hours.day, menu.power_mw[c], menu.energy_mwh[c], menu.efficiency[c])
    after[rows] = part
    return after


def missed(short_mw: FloatArray, load_mw: FloatArray, customers: float, hours: Hours) -> tuple[FloatArray, FloatArray]:
    """Customer-hours and customers' interruptions of a year (...), from what is short (..., hour) of ``load_mw``.

    The share of the load that is short is the share of the customers that have no supply. A day's interruption hits
    as many customers as its worst hour, once.
    """
    share = np.divide(short_mw, load_mw, out=np.zeros_like(short_mw), where=(short_mw > 0) & (load_mw > 0))
    share = np.minimum(share, 1.0)
    times = np.zeros(share.shape[:-1])
    for number in np.unique(hours.day):
        mine = hours.day == number
        times += share[..., mine].max(axis=-1) * hours.weight_h[mine].max()
    return np.asarray(customers * (share @ hours.weight_h)), np.asarray(customers * times)
