"""The figures of a mitigation study; each is left out where the study has nothing to show in it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridstudio.report import arrange, points, style
from gridstudio.report import charts as common
from gridstudio.report.maps import Text, short
from gridstudio.report.mitigation import charts
from gridstudio.report.mitigation.charts import Cost, Course, Loading
from gridstudio.report.mitigation.view import KINDS, Study, family, measure_name
from gridstudio.report.points import Dots, Panel, Pin
from gridstudio.report.sheet import line_entry

MOST_MEASURES = 18  # of the waterfall
MOST_PINS = 18
MOST_BRANCHES = 20
LIVE_PU = 0.1  # below it a node has no voltage
Drawn = Iterator[tuple[str, Path]]
Floats = NDArray[np.float64]


def draw_figures(study: Study, folder: Path) -> dict[str, Path]:
    """Draw all figures into a folder; gives their paths by name."""
    parts = (_map, _costs, _course, _voltages, _loadings)
    return {name: path for part in parts for name, path in part(study, folder)}


# ---- map ------------------------------------------------------------------------------------------


def _map(study: Study, folder: Path) -> Drawn:
    if study.diagram is None:
        return
    bands = style.loading_bands(study.loading_max_pu)
    lines = [line_entry(b.label, b.colour, 4.0 if b.over else 2.0) for b in bands]
    lines.append(line_entry("not rated", style.UNKNOWN, 2.0))
    panels = [_state(study, bands, "before"), _state(study, bands, "after")]
    text = Text(
        "The feeder before and after",
        "Highest loading and voltages out of band over all scenarios and hours; measures by their number in the plan."
        + points.where(study.diagram),
    )
    points.point_maps(study.diagram, panels, lines, "Loading", text, folder / "map.png")
    yield "map", folder / "map.png"


def _state(study: Study, bands: list[style.Band], when: str) -> Panel:
    diagram = study.diagram
    assert diagram is not None
    branches = diagram.branches
    value = branches[f"loading_{when}_pu"].to_numpy(dtype=float)
    limit = branches["limit_pu"].to_numpy(dtype=float)
    over = np.nan_to_num(value) > np.where(np.isfinite(limit), limit, np.inf) * (1 + 1e-9)
    colour = [bands[k].colour if k >= 0 else style.UNKNOWN for k in (style.band_of(v, bands) for v in value)]
    dots = _out_of_band(study, when)
    apparatus = np.flatnonzero(over & (branches["kind"] != "line").to_numpy())
    dots += [Dots(diagram.anchor[[row]], colour[row], 8.0, "D", style.INK) for row in apparatus]
    pins: list[Pin] = []
    if when == "after":
        dots, pins = [*dots, *_measures(study)], _pins(study)
    count = study.before if when == "before" else study.after
    words = f"{'Before' if when == 'before' else 'After'}: {style.number(count)} violation{'' if count == 1 else 's'}"
    return Panel(f"{words}, {int(over.sum())} branches above their limit", colour, over, dots, pins)


def _out_of_band(study: Study, when: str) -> list[Dots]:
    assert study.diagram is not None
    buses, found = study.diagram.buses["bus"].astype(str), study.table(f"violations_{when}")
    named = {kind: set(rows["element"].astype(str)) for kind, rows in found.groupby("kind")} if len(found) else {}
    low, high = (buses.isin(named.get(kind, set())).to_numpy() for kind in ("undervoltage", "overvoltage"))
    apart = 5.0 if (low & high).any() else 0.0  # a bus may be both, at different hours or on different phases
    sides = ((low, "v", "#0072b2", "bus too low", -apart), (high, "^", "#e69f00", "bus too high", apart))
    return [
        Dots(study.diagram.xy[mask], colour, 6.4, marker, style.INK, label, (0.0, shift))
        for mask, marker, colour, label, shift in sides
        if mask.any()
    ]


def _places(study: Study) -> list[Floats | None]:
    """Where each measure of the plan stands: at its branch, between its buses, at its bus."""
    assert study.diagram is not None
    branch, bus = points.branch_places(study.diagram), points.bus_places(study.diagram)
    found: list[Floats | None] = []
    for element, a, b in zip(study.plan["element"], study.plan["bus1"], study.plan["bus2"], strict=True):
        ends = [bus[str(name)] for name in (a, b) if str(name) in bus]
        middle = np.mean(ends, axis=0) if ends else None
        found.append(branch.get(str(element), middle))
    return found


def _measures(study: Study) -> list[Dots]:
    places = _places(study)
    families = [family(measure) for measure in study.plan["measure"]]
    found: list[Dots] = []
    for kind in dict.fromkeys(families):
        at = [place for place, mine in zip(places, families, strict=True) if mine == kind and place is not None]
        if at:
            found.append(Dots(np.array(at), kind.colour, 9.5, kind.marker, style.PAPER, f"measure: {kind.label}"))
    return found


def _pins(study: Study) -> list[Pin]:
    found: list[Pin] = []
    for row, place in zip(study.plan.to_dict("records"), _places(study), strict=True):
        if place is not None and len(found) < MOST_PINS:
            words = f"{row['number']} {measure_name(row['measure'])}"
            found.append(Pin(place, words, bold=row["number"] == 1))
    return found


# ---- cost -----------------------------------------------------------------------------------------


def _costs(study: Study, folder: Path) -> Drawn:
    plan, kinds = study.plan, study.table("cost_by_measure")
    if not len(plan) or not len(kinds):
        return
    total = max(study.cost_usd, 1e-9)
    shown = [
        Cost(
            f"{row['number']}  {short(row['element'])}: {measure_name(row['measure'])}",
            float(row["cost_usd"]),
            f"{style.number(row['cost_usd'])} ({_share(float(row['cost_usd']) / total)})",
            family(row["measure"]).colour,
        )
        for row in plan.head(MOST_MEASURES).to_dict("records")
    ]
    rest = plan.iloc[MOST_MEASURES:]
    if len(rest):
        cost = float(rest["cost_usd"].sum())
        words = f"{style.number(cost)} ({_share(cost / total)})"
        shown.append(Cost(f"{len(rest)} cheaper measures", cost, words, style.MUTED))
    ranked = kinds.sort_values("cost_usd", ascending=False, kind="stable")
    by_kind = [
        Cost(
            measure_name(row["measure"]),
            float(row["cost_usd"]),
            f"{style.number(row['cost_usd'])} for {style.number(row['measures'])}",
            family(row["measure"]).colour,
        )
        for row in ranked.to_dict("records")
    ]
    text = Text("What the plan costs", "Costs of the catalogue; the dearest measure first")
    charts.costs(shown, by_kind, text, folder / "costs.png")
    yield "costs", folder / "costs.png"


def _share(part: float) -> str:
    return "below 1 %" if 0 < part < 0.01 else style.percent(part)


# ---- step by step ---------------------------------------------------------------------------------


def _course(study: Study, folder: Path) -> Drawn:
    steps, every = study.steps(), study.table("steps")
    if not len(steps):
        return
    done = every["accepted"].astype(bool)
    first = float(steps["plan_cost_usd"].iloc[0]) - float(steps["cost_usd"].iloc[0])
    found = Course(
        study.counts(),
        np.append(first, steps["plan_cost_usd"].to_numpy(dtype=float)),
        [str(phase) for phase in steps["phase"]],
        [int(k) for k in done.cumsum()[~done]],
    )
    words = "Nodes and branches over a limit, added over all scenarios and hours"
    text = Text("Violations and cost, step by step", words)
    charts.course(found, KINDS, text, folder / "steps.png")
    yield "steps", folder / "steps.png"


# ---- voltages, loadings ---------------------------------------------------------------------------


def _voltages(study: Study, folder: Path) -> Drawn:
    table = study.table("voltages")
    if not len(table):
        return
    branches = study.table("network_branches")
    for name, (scenario, hour) in _cases(study, table).items():
        nodes = table[(table["scenario"] == scenario) & (table["hour"] == hour)]
        live = nodes[["v_before_pu", "v_after_pu"]].where(nodes[["v_before_pu", "v_after_pu"]] > LIVE_PU)
        shape = arrange.profile(nodes.assign(**{column: live[column] for column in live}), branches)
        words = f"Scenario {scenario}, hour {hour}: where the {name} voltage is before the plan"
        panels = {"Before": "v_before_pu", "After": "v_after_pu"}
        path = folder / f"voltages_{name}.png"
        text = Text("Voltages against the distance from the source", words)
        common.voltage_profile(shape, panels, study.limits_pu, text, path)
        yield f"voltages_{name}", path


def _cases(study: Study, table: pd.DataFrame) -> dict[str, tuple[object, object]]:
    """The scenario and hour of the lowest and of the highest voltage; the latter only if it is out of band."""
    v = table["v_before_pu"].astype(float).where(table["v_before_pu"].astype(float) > LIVE_PU)
    if not v.notna().any():
        return {}
    low, high = table.loc[v.idxmin()], table.loc[v.idxmax()]
    cases = {"lowest": (low["scenario"], low["hour"]), "highest": (high["scenario"], high["hour"])}
    below, above = v.min() < study.limits_pu[0], v.max() > study.limits_pu[1]
    if above and not below:
        return {"highest": cases["highest"]}
    return cases if above and cases["highest"] != cases["lowest"] else {"lowest": cases["lowest"]}


def _loadings(study: Study, folder: Path) -> Drawn:
    table = study.table("loadings")
    if not len(table):
        return
    columns = ["loading_before_pu", "loading_after_pu", "limit_pu"]
    worst = table.groupby("element", sort=False)[columns].max().astype(float).dropna()
    if not len(worst):
        return
    part = worst["loading_before_pu"] / worst["limit_pu"].replace(0.0, np.nan)
    ranked = worst.loc[part.sort_values(ascending=False, kind="stable").index].head(MOST_BRANCHES)
    done = dict(zip(study.plan["element"].astype(str), study.plan["measure"], strict=True))
    number = dict(zip(study.plan["element"].astype(str), study.plan["number"], strict=True))
    found = []
    for name, (before, after, limit) in zip(map(str, ranked.index), ranked.to_numpy().tolist(), strict=True):
        words = f"{number[name]} {measure_name(done[name])}" if name in done else ""
        found.append(Loading(name, before, after, limit, words))
    more = f"The {len(found)} highest of {len(worst)} branches, in the scenarios shown"
    charts.loadings(found, Text("Loading before and after", more), folder / "loadings.png")
    yield "loadings", folder / "loadings.png"
