"""The maps of a resilience study: where to build, who is supplied in telling scenarios, and how often."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from gridstudio.report import style
from gridstudio.report.diagram import Diagram
from gridstudio.report.maps import SOURCE_COLOUR, Text
from gridstudio.report.points import Dots, Panel, Pin, branch_places, bus_places, found, point_maps, where
from gridstudio.report.resilience.view import SUBSTATION, Study, Telling, by_section, closed, served, supply
from gridstudio.report.sheet import line_entry

COLOURS = {SUBSTATION: "#0072b2", "source": "#009e73", "dark": "#a3adb6", "faulted": "#d55e00"}
WORDS = {
    SUBSTATION: "supplied by the substation",
    "source": "island of a new source (thick)",
    "dark": "in the dark",
    "faulted": "out of service by a fault (thick)",
}
HARDENED = "#cc79a7"
WORK = {"harden": "hardened line", "switch at": "added switch"}
FAULTS = (0.02, 0.05, 0.1, 0.2)  # bounds of a section's probability of a fault
SUPPLIED = (0.5, 0.8, 0.9, 0.95, 0.99)  # bounds of the part that is picked up
EPSILON = 1e-9
MOST_PINS = 12


def siting(study: Study, diagram: Diagram, path: Path) -> None:
    """Candidate sites, what is built there, hardened lines and added switches, on sections by how often they fault."""
    sections = study.table("sections")
    chance = dict(zip(sections["section"].astype(str), sections["fault_probability"].astype(float), strict=True))
    colours = style.ramp(len(FAULTS) + 1)
    hard = _flag(diagram, "hardened")
    colour = [
        HARDENED if on else colours[int(np.digitize(chance[name] + EPSILON, FAULTS))] if name in chance else style.INK
        for name, on in zip(_sections(diagram), hard, strict=True)
    ]
    at, plan, devices = bus_places(diagram), study.table("plan"), branch_places(diagram)
    left_out = plan[~plan["built"].astype(bool)]
    added = _elements(study, "added switch")
    dots = [
        Dots(found(at, _texts(left_out["bus"])), style.PAPER, 11, "h", style.INK, "candidate site, nothing built"),
        *(
            Dots(found(at, [str(r.bus)]), SOURCE_COLOUR, 8 + 6 * np.sqrt(float(r.kw) / max(float(r.max_kw), 1e-9)), "h",
                 style.INK, "grid-forming source, by its part of the largest size")
            for r in study.built.itertuples()
        ),
        Dots(found(devices, added), HARDENED, 9, "s", style.INK, "added switch" if added else ""),
    ]  # fmt: skip
    names = [(str(r.bus), f"{r.site}: {style.number(r.kw)} kW", True) for r in study.built.itertuples()]
    names += [(str(r.bus), str(r.site), False) for r in left_out.itertuples()]
    pins = [Pin(at[bus], words, bold) for bus, words, bold in names if bus in at]
    pins += [Pin(devices[e], f"{word} {e.split('.', 1)[-1]}") for word, what in WORK.items()
             for e in _elements(study, what)[:MOST_PINS] if e in devices]  # fmt: skip
    lines = [line_entry(words, c, 3.0) for words, c in zip(_classes(FAULTS), colours, strict=True)]
    lines += [line_entry("hardened", HARDENED, 4.5)] if hard.any() else []
    count, kw = len(study.built), style.number(study.built["kw"].sum())
    caption = f"{count} of {len(plan)} candidate sites, {kw} kW"
    text = Text("Where to build, and how much", "Sections coloured by how often a storm faults them." + where(diagram))
    point_maps(diagram, [Panel(caption, colour, hard, dots, pins)], lines, "Fault in a storm", text, path)


def islands(study: Study, diagram: Diagram, shown: Sequence[Telling], path: Path) -> None:
    """The telling scenarios side by side: by what each section is supplied, and which loads are not picked up."""
    bare = replace(diagram, branches=diagram.branches.assign(is_switch=False))  # devices have marks of their own
    panels = [_scenario(study, diagram, one) for one in shown]
    lines = [line_entry(words, COLOURS[key], 3.0) for key, words in WORDS.items()]
    words = "Every island is a solved power flow. Lost: weighted kW; at each source what it serves of its size."
    text = Text("Islands of telling scenarios", words + where(diagram))
    point_maps(bare, panels, lines, "", text, path)


def _scenario(study: Study, diagram: Diagram, one: Telling) -> Panel:
    state, names = supply(study, one.scenario), _sections(diagram)
    ends = _ends(study)
    kind = [state.get(name) or _between(state, ends.get(str(element), ())) for name, element in
            zip(names, diagram.branches["element"], strict=True)]  # fmt: skip
    table = study.table("scenarios").set_index("scenario")
    row = table.loc[one.scenario]
    lost = (
        f"{style.percent(row['probability'], 1)}, {style.number(row['wind_m_s'])} m/s, {style.number(row['q_kw'])} lost"
    )
    caption = f"{one.why}: scenario {one.scenario}, p {lost}"
    thick = np.array([k in ("source", "faulted") for k in kind], dtype=bool)
    return Panel(caption, [COLOURS[k] for k in kind], thick, _marks(study, diagram, one.scenario), _pins(study, one))


def _between(state: dict[str, str], ends: Sequence[str]) -> str:
    """A device between two sections looks like them where both are supplied alike."""
    kinds = {state.get(name, "dark") for name in ends}
    return kinds.pop() if len(kinds) == 1 else "dark"


def _marks(study: Study, diagram: Diagram, scenario: int) -> list[Dots]:
    at, places, devices = bus_places(diagram), branch_places(diagram), study.table("devices")
    on, picked, faults = closed(study, scenario), study.table("pickup"), study.table("faults")
    loads = study.table("loads")
    got = set(picked.loc[picked["scenario"] == scenario, "load"].astype(str))
    shed = loads[~loads["load"].astype(str).isin(got)]
    critical = shed["critical"].astype(bool)
    shut = devices["device"].astype(str).isin(on)
    failed = _texts(faults.loc[faults["scenario"] == scenario, "element"])
    return [
        Dots(found(at, _texts(shed.loc[~critical, "bus"])), style.PAPER, 4.0, "o", style.INK, "load not picked up"),
        Dots(found(at, _texts(shed.loc[critical, "bus"])), "#e69f00", 8.0, "^", style.INK, "critical, not picked up"),
        Dots(
            found(places, _texts(devices.loc[shut, "element"])),
            style.INK,
            6.0,
            "s",
            style.PAPER,
            "device, closed in the storm",
        ),
        Dots(
            found(places, _texts(devices.loc[~shut, "element"])),
            style.PAPER,
            6.0,
            "s",
            style.INK,
            "device, open in the storm",
        ),
        Dots(found(places, failed), "#d55e00", 10.0, "X", style.PAPER, "line that fails unless hardened"),
        Dots(found(at, _texts(study.built["bus"])), SOURCE_COLOUR, 11.0, "h", style.INK, "grid-forming source"),
    ]


def _pins(study: Study, one: Telling) -> list[Pin]:
    """Each new source in an island with what it serves of its size."""
    if study.diagram is None:
        return []
    at, table = bus_places(study.diagram), study.table("islands")
    own = table[(table["scenario"] == one.scenario) & (table["source"] != SUBSTATION)]
    plan = study.table("plan").set_index("site")
    return [
        Pin(at[str(plan.at[r.source, "bus"])],
            f"{r.source}: {style.number(r.served_kw)} of {style.number(plan.at[r.source, 'kw'])} kW", True)
        for r in own.itertuples() if r.source in plan.index and str(plan.at[r.source, "bus"]) in at
    ]  # fmt: skip


def supplied(study: Study, diagram: Diagram, path: Path) -> bool:
    """How much of each section's weighted load is picked up in the mean, without and with the plan; False without."""
    names = {"pickup_without": "Without new sources", "pickup": "With the plan"}
    chances = {words: chance for name, words in names.items() if (chance := served(study, name)) is not None}
    if not chances:
        return False
    colours = style.ramp(len(SUPPLIED) + 1)
    loads = study.table("loads")
    weight = loads["kw"].to_numpy(dtype=float) * loads["weight"].to_numpy(dtype=float)
    panels = []
    for words, chance in chances.items():
        part = by_section(study, chance)
        colour = [
            colours[int(np.digitize(part[name] + EPSILON, SUPPLIED))] if name in part else style.UNKNOWN
            for name in _sections(diagram)
        ]
        mean = float(weight @ chance.to_numpy() / max(weight.sum(), 1e-9))
        caption = f"{words}: {style.percent(mean, 1)} of the weighted load is picked up in the mean"
        panels.append(Panel(caption, colour, np.ones(len(colour), dtype=bool)))
    lines = [line_entry(words, c, 4.0) for words, c in zip(_classes(SUPPLIED), colours, strict=True)]
    lines.append(line_entry("no load", style.UNKNOWN, 4.0))
    subtitle = "Part of each section's weighted load that is picked up, mean over the scenarios." + where(diagram)
    point_maps(diagram, panels, lines, "Picked up", Text("How often each section is served", subtitle), path)
    return True


# ---- parts ---------------------------------------------------------------------------------------


def _sections(diagram: Diagram) -> list[str]:
    return [str(name or "") for name in diagram.branches["section"].fillna("")]


def _flag(diagram: Diagram, column: str) -> Any:
    return diagram.branches[column].to_numpy(dtype=bool)


def _texts(values: Any) -> list[str]:
    return [str(value) for value in values]


def _elements(study: Study, what: str) -> list[str]:
    table = study.table("investments")
    return _texts(table.loc[table["what"] == what, "element"])


def _ends(study: Study) -> dict[str, tuple[str, str]]:
    devices = study.table("devices")
    ends = zip(devices["from_section"].astype(str), devices["to_section"].astype(str), strict=True)
    return dict(zip(devices["element"].astype(str), ends, strict=True))


def _classes(bounds: Sequence[float]) -> list[str]:
    text = [style.number(100 * value) for value in bounds]
    between = [f"{a}\u2013{b} %" for a, b in pairwise(text)]
    return [f"below {text[0]} %", *between, f"{text[-1]} % and more"]
