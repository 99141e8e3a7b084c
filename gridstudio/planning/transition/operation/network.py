"""The DC network without angles: flows around loops, new lines, ratings with sensors, and SSSC devices.

The angle between two buses is the sum of reactance times flow along a path of lines that stand, less what series
devices add (``solve.dcflow``). A line that may be built obeys the same rule if it is built, and has no flow if not.
Angles are degrees here, so that reactance in degrees per 100 MW is near 1.
"""

from dataclasses import dataclass

import numpy as np

from gridstudio.planning.transition.case import Case, FloatArray, IntArray
from gridstudio.planning.transition.factors import BASE_MW
from gridstudio.planning.transition.operation.day import Day
from gridstudio.solve.dcflow import DCNetwork, Tree, loops, spanning_tree

DEGREES = 180.0 / np.pi


@dataclass(frozen=True, eq=False)
class Grid:
    """Lines that stand and lines that may be built, as positions of branches; reactance in degrees per 100 MW."""

    standing: IntArray
    network: DCNetwork
    tree: Tree
    loops: FloatArray
    degrees: FloatArray  # (branch,)
    angle_limit: float


@dataclass(frozen=True, eq=False)
class Flows:
    """Columns (hour, ...): flow on standing lines, on new ones, what SSSC adds (branch with a device), and the angle of
    each further part of the network; ``most`` and ``most_new``: bounds of the flows, ``most_shift`` of the shifts."""

    standing: IntArray
    new: IntArray
    shift: IntArray
    offset: IntArray
    most: FloatArray
    most_new: FloatArray
    most_shift: FloatArray  # (branch,), 0 where no device may stand


def grid(case: Case) -> Grid:
    """The network of a case; angles count from the bus with the largest load."""
    branches = case.branches
    standing = np.flatnonzero(branches.existing)
    degrees = branches.reactance_pu * BASE_MW / case.parameters["reactance_base_mva"] * DEGREES
    network = DCNetwork(
        len(case.buses), branches.from_bus[standing], branches.to_bus[standing], branches.reactance_pu[standing]
    )
    tree = spanning_tree(network, int(np.argmax(case.buses.max_load_mw)))
    return Grid(standing, network, tree, loops(network, tree), degrees, case.parameters["angle_limit_degrees"])


def network(day: Day) -> None:
    """All groups of the network; in a case without branches there is nothing to do."""
    if not len(day.case.branches):
        return
    net = grid(day.case)
    flows = _flows(day, net)
    _balance(day, net, flows)
    if "kirchhoff" not in day.off:
        flow_rule(day, net, flows)
        new_line_flow_rule(day, net, flows)
        if "angle_limit" not in day.off:
            angle_limit(day, net, flows)
    if "line_rating" not in day.off:
        standing_rating(day, net, flows)
    new_line_rating(day, flows)
    if day.items.has("sssc"):
        sssc(day, net, flows)


def _new(day: Day) -> IntArray:
    return day.items.factor("line").site if day.items.has("line") else np.zeros(0, dtype=np.int64)


def _dynamic(day: Day) -> FloatArray:
    """(hour, branch): dynamic rating in 100 MW."""
    return day.rating_pu * day.case.branches.rating_mw / BASE_MW


def _with_sensor(day: Day) -> IntArray:
    return day.items.factor("dtr").site if day.items.has("dtr") else np.zeros(0, dtype=np.int64)


def _flows(day: Day, net: Grid) -> Flows:
    """The columns, with the widest bounds that any investment allows."""
    branches, new = day.case.branches, _new(day)
    static = np.broadcast_to(branches.rating_mw / BASE_MW, day.rating_pu.shape)
    widest = static.copy()
    sensors = _with_sensor(day)
    widest[:, sensors] = np.maximum(static, _dynamic(day))[:, sensors]
    most = widest[:, net.standing] if "line_rating" not in day.off else np.full((day.hours, len(net.standing)), np.inf)
    program = day.program
    standing = program.variables(day.name("flow"), most.shape, -most, most)
    added = program.variables(day.name("new_line_flow"), (day.hours, len(new)), -widest[:, new], widest[:, new])
    shift_most = np.zeros(len(branches))
    devices = day.items.factor("sssc").site if day.items.has("sssc") else np.zeros(0, dtype=np.int64)
    if len(devices):
        shift_most[devices] = day.items.factor("sssc").most * device_degrees(day)
    top = shift_most[devices]
    shift = program.variables(day.name("sssc_shift"), (day.hours, len(devices)), -top, top)
    parts = len(net.tree.roots) - 1
    reach = net.angle_limit if "angle_limit" not in day.off else np.inf
    offset = program.variables(day.name("part_angle"), (day.hours, parts), -reach, reach)
    return Flows(standing, added, shift, offset, most.max(axis=0), widest[:, new].max(axis=0, initial=0.0), shift_most)


