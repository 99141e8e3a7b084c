"""The IEEE 123 study's circuit with its devices, small circuits written on the spot, and desks to work at."""

import csv
import heapq
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from gridstudio import engine
from gridstudio.domain.changes import ChangeSet, SetSwitch
from gridstudio.domain.devices import read_devices
from gridstudio.domain.limits import Limits
from gridstudio.domain.scenarios import Scenario
from gridstudio.domain.sections import build_sections
from gridstudio.engine import Feeder
from gridstudio.evaluation import Workers, evaluate_many
from gridstudio.planning.phases import Phases
from gridstudio.planning.restoration.clock import Clock
from gridstudio.planning.restoration.customers import assumed_customers
from gridstudio.planning.restoration.incident import Fault, Storm, happen
from gridstudio.planning.restoration.judge import Judge
from gridstudio.planning.restoration.methods import Desk
from gridstudio.planning.restoration.plan import Rules

ROOT = Path(__file__).parents[3]
LIMITS = Limits(
    v_min_pu=0.917, v_max_pu=1.058, loading_max_pu=1.0, transformer_loading_max_pu=1.0, emergency_loading_max_pu=1.25
)
NO_WORSE_V_PU, NO_WORSE_LOADING_PU = 1e-3, 1e-2


def make_world(feeder, table, customers=None, limits=LIMITS, crews=2, dispatch_min=1.0):
    """A circuit with devices and customers by load (none: one per 4 kW), ready for storms and desks."""
    with engine.borrow(feeder) as session:
        network = session.network
    who = assumed_customers(network, 4.0).groupby("load")["customers"].sum().to_dict()
    sections, _ = build_sections(network, read_devices(table, network), customers or who).protected()

    def storm(*elements, repair_min=180.0, load_scale=1.0, name="storm"):
        repairs = [repair_min] * len(elements) if np.isscalar(repair_min) else repair_min
        faults = tuple(Fault(e, float(m)) for e, m in zip(elements, repairs, strict=True))
        return happen(sections, Storm(name, faults, load_scale))

    def desk(workers=1, emergency_h=4.0, transfers=True, max_power_flows=100_000, max_nodes=20_000):
        judge = Judge(Phases(feeder, limits, Workers(workers)), sections, limits)
        rules = Rules(emergency_h, transfers, max_power_flows, max_nodes)
        return Desk(judge, Clock(sections.devices, crews, dispatch_min), rules)

    return SimpleNamespace(
        feeder=feeder, network=network, sections=sections, limits=limits, storm=storm, desk=desk, table=table,
        clock=Clock(sections.devices, crews, dispatch_min),
    )  # fmt: skip


@pytest.fixture(scope="session")
def ieee123_world(model):
    """The circuit, devices and customers of studies/restoration_ieee123.toml."""
    feeder = model("ieee123", "redirect candidates.dss")
    return make_world(feeder, ROOT / "studies" / "data" / "ieee123_devices.csv")


@pytest.fixture
def world(write_circuit):
    """world(circuit, devices, ...): a small circuit and its device table, written on the spot.

    ``devices``: {device: (open or closed, remote or (operating, travel))}, each on the line of its name; all are
    breakers unless their name begins with 'tie' or 'sw'.
    """

    def make(circuit, devices, **more):
        master = write_circuit(circuit)
        rows = [["device", "element", "type", "normally_open", "remote", "operating_time_min", "travel_time_min"]]
        for name, (position, how) in devices.items():
            kind = "switch" if name.startswith(("tie", "sw")) else "breaker"
            times = ["true", "1", ""] if how == "remote" else ["false", *how]
            rows.append([name, f"line.{name}", kind, str(position == "open").lower(), *times])
        table = master.with_name("devices.csv")
        with table.open("w", newline="") as file:
            csv.writer(file).writerows(rows)
        return make_world(Feeder(master.parent.name, master), table, **more)

    return make


HEAD = "clear\nnew circuit.small bus1=source basekv=4.16 pu=1.0 phases=3 r1=0 x1=0.001 r0=0 x0=0.001"
TAIL = "set voltagebases=[4.16]\ncalcvoltagebases\n"


def line_text(name, bus1, bus2, amps=600, r=0.01, x=0.02):
    matrix = f"r1={r} x1={x} r0={2 * r} x0={2 * x} c1=0 c0=0"
    return f"new line.{name} bus1={bus1} bus2={bus2} phases=3 {matrix} length=1 normamps={amps}"


def load_text(name, bus, kw, kvar=0):
    return f"new load.{name} bus1={bus} phases=3 kv=4.16 kw={kw} kvar={kvar} model=1 vminpu=0.5 vmaxpu=1.5"


