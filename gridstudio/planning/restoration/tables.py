"""The tables of a restoration study; their columns stand in the functions that make them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gridstudio.domain import reliability
from gridstudio.domain.reliability import CostTable
from gridstudio.domain.sections import Sections, bits
from gridstudio.planning.restoration.cold import ColdPickup
from gridstudio.planning.restoration.incident import Incident, faulted_sections
from gridstudio.planning.restoration.judge import Judge, State
from gridstudio.planning.restoration.methods import Desk
from gridstudio.planning.restoration.plan import Plan, Return, Timeline, customer_minutes, returns, states_of, timeline


@dataclass(frozen=True, eq=False)
class Judged:
    """A plan against an incident with its clock and the solved state after every operation (first: after the trips)."""

    incident: Incident
    plan: Plan
    seed: int  # of the training; 0 for methods that learn nothing
    when: Timeline
    states: list[State]
    returns: list[Return]
    emergency_ends: bool  # whether emergency ratings run out before the last repair

    @property
    def broken(self) -> int:
        """Violations of the worst switching step."""
        return self._worst(self.states[1:])

    @property
    def broken_return(self) -> int:
        """Violations of the worst state on the way back to normal, when the repaired parts have come back."""
        return self._worst([back.state for back in self.returns])

    def _worst(self, states: Sequence[State]) -> int:
        return max((state.broken + self.overtime(state) for state in states), default=0)

    def overtime(self, state: State) -> int:
        """How many branches need their emergency rating for longer than it holds."""
        return int(state.strained.sum()) if self.emergency_ends else 0


def judge_plan(incident: Incident, plan: Plan, seed: int, desk: Desk) -> Judged:
    """Every operation of a plan solved and judged."""
    when = timeline(incident, desk.clock, plan.moves)
    ends = incident.horizon_min > 60.0 * desk.rules.emergency_h
    states, back = states_of(incident, desk.judge, plan), returns(incident, desk.judge, plan)
    return Judged(incident, plan, seed, when, states, back, ends)


def comparison(judged: Iterable[Judged], customers: pd.DataFrame, costs: CostTable) -> pd.DataFrame:
    """storm, method, seed, customers_out (after the trips), customers_restored (by switching, before the repair),
    kw_restored, ci, cmi (sustained), customer_minutes (momentary ones too), saifi, saidi_min, caidi_min, momentary
    (customers), maifi, ens_kwh, cost_usd, violations (worst switching step), violations_return
    (worst state between the repairs), operations, switched_min (last operation),
    power_flows, seconds, status, bound, gap.
    """
    return pd.DataFrame([_compared(item, customers, costs) for item in judged])


def _compared(item: Judged, customers: pd.DataFrame, costs: CostTable) -> dict[str, object]:
    incident, plan, sections = item.incident, item.plan, item.incident.sections
    section, served = customers["section"].to_numpy(), float(customers["customers"].sum())
    # a section that the faults leave without supply and switching moves later is interrupted twice
    minutes = np.concatenate([item.when.restored_min[section], item.when.moved_min[section]])
    count = np.tile(customers["customers"].to_numpy(float), 2)
    kw = np.tile(customers["kw"].to_numpy(float) * incident.storm.load_scale, 2)
    figures = reliability.indices(count, minutes, served)
    back = sections.members(incident.out) & (item.when.restored_min < incident.repaired_min)
    cost = reliability.interruption_cost_usd(costs, [*customers["class"]] * 2, count, kw, minutes)
    return {
        "storm": incident.storm.name,
        "method": plan.method,
        "seed": item.seed,
        "customers_out": float(sections.customers @ sections.members(incident.out)),
        "customers_restored": float(sections.customers @ back),
        "kw_restored": float(sections.kw @ back) * incident.storm.load_scale,
        "ci": figures.ci,
        "cmi": figures.cmi,
        "customer_minutes": customer_minutes(incident, item.when),
        "saifi": figures.saifi,
        "saidi_min": figures.saidi_min,
        "caidi_min": figures.caidi_min,
        "momentary": figures.ci_momentary,
        "maifi": figures.maifi,
        "ens_kwh": float(reliability.energy_not_served_kwh(kw, minutes).sum()),
        "cost_usd": float(cost.sum()),
        "violations": item.broken,
        "violations_return": item.broken_return,
        "operations": len(plan.operations),
        "switched_min": item.when.done_min[-1] if item.when.done_min else 0.0,
        "power_flows": plan.power_flows,
        "seconds": round(plan.seconds, 4),
        "status": plan.certificate.status,
        "bound": plan.certificate.bound,
        "gap": plan.certificate.gap,
    }


def orders(judged: Iterable[Judged], judge: Judge) -> pd.DataFrame:
    """The order sheet. storm, method, seed, step (0: after the trips), minute, device, element, type, action (trip,
    open, close), control (remote, manual), purpose, sections (picked up), customers, kw, v_min_pu, v_min_at,
    loading_max_pu, loading_at, rating (normal, emergency), violations: each state solved by a power flow.
    """
    return pd.DataFrame([row for item in judged for row in _sheet(item, judge)])


def _sheet(item: Judged, judge: Judge) -> Iterable[dict[str, object]]:
    incident, sections = item.incident, item.incident.sections
    head = {"storm": incident.storm.name, "method": item.plan.method, "seed": item.seed}
    tripped = [sections.devices[d] for d in incident.tripped]
    yield (
        head
        | {
            "step": 0,
            "minute": 0.0,
            "device": ", ".join(device.name for device in tripped) or "source",
            "element": ", ".join(f"line.{device.line}" for device in tripped),
            "type": ", ".join(device.type for device in tripped),
            "action": "trip",
            "control": "",
            "purpose": "fault cleared",
            "sections": "",
            "customers": -float(sections.customers @ sections.members(incident.out)),
            "kw": -float(sections.kw @ sections.members(incident.out)) * incident.storm.load_scale,
        }
        | _electric(item.states[0], judge)
    )
    step = 0
    for move in item.plan.moves:
        for operation in move.operations:
            step += 1
            device = sections.devices[operation.device]
            group = move.picked_up if operation.close else 0
            members = sections.members(group)
            yield (
                head
                | {
                    "step": step,
                    "minute": item.when.done_min[step - 1],
                    "device": device.name,
                    "element": f"line.{device.line}",
                    "type": device.type,
                    "action": "close" if operation.close else "open",
                    "control": "remote" if device.remote else "manual",
                    "purpose": _purpose(incident, move.interrupted, operation.device, operation.close, group),
                    "sections": ", ".join(sections.names[s] for s in bits(group)),
                    "customers": float(sections.customers @ members),
                    "kw": float(sections.kw @ members) * incident.storm.load_scale,
                }
                | _electric(item.states[step], judge)
            )


def _purpose(incident: Incident, interrupted: int, device: int, close: bool, group: int) -> str:
    if interrupted:
        return "take over from another feeder" if close else "hand over to another feeder"
    if close:
        return "pick up" if group else "close"
    a, b = incident.sections.ends[device].tolist()
    return "isolate the fault" if (incident.blocked >> a | incident.blocked >> b) & 1 else "cut off the rest"


def _electric(state: State, judge: Judge) -> dict[str, object]:
    (v_min, v_at), (loading, loading_at) = judge.lowest(state), judge.highest_loading(state)
    return {
        "v_min_pu": v_min,
        "v_min_at": v_at,
        "loading_max_pu": loading,
        "loading_at": loading_at,
        "rating": "emergency" if state.emergency else "normal",
        "violations": state.broken,
    }


def violations(judged: Iterable[Judged], judge: Judge) -> pd.DataFrame:
    """storm, method, seed, step (beyond the plan's: the repairs), kind (undervoltage, overvoltage, dead, overload,
    emergency_overtime, loop, fed_fault, not_converged), element, value, limit, unit: what neither the normal state nor
    the trips explain.
    """
    columns = ["storm", "method", "seed", "step", "kind", "element", "value", "limit", "unit"]
    rows = [
        (item.incident.storm.name, item.plan.method, item.seed, step, *row)
        for item in judged
        for step, state in enumerate([*item.states, *(back.state for back in item.returns)])
        if step
        for row in (*_broken(item.incident.sections, state, judge), *_overtime(item, state, judge))
    ]
    return pd.DataFrame(rows, columns=columns)


def _overtime(item: Judged, state: State, judge: Judge) -> Iterable[tuple[str, str, float, float, str]]:
    elements = item.incident.sections.network.branches["element"].to_numpy()
    for row in np.flatnonzero(state.strained) if item.overtime(state) else ():
        loading, limit = float(state.flow.loading_pu[row]), float(judge.normal_pu[row])
        yield "emergency_overtime", str(elements[row]), loading, limit, "pu"


def repairs(judged: Iterable[Judged], judge: Judge) -> pd.DataFrame:
    """The return to the normal state. storm, method, seed, minute, repaired (elements), operations, customers (back
    then), kw, v_min_pu, v_min_at, loading_max_pu, loading_at, rating, violations: each state solved by a power flow.
    """
    rows = []
    for item in judged:
        incident, sections = item.incident, item.incident.sections
        for back in item.returns:
            now = sections.members(incident.out) & (item.when.restored_min == back.minute)
            done = [f"{'close' if o.close else 'open'} {sections.devices[o.device].name}" for o in back.operations]
            rows.append(
                {
                    "storm": incident.storm.name,
                    "method": item.plan.method,
                    "seed": item.seed,
                    "minute": back.minute,
                    "repaired": ", ".join(back.repaired),
                    "operations": ", ".join(done),
                    "customers": float(sections.customers @ now),
                    "kw": float(sections.kw @ now) * incident.storm.load_scale,
                }
                | _electric(back.state, judge)
            )
    return pd.DataFrame(rows)


def _broken(sections: Sections, state: State, judge: Judge) -> Iterable[tuple[str, str, float, float, str]]:
    nodes, limits = sections.network.nodes, judge.limits
    names = (nodes["bus"] + "." + nodes["phase"].astype(str)).to_numpy()
    for kind, mask, limit in (
        ("undervoltage", state.low, limits.v_min_pu),
        ("overvoltage", state.high, limits.v_max_pu),
        ("dead", state.dead, limits.dead_pu),
    ):
        for row in np.flatnonzero(mask):
            yield kind, names[row], float(state.flow.v_pu[row]), limit, "pu"
    elements = sections.network.branches["element"].to_numpy()
    for row in np.flatnonzero(state.over):
        limit = float(judge.normal_pu[row]) * limits.emergency_loading_max_pu
        yield "overload", str(elements[row]), float(state.flow.loading_pu[row]), limit, "pu"
    for device in state.closing:
        yield "loop", f"line.{sections.devices[device].line}", float("nan"), float("nan"), ""
    if state.feeds_fault:
        yield "fed_fault", "circuit", float("nan"), float("nan"), ""
    if not state.flow.converged:
        yield "not_converged", "circuit", float("nan"), float("nan"), ""


def outages(judged: Iterable[Judged]) -> pd.DataFrame:
    """storm, method, seed, section, customers, kw, faulted, out (after the trips), out_min, repaired_min."""
    rows = []
    for item in judged:
        incident, sections = item.incident, item.incident.sections
        for s in range(len(sections)):
            out = bool(incident.out >> s & 1)
            if out or item.when.out_min[s] > 0:
                rows.append(
                    (
                        incident.storm.name,
                        item.plan.method,
                        item.seed,
                        sections.names[s],
                        float(sections.customers[s]),
                        float(sections.kw[s]) * incident.storm.load_scale,
                        bool(incident.blocked >> s & 1),
                        out,
                        float(item.when.out_min[s]),
                        float(incident.repaired_min[s]),
                    )
                )
    columns = ["storm", "method", "seed", "section", "customers", "kw", "faulted", "out", "out_min", "repaired_min"]
    return pd.DataFrame(rows, columns=columns)


def storm_table(incidents: Sequence[Incident], role: str) -> pd.DataFrame:
    """storm, role (judged, training), element, section, repair_min, load_scale, tripped, customers_out."""
    rows = []
    for incident in incidents:
        sections = incident.sections
        out = float(sections.customers @ sections.members(incident.out))
        tripped = ", ".join(sections.devices[d].name for d in incident.tripped) or "source"
        for fault in incident.storm.faults:
            held = ", ".join(sections.names[s] for s in faulted_sections(sections, fault.element))
            scale = incident.storm.load_scale
            rows.append((incident.storm.name, role, fault.element, held, fault.repair_min, scale, tripped, out))
    columns = ["storm", "role", "element", "section", "repair_min", "load_scale", "tripped", "customers_out"]
    return pd.DataFrame(rows, columns=columns)


def device_table(sections: Sections) -> pd.DataFrame:
    """device, element, type, normally_open, remote, operating_min, travel_min, bus1, bus2, section1, section2."""
    lines = sections.network.lines.set_index("line")
    rows = [
        (
            device.name,
            f"line.{device.line}",
            device.type,
            device.normally_open,
            device.remote,
            device.operating_min,
            device.travel_min,
            lines.at[device.line, "bus1"],
            lines.at[device.line, "bus2"],
            *(sections.names[s] for s in sections.ends[d]),
        )
        for d, device in enumerate(sections.devices)
    ]
    columns = ["device", "element", "type", "normally_open", "remote", "operating_min", "travel_min", "bus1", "bus2"]
    return pd.DataFrame(rows, columns=[*columns, "section1", "section2"])


def section_table(sections: Sections) -> pd.DataFrame:
    """section, customers, kw, buses (number), loads (number), supplied (in the normal state)."""
    buses = pd.Series(list(sections.of_bus.values())).value_counts()
    rows = [
        (
            sections.names[s],
            float(sections.customers[s]),
            float(sections.kw[s]),
            int(buses.get(s, 0)),
            len(sections.loads[s]),
            bool(sections.normal_supply.alive >> s & 1),
        )
        for s in range(len(sections))
    ]
    return pd.DataFrame(rows, columns=["section", "customers", "kw", "buses", "loads", "supplied"])


def cold_load(pickups: Sequence[ColdPickup]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two tables. By section: storm, section, customers, kw, outage_h (at its pickup), factor, steady_min (without
    surge), pickup_min (NaN: deferred to the repair), waited_min, method. The curve: storm, minute, kw, diversified_kw,
    v_min_pu, loading_max_pu, allowed.
    """
    rows, curves = [], []
    for found in pickups:
        incident, sections = found.incident, found.incident.sections
        name = incident.storm.name
        for k, s in enumerate(found.sections):
            members = sections.members(found.members[k])
            at = float(found.schedule.pickup_min[k])
            fits = np.isfinite(at)
            rows.append(
                (
                    name,
                    sections.names[s],
                    float(sections.customers @ members),
                    float(sections.kw @ members) * incident.storm.load_scale,
                    float(found.outage_h[k]) if fits else np.nan,
                    float(found.factors[k]) if fits else np.nan,
                    float(found.steady_min[k]),
                    at if fits else np.nan,
                    at - float(found.steady_min[k]) if fits else np.nan,
                    found.schedule.method,
                )
            )
        curves += [
            (name, *map(float, point), bool(allowed))
            for *point, allowed in zip(
                found.minutes,
                found.curve_kw,
                found.curve_diversified_kw,
                found.curve_v_min_pu,
                found.curve_loading_pu,
                found.curve_allowed,
                strict=True,
            )
        ]
    columns = ["storm", "section", "customers", "kw", "outage_h", "factor", "steady_min", "pickup_min", "waited_min"]
    curve = ["storm", "minute", "kw", "diversified_kw", "v_min_pu", "loading_max_pu", "allowed"]
    return pd.DataFrame(rows, columns=[*columns, "method"]), pd.DataFrame(curves, columns=curve)