def _balance(day: Day, net: Grid, flows: Flows) -> None:
    """Terms of (6): flows out of and into buses."""
    branches = day.case.branches
    for columns, lines in ((flows.standing, net.standing), (flows.new, _new(day))):
        ends = day.bus_of(branches.to_bus[lines]) - day.bus_of(branches.from_bus[lines])
        day.program.add_sums(day.balance, ends, columns)


def _add_angles(day: Day, net: Grid, flows: Flows, rows: IntArray, buses: FloatArray) -> None:
    """rows (hour, m) += buses (m, bus) @ angle of each bus."""
    paths = buses @ net.tree.paths
    day.program.add_sums(rows, paths * net.degrees[net.standing], flows.standing)
    if flows.shift.shape[1]:
        devices = day.items.factor("sssc").site
        at = (net.standing[:, None] == devices[None, :]).astype(float)
        day.program.add_sums(rows, -paths @ at, flows.shift)
    parts = buses @ (net.tree.part[:, None] == np.arange(1, len(net.tree.roots))[None, :])
    day.program.add_sums(rows, parts, flows.offset)


def flow_rule(day: Day, net: Grid, flows: Flows) -> None:
    """(22) for lines that stand: around each loop, reactance times flow less what SSSC adds is zero."""
    rows = day.program.rows("flow_rule (22)", (day.hours, len(net.loops)), 0.0, 0.0)
    day.program.add_sums(rows, net.loops * net.degrees[net.standing], flows.standing)
    if flows.shift.shape[1]:
        at = (net.standing[:, None] == day.items.factor("sssc").site[None, :]).astype(float)
        day.program.add_sums(rows, -net.loops @ at, flows.shift)


def new_line_flow_rule(day: Day, net: Grid, flows: Flows) -> None:
    """(22) for lines that may be built: within M of the rule while not built, on it once built.

    M is the largest angle that can lie across the right of way, by ratings along the path or by the angle limits.
    """
    lines = _new(day)
    if not len(lines):
        return
    branches, built = day.case.branches, day.columns("line")
    across = day.bus_of(branches.from_bus[lines]).T - day.bus_of(branches.to_bus[lines]).T
    widest = _widest_angle(day, net, flows, across) + flows.most_shift[lines]
    widest = (
        np.minimum(widest, 2 * net.angle_limit + flows.most_shift[lines]) if "angle_limit" not in day.off else widest
    )
    for sign in (1.0, -1.0):
        rows = day.program.rows("new_line_flow_rule (22)", (day.hours, len(lines)), -np.inf, widest)
        day.program.add(rows, flows.new, sign * net.degrees[lines])
        _add_angles(day, net, flows, rows, -sign * across)
        if flows.shift.shape[1]:
            at = (lines[:, None] == day.items.factor("sssc").site[None, :]).astype(float)
            day.program.add_sums(rows, -sign * at, flows.shift)
        day.program.add(rows, built, widest)


def _widest_angle(day: Day, net: Grid, flows: Flows, buses: FloatArray) -> FloatArray:
    """(m,): bound of |buses @ angles| by what the lines on the path can carry, in degrees."""
    paths = np.abs(buses @ net.tree.paths)
    reach = np.where(np.isfinite(flows.most), net.degrees[net.standing] * flows.most, 1e4)
    found = paths @ (reach + flows.most_shift[net.standing])
    parts = np.abs(buses @ (net.tree.part[:, None] == np.arange(1, len(net.tree.roots))[None, :]))
    if parts.size:
        found = found + parts.sum(axis=1) * (net.angle_limit if "angle_limit" not in day.off else 1e4)
    return np.asarray(found)


def angle_limit(day: Day, net: Grid, flows: Flows) -> None:
    """(21): the angle of each bus against the reference, where ratings do not keep it within the limit already."""
    every = np.eye(len(day.case.buses))
    binds = np.flatnonzero(_widest_angle(day, net, flows, every) > net.angle_limit + 1e-9)
    rows = day.program.rows("angle_limit (21)", (day.hours, len(binds)), -net.angle_limit, net.angle_limit)
    _add_angles(day, net, flows, rows, every[binds])


def standing_rating(day: Day, net: Grid, flows: Flows) -> None:
    """(46), (48): static rating, or the dynamic one once a sensor is there; without sensors the bounds of the flow do.

    The dynamic rating may lie below the static one: who measures must keep to it.
    """
    sensors = _with_sensor(day)
    place, sensor = np.nonzero(net.standing[:, None] == sensors[None, :])
    if not len(place):
        return
    static = day.case.branches.rating_mw[net.standing[place]] / BASE_MW
    gain = _dynamic(day)[:, net.standing[place]] - static
    for sign in (1.0, -1.0):
        rows = day.program.rows("line_rating (46)-(48)", gain.shape, -np.inf, static)
        day.program.add(rows, flows.standing[:, place], sign)
        day.program.add(rows, day.columns("dtr")[sensor], -gain)