def two_feeders(*more, amps_b=400, r_tie=0.01, head=HEAD):
    """Breakers a and b at one source; a feeds n1, then n2 behind sw12; b feeds n3; ``tie`` joins n2 and n3. 400 kW,
    100 customers at each: 55.5 A a load."""
    parts = [
        line_text("a", "source", "n1"), line_text("seg1", "n1", "n1e"), load_text("l1", "n1e", 400),
        line_text("sw12", "n1e", "n2"), line_text("seg2", "n2", "n2e"), load_text("l2", "n2e", 400),
        line_text("b", "source", "n3", amps_b), line_text("seg3", "n3", "n3e", amps_b), load_text("l3", "n3e", 400),
        line_text("tie", "n2e", "n3e", 600, r_tie),
    ]  # fmt: skip
    return "\n".join([head, *parts, *more, TAIL])


@pytest.fixture
def kit():
    """What small circuits are written with: ``line``, ``load``, and ``two_feeders`` with their ``devices``."""
    names = {name: ("open" if name == "tie" else "closed", "remote") for name in ("a", "sw12", "b", "tie")}
    return SimpleNamespace(line=line_text, load=load_text, two_feeders=two_feeders, devices=names, head=HEAD, tail=TAIL)


class Enumeration:
    """Restoration by brute force, apart from the planner: its own graph, judgement and search.

    A plan is any order of single operations: dead devices open and close freely; a closing may energise dead parts; a
    live device may open only if the next operation takes all over that it drops. Every state must be radial, free of
    faults and allowed. ``states``: the verdict on every state asked for so far, shared by all faults.
    """

    def __init__(self, world):
        self.world, self.network = world, world.network
        lines = self.network.lines.set_index("line")
        with world.table.open() as file:
            rows = list(csv.DictReader(row for row in file if not row.startswith("#")))
        self.lines = [row["element"].partition(".")[2] for row in rows]
        of_bus = world.sections.of_bus
        self.ends = [tuple(of_bus[lines.at[line, end]] for end in ("bus1", "bus2")) for line in self.lines]
        self.root = {of_bus[bus] for bus in self.network.sources}
        self.normal = sum(1 << d for d, row in enumerate(rows) if row["normally_open"] == "false")
        self.node_section = np.array([of_bus[bus] for bus in self.network.nodes["bus"]])
        self.branch_section = np.array([of_bus[bus] for bus in self.network.branches["bus1"]])
        self.fed = (self.network.nodes["fed"] | self.network.nodes["reachable"]).to_numpy()
        is_line = (self.network.branches["kind"] == "line").to_numpy()
        self.rating_pu = np.where(is_line, world.limits.loading_max_pu, world.limits.transformer_loading_max_pu)
        self.flows, self.lives = {}, {}

    def live(self, closed, blocked=0):
        """Sections with supply, and whether they and the closed devices among them are a tree; sources are one root.

        A source in a ``blocked`` section feeds nothing.
        """
        if (closed, blocked) not in self.lives:
            roots = {s for s in self.root if not blocked >> s & 1}
            reached = set(roots)
            edges = [pair for d, pair in enumerate(self.ends) if closed >> d & 1]
            grown = True
            while grown:
                more = {s for pair in edges if reached & set(pair) for s in pair} - reached
                reached |= more
                grown = bool(more)
            inside = sum(a in reached for a, _ in edges)
            self.lives[closed, blocked] = frozenset(reached), inside == len(reached) - len(roots)
        return self.lives[closed, blocked]

    def flow(self, closed, scale):
        """Voltages and loadings of a state; devices that feed nothing are left open, so that states are shared."""
        reached, _ = self.live(closed)
        kept = sum(1 << d for d, (a, _) in enumerate(self.ends) if closed >> d & 1 and a in reached)
        if (kept, scale) not in self.flows:
            changes = ChangeSet(tuple(SetSwitch(line, bool(kept >> d & 1)) for d, line in enumerate(self.lines)))
            scenario = Scenario(load_scale=(scale,))
            done = evaluate_many(self.world.feeder, [(changes, scenario)], self.world.limits)[0]
            assert done.flow.converged[0]
            self.flows[kept, scale] = done.flow.v_pu[0], done.loading_pu[0]
        return self.flows[kept, scale]

    def violations(self, closed, incident, emergency_h):
        """How many limits a state breaks that neither the normal state nor that after the trips broke as far."""
        scale, limits = incident.storm.load_scale, self.world.limits
        (v, loading), (v_0, loading_0) = self.flow(closed, scale), self.flow(self.normal, scale)
        v_1, loading_1 = self.flow(incident.start, scale)
        on, on_1 = (np.isin(self.node_section, list(self.live(c)[0])) & self.fed for c in (closed, incident.start))
        lit, lit_1 = (
            np.isin(self.branch_section, list(self.live(c, incident.blocked)[0])) for c in (closed, incident.start)
        )
        v_min = np.minimum(v_0, np.where(on_1, v_1, np.inf)) - NO_WORSE_V_PU
        v_max = np.maximum(v_0, np.where(on_1, v_1, -np.inf)) + NO_WORSE_V_PU
        loaded = np.fmax(loading_0, np.where(lit_1, loading_1, -np.inf)) + NO_WORSE_LOADING_PU
        most = limits.emergency_loading_max_pu if incident.horizon_min <= 60 * emergency_h else 1.0
        wrong_v = on & ((v < np.minimum(limits.v_min_pu, v_min)) | (v > np.maximum(limits.v_max_pu, v_max)))
        dead = on & (v < limits.dead_pu)
        over = lit & (loading > self.rating_pu * most) & (loading > loaded)
        return int((wrong_v | dead).sum() + over.sum())

    def allowed(self, closed, incident, emergency_h=4.0):
        reached, tree = self.live(closed, incident.blocked)
        if not tree or any(incident.blocked >> s & 1 for s in reached):
            return False
        return self.violations(closed, incident, emergency_h) == 0

    def least_customer_minutes(self, incident, transfers=True, emergency_h=4.0):
        """The least customer-minutes of all plans; and how many labels (state, times) were looked at."""
        customers, repaired = self.world.sections.customers, incident.repaired_min
        clock, verdicts, devices = self.world.clock, {}, self.world.sections.devices

        def live(closed):
            return self.live(closed, incident.blocked)

        out = {s for s in range(len(customers)) if incident.out >> s & 1}

        def fine(closed):
            if closed not in verdicts:
                verdicts[closed] = self.allowed(closed, incident, emergency_h)
            return verdicts[closed]

        def waiting(reached):
            return [s for s in out if s not in reached]

        def onwards(closed, settled, hands):
            """All single operations from here, and all openings with the closing that takes over."""
            before, _ = live(closed)
            for d, (a, b) in enumerate(self.ends):
                after, once = closed ^ 1 << d, clock.operate(hands, d)
                if a not in before and b not in before:
                    yield after, settled, once
                elif not closed >> d & 1 and not (a in before and b in before):
                    if fine(after):
                        taken = live(after)[0] - before
                        gain = sum(customers[s] * min(once.now_min, repaired[s]) for s in taken & out)
                        yield after, settled + gain, once
                elif closed >> d & 1 and transfers and devices[d].type in ("breaker", "recloser", "switch"):
                    dropped = before - live(after)[0]
                    for e in range(len(self.ends)):
                        takes_over = not after >> e & 1 and e != d and before == live(after | 1 << e)[0]
                        if takes_over and fine(after) and fine(after | 1 << e):
                            twice = clock.operate(once, e)
                            lost = sum(customers[s] for s in dropped) * (twice.now_min - once.now_min)
                            yield after | 1 << e, settled + lost, twice

        def if_all_came_now(closed, settled, now):
            gone = waiting(live(closed)[0])
            return settled + sum(customers[s] * (repaired[s] if incident.blocked >> s & 1 else min(now, repaired[s]))
                                 for s in gone)  # fmt: skip

        best, labels, kept = np.inf, 0, {}
        queue = [(if_all_came_now(incident.start, 0.0, clock.start.now_min), incident.start, 0.0, clock.start)]
        while queue:
            bound, closed, settled, hands = heapq.heappop(queue)
            if bound >= best - 1e-9:
                break
            known = kept.setdefault(closed, [])
            times = (settled, hands.now_min, *hands.crews_free_min)
            if any(all(x <= y + 1e-9 for x, y in zip(label, times, strict=True)) for label in known):
                continue
            known.append(times)
            labels += 1
            best = min(best, settled + sum(customers[s] * repaired[s] for s in waiting(live(closed)[0])))
            for after, cost, then in onwards(closed, settled, hands):
                if then.now_min > incident.switching_ends_min:
                    continue
                if (lower := if_all_came_now(after, cost, then.now_min)) < best - 1e-9:
                    heapq.heappush(queue, (lower, after, cost, then))
        return best, labels


@pytest.fixture(scope="session")
def brute_force():
    """brute_force(world): the enumeration of a world, which remembers its power flows."""
    return Enumeration


@pytest.fixture(scope="session")
def ieee123_brute_force(ieee123_world):
    return Enumeration(ieee123_world)
