"""The figures of a restoration study; each is left out where the study has nothing to show in it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from gridstudio.report import areas, style
from gridstudio.report.areas import Devices, Ground, Panel
from gridstudio.report.diagram import Diagram
from gridstudio.report.maps import Text, short
from gridstudio.report.restoration import charts
from gridstudio.report.restoration.view import Course, Study, course, customers_out, look, share

MOST_STEPS = 8  # maps of one switching order
MOST_ORDERS = 3  # storms with a map of each operation
MOST_COLD = 3  # storms with a figure of their cold load
MOST_SECTIONS = 30  # named on the map of the network
MOST_NAMED = 12  # faults named on a map
SMOOTH = 10  # points of a training curve
Drawn = Iterator[tuple[str, Path]]


def draw_figures(study: Study, folder: Path) -> dict[str, Path]:
    """Draw all figures into a folder; gives their paths by name."""
    parts = (_methods, _storms, _network, _before_after, _steps, _customers_out, _training, _cold_load)
    return {name: path for part in parts for name, path in part(study, folder)}


def file_name(storm: str, number: int) -> str:
    """A storm's name as part of a file's name; the number keeps them apart."""
    return f"{number + 1}_{re.sub(r'[^A-Za-z0-9_-]+', '_', storm)[:50]}"


# ---- methods -------------------------------------------------------------------------------------


def _methods(study: Study, folder: Path) -> Drawn:
    means = study.table("means")
    if not len(means):
        return
    crew = means.loc[means["method"] == "none", "customer_minutes"]
    bars = []
    for row in means.itertuples():
        note = share(float(row.customer_minutes), float(crew.iloc[0])) if len(crew) and row.method != "none" else ""
        bars.append(
            charts.Bar(
                label=study.label(row.method),
                look=look(str(row.method)),
                minutes=float(row.customer_minutes),
                spread=float(row.customer_minutes_std),
                restored=float(row.customers_restored),
                note=note,
                broken=int(row.violations),
            )
        )
    storms = int(means["storms"].max())
    title = f"The methods over {storms} storm{'' if storms == 1 else 's'}"
    text = Text(title, "One judge and one clock for all. Whisker: standard deviation over the trainings.")
    charts.methods(bars, storms, text, folder / "methods.png")
    yield "methods", folder / "methods.png"


def _storms(study: Study, folder: Path) -> Drawn:
    compared = study.table("comparison")
    if "none" not in study.methods or len(study.methods) < 2:
        return
    minutes = compared.pivot_table(index="storm", columns="method", values="customer_minutes", sort=False)
    crew = minutes["none"].astype(float)
    shares = minutes[[m for m in study.methods if m != "none"]].astype(float).div(crew.where(crew > 0), axis=0)
    over = compared[compared["violations"].astype(int) > 0]
    broken = set(zip(over["storm"].astype(str), over["method"].astype(str), strict=True))
    more = f" The first {charts.MOST_ROWS} of {len(shares)}." if len(shares) > charts.MOST_ROWS else ""
    text = Text("Every storm", f"Customer-minutes against crews only; hollow marks break a limit.{more}")
    names = {m: study.label(m) for m in shares.columns}
    path = folder / "storms.png"
    charts.storms(shares, names, {m: look(m) for m in names}, broken, text, path)
    yield "storms", path


# ---- maps ----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Land:
    """What the maps of a study share: ground, row of each element, section and normal position of each branch."""

    ground: Ground
    row: dict[str, int]
    elements: list[str]
    sections: list[str]
    closed: list[bool]


def _land(study: Study, diagram: Diagram) -> Land:
    branches, devices = diagram.branches, study.table("devices")
    elements = [str(e) for e in branches["element"]]
    row = {element: i for i, element in enumerate(elements)}
    known = devices[devices["element"].isin(row)]
    shown = Devices(
        [row[e] for e in known["element"]], [str(t) for t in known["type"]], [bool(r) for r in known["remote"]]
    )
    borders = zip(devices["section1"].astype(str), devices["section2"].astype(str), strict=True)
    tint = areas.tints(map(str, study.table("sections")["section"]), borders)
    sections = [str(section) for section in branches["section"]]
    ground = Ground(diagram, shown, [tint.get(section, "") for section in sections])
    return Land(ground, row, elements, sections, [bool(c) for c in branches["closed"]])


def _panel(
    land: Land,
    told: Course,
    step: int,
    caption: str,
    label: Mapping[str, str],
    faults: Sequence[str] = (),
    bold: str = "",
) -> Panel:
    """The network after a step; labels by element."""
    found, at = told.supply(step), told.closed(step)
    named = {**{e: f"fault {e.split('.', 1)[-1]}" for e in faults[:MOST_NAMED]}, **label}
    return Panel(
        caption=caption,
        supply=[found.get(section, "live") for section in land.sections],
        closed=np.array([at.get(e, c) for e, c in zip(land.elements, land.closed, strict=True)], dtype=bool),
        faults=[land.row[e] for e in faults if e in land.row],
        label={land.row[e]: words for e, words in named.items() if e in land.row},
        bold=frozenset(land.row[e] for e in [bold] if e in land.row),
    )


def _faults(study: Study, storm: str) -> list[str]:
    storms = study.table("storms")
    mine = storms.loc[(storms["storm"] == storm) & (storms["role"] == "judged"), "element"]
    return list(dict.fromkeys(str(element) for element in mine))


def _where(diagram: Diagram) -> str:
    return " Computed layout: the circuit has no coordinates." if diagram.computed else ""


def _network(study: Study, folder: Path) -> Drawn:
    diagram, devices = study.diagram, study.table("devices")
    if diagram is None or not len(devices):
        return
    land, sections = _land(study, diagram), study.table("sections")
    shown = devices if len(devices) <= areas.MOST_LABELS else devices[devices["type"] != "fuse"]
    named = zip(shown["element"].astype(str), shown["device"].astype(str), strict=True)
    label = {land.row[e]: name for e, name in named if e in land.row}
    if len(sections) <= MOST_SECTIONS:
        label = _section_labels(land, sections, set(label)) | label
    pale = frozenset(row for row, words in label.items() if ": " in words)
    panel = replace(_panel(land, course(study, ""), 0, "Normal state", {}), label=label, pale=pale)
    grey = "; grey: section and its customers" if pale else ""
    about = f"{len(sections)} sections (tinted{grey}) between {len(devices)} devices."
    more = " Fuses are not named." if len(shown) < len(devices) else ""
    more += f" The first {areas.MOST_LABELS} are named." if len(label) > areas.MOST_LABELS else ""
    text = Text("Devices and sections", about + more + _where(diagram))
    areas.area_maps(land.ground, [panel], 1, text, folder / "network.png")
    yield "network", folder / "network.png"


def _section_labels(land: Land, sections: pd.DataFrame, taken: set[int]) -> dict[int, str]:
    """Each section with customers named at the branch nearest to its middle."""
    found = {}
    names = np.array(land.sections, dtype=object)
    for name, customers in zip(sections["section"].astype(str), sections["customers"], strict=True):
        rows = [int(i) for i in np.flatnonzero(names == name) if int(i) not in taken]
        if rows and float(customers) > 0:
            at = land.ground.diagram.anchor[rows]
            nearest = rows[int(np.argmin(((at - at.mean(axis=0)) ** 2).sum(axis=1)))]
            found[nearest] = f"{short(name)}: {style.number(customers)}"
    return found


def _before_after(study: Study, folder: Path) -> Drawn:
    if study.diagram is None:
        return
    land = _land(study, study.diagram)
    devices = study.table("devices")
    names = dict(zip(devices["element"].astype(str), devices["device"].astype(str), strict=True))
    for number, storm in enumerate(study.shown):
        told, faults = course(study, storm), _faults(study, storm)
        if not told.orders:
            continue
        first, *operations = told.orders
        before = {e: f"{names.get(e, e)} trips" for e in str(first["element"]).split(", ") if e}
        after: dict[str, str] = {}
        for row in operations:
            e, words = str(row["element"]), f"{row['step']} {row['action']}"
            after[e] = f"{after[e]}, {words}" if e in after else f"{words} {row['device']}"
        minute = max((float(row["minute"]) for row in operations), default=0.0)
        back = style.number(_restored(study, storm))
        count = f"{len(operations)} operation{'' if len(operations) == 1 else 's'}"
        left = f"After the trips: {style.number(-float(first['customers']))} customers out"
        right = f"After minute {style.number(minute)}: {back} of them picked up, {count}"
        panels = [_panel(land, told, 0, left, before, faults), _panel(land, told, told.last, right, after, faults)]
        text = Text(f"Storm: {storm}", f"Method: {study.label(study.best)}." + _where(study.diagram))
        path = folder / f"map_{file_name(storm, number)}.png"
        areas.area_maps(land.ground, panels, 2, text, path)
        yield f"map_{storm}", path


def _restored(study: Study, storm: str) -> float:
    rows = study.of("comparison", storm)
    return float(rows["customers_restored"].iloc[0]) if len(rows) else 0.0


def _steps(study: Study, folder: Path) -> Drawn:
    if study.diagram is None:
        return
    land = _land(study, study.diagram)
    busy = [storm for storm in study.shown if len(study.operations(storm)) > 1]  # else before and after tell it all
    for storm in busy[:MOST_ORDERS]:
        told, faults = course(study, storm), _faults(study, storm)
        operations = told.orders[1:]
        kept = operations if len(operations) <= MOST_STEPS else [*operations[: MOST_STEPS - 1], operations[-1]]
        panels = []
        for row in kept:
            gain = f", +{style.number(row['customers'])} customers" if float(row["customers"]) > 0 else ""
            caption = f"{row['step']}. min {style.number(row['minute'])}: {row['action']} {row['device']}{gain}"
            e = str(row["element"])
            panel = _panel(land, told, int(row["step"]), caption, {e: str(row["device"])}, faults, bold=e)
            panels.append(replace(panel, label={i: words for i, words in panel.label.items() if i in panel.bold}))
        left_out = f" {len(operations) - len(kept)} steps are left out." if len(kept) < len(operations) else ""
        words = f"Method: {study.label(study.best)}. The network after each operation.{left_out}"
        path = folder / f"steps_{file_name(storm, study.shown.index(storm))}.png"
        columns = 4 if len(panels) > 6 or len(panels) == 4 else 3
        areas.area_maps(land.ground, panels, columns, Text(f"Switching order: {storm}", words), path)
        yield f"steps_{storm}", path


# ---- over time -----------------------------------------------------------------------------------


def _customers_out(study: Study, folder: Path) -> Drawn:
    outages = study.table("outages")
    for number, storm in enumerate(study.shown):
        mine = outages[outages["storm"] == storm]
        lines = []
        for method in study.methods:
            of_method = mine[mine["method"] == method]
            for k, (_, part) in enumerate(of_method.groupby("seed", sort=True)):
                lines.append(charts.Line(study.label(method), look(method), customers_out(part), faint=k > 0))
        best = next((x for x in lines if x.label == study.label(study.best)), None)
        if best is None or not mine["out"].astype(bool).any():
            continue
        end = max(float(np.nanmax(mine["repaired_min"].to_numpy(dtype=float))), 1.0) * 1.04
        marks = _marks(study.operations(storm))
        text = Text(
            f"Customers out: {storm}",
            f"One clock for all methods; labelled: the operations of the method {study.label(study.best)}",
        )
        path = folder / f"customers_out_{file_name(storm, number)}.png"
        charts.customers_out(lines, best, marks, end, text, path)
        yield f"customers_out_{storm}", path


def _marks(operations: pd.DataFrame) -> list[charts.Mark]:
    marks = []
    for row in operations.itertuples():
        gain = f" +{style.number(row.customers)}" if float(row.customers) > 0 else ""
        by_hand = ", by hand" if row.control == "manual" else ""
        words = f"{row.step} {row.action} {row.device}{by_hand}{gain}"
        marks.append(charts.Mark(float(row.minute), words))
    return marks


def _training(study: Study, folder: Path) -> Drawn:
    table = study.table("training")
    if not len(table):
        return
    count = table["seed"].nunique()
    text = Text(
        "Training of the learned method",
        f"{count} independent training{'' if count == 1 else 's'} on storms that are not judged; above zero: better "
        f"than greedy; running mean over {SMOOTH} points",
    )
    charts.training(table.astype(float), look("learned"), SMOOTH, text, folder / "training.png")
    yield "training", folder / "training.png"


# ---- cold load -----------------------------------------------------------------------------------


def cold_storms(study: Study) -> list[str]:
    """The storms whose cold load has a figure: first those in which something is picked up."""
    table = study.table("cold_load")
    curves = set(study.table("cold_load_curve")["storm"]) & set(study.storms)
    picked = table[table["pickup_min"].notna()]["storm"]
    return [s for s in dict.fromkeys([*picked, *table["storm"]]) if s in curves][:MOST_COLD]


def _cold_load(study: Study, folder: Path) -> Drawn:
    table, curves = study.table("cold_load"), study.table("cold_load_curve")
    low, high = (float(study.setting("limits", f"v_{end}_pu", v)) for end, v in (("min", 0.917), ("max", 1.058)))
    normal = float(study.setting("limits", "loading_max_pu", 1.0))
    emergency = normal * float(study.setting("limits", "emergency_loading_max_pu", 1.25))
    lines = [(f"normal rating {style.percent(normal)}", normal)]
    lines += [(f"emergency {style.percent(emergency)}", emergency)] if emergency > normal else []
    for storm in cold_storms(study):
        part = table[table["storm"] == storm]
        pickups = [_pickup(row) for row in part.to_dict("records")]
        pickups.sort(key=lambda p: (not np.isfinite(p.minute), p.minute))
        deferred = sum(not np.isfinite(p.minute) for p in pickups)
        words = f"{len(pickups) - deferred} of {len(pickups)} sections picked up, {deferred} deferred to the repair"
        text = Text(f"Cold load pickup: {storm}", words + "; every instant is a power flow")
        path = folder / f"cold_load_{file_name(storm, study.storms.index(storm))}.png"
        charts.cold_load(curves[curves["storm"] == storm], pickups, (low, high), lines, text, path)
        yield f"cold_load_{storm}", path


def _pickup(row: Mapping[str, object]) -> charts.Pickup:
    minute = float(row["pickup_min"])  # type: ignore[arg-type]
    if not np.isfinite(minute):
        return charts.Pickup(str(row["section"]), minute, f"{style.number(row['kw'])} kW, deferred to the repair")
    waited = float(row["waited_min"])  # type: ignore[arg-type]
    wait = f", waits {style.number(waited)} min" if waited > 0 else ""
    words = f"{style.number(row['kw'])} kW \u00d7 {style.number(row['factor'], 1)}, minute {style.number(minute)}{wait}"
    return charts.Pickup(str(row["section"]), minute, words)