def new_line_rating(day: Day, flows: Flows) -> None:
    """(47), (49)-(53): no flow without the line; with line and sensor the dynamic rating.

    The product of line and sensor is a column of its own, w <= line, w <= sensor, w >= line + sensor - 1: exact for
    whole investments.
    """
    lines = _new(day)
    if not len(lines):
        return
    built, static = day.columns("line"), day.case.branches.rating_mw[lines] / BASE_MW
    place, sensor = np.nonzero(lines[:, None] == _with_sensor(day)[None, :])
    gain = _dynamic(day)[:, lines[place]] - static[place]
    both = _product(day, built[place], day.columns("dtr")[sensor]) if len(place) else built[:0]
    for sign in (1.0, -1.0):
        rows = day.program.rows("new_line_rating (47)-(49)", flows.new.shape, -np.inf, 0.0)
        day.program.add(rows, flows.new, sign)
        day.program.add(rows, built, -static)
        day.program.add(rows[:, place], both, -gain)


def _product(day: Day, one: IntArray, other: IntArray) -> IntArray:
    """(50)-(53): a column for the product of two that are 0 or 1."""
    both = day.program.variables(day.name("line_and_sensor"), len(one), 0.0, 1.0)
    for factor in (one, other):
        rows = day.program.rows("line_and_sensor (50)-(53)", len(one), -np.inf, 0.0)
        day.program.add(rows, both, 1.0)
        day.program.add(rows, factor, -1.0)
    rows = day.program.rows("line_and_sensor (50)-(53)", len(one), -1.0, np.inf)
    day.program.add(rows, both, 1.0)
    day.program.add(rows, one, -1.0)
    day.program.add(rows, other, -1.0)
    return both


def device_degrees(day: Day) -> float:
    """What one SSSC device can add to the angle across its line: its voltage over the line's, in degrees (55)."""
    return day.case.parameters["sssc_voltage_pu"] * DEGREES


def sssc(day: Day, net: Grid, flows: Flows) -> None:
    """(54)-(64): the injected voltage within what the devices give, either way, and only above their cut-in current.

    Emulated reactance times flow is a voltage, so the limits on the reactance (54), (55) are limits on the injected
    voltage, linear in the number of devices (56). Cut-in: one binary for each direction and hour (57)-(64); relaxed
    they bind next to nothing and are left out of training.
    """
    devices, site = day.columns("sssc"), day.items.factor("sssc").site
    each, given = device_degrees(day), day.case.parameters
    for sign, key in ((1.0, "sssc_maximum_share"), (-1.0, "sssc_minimum_share")):
        rows = day.program.rows("sssc_limit (56)", flows.shift.shape, -np.inf, 0.0)
        day.program.add(rows, flows.shift, sign)
        day.program.add(rows, devices, -each * given[key])
    cut_in = given["sssc_cut_in_share"] * day.case.branches.rating_mw / BASE_MW
    if day.exact and "sssc_cut_in" not in day.off and cut_in.any():
        _cut_in(day, net, flows, site, cut_in)


def _cut_in(day: Day, net: Grid, flows: Flows, site: IntArray, cut_in: FloatArray) -> None:
    """(57)-(64): a device works only while the flow on its right of way exceeds its cut-in, in either direction."""
    program, shape = day.program, flows.shift.shape
    up = program.variables(day.name("sssc_forward"), shape, 0.0, 1.0, integer=True)
    down = program.variables(day.name("sssc_backward"), shape, 0.0, 1.0, integer=True)
    one = program.rows("sssc_cut_in (59)", shape, -np.inf, 1.0)
    program.add(one, up, 1.0)
    program.add(one, down, 1.0)
    for sign in (1.0, -1.0):
        rows = program.rows("sssc_cut_in (60)", shape, -np.inf, 0.0)
        program.add(rows, flows.shift, sign)
        program.add(rows, up, -flows.most_shift[site])
        program.add(rows, down, -flows.most_shift[site])
    lines = _new(day)
    standing, new = net.standing[None, :] == site[:, None], lines[None, :] == site[:, None]
    most = standing @ np.minimum(flows.most, 1e4) + new @ flows.most_new
    for sign, active in ((1.0, up), (-1.0, down)):
        rows = program.rows("sssc_cut_in (61)-(64)", shape, -most, np.inf)
        program.add_sums(rows, sign * standing, flows.standing)
        program.add_sums(rows, sign * new, flows.new)
        program.add(rows, active, -(cut_in[site] + most))
