"""The figures of a restoration study; each is left out where the study has nothing to show in it."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from gridstudio.report import areas, style
from gridstudio.report.areas import Devices, Ground, Panel
from gridstudio.report.diagram import Diagram
from gridstudio.report.maps import Text
from gridstudio.report.restoration import charts
from gridstudio.report.restoration.view import Study, customers_out, look, positions, share, supply

MOST_STEPS = 8  # maps of one switching order
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


def _ground(study: Study, diagram: Diagram) -> Ground:
    devices = study.table("devices")
    row = dict(zip(diagram.branches["element"].astype(str), range(len(diagram.branches)), strict=True))
    known = devices[devices["element"].isin(row)]
    shown = Devices(
        [row[e] for e in known["element"]], [str(t) for t in known["type"]], [bool(r) for r in known["remote"]]
    )
    borders = zip(devices["section1"].astype(str), devices["section2"].astype(str), strict=True)
    tint = areas.tints(map(str, study.table("sections")["section"]), borders)
    return Ground(diagram, shown, [tint.get(str(section), "") for section in diagram.branches["section"]])


def _panel(
    study: Study, ground: Ground, storm: str, step: int, caption: str, label: Mapping[str, str], bold: str = ""
) -> Panel:
    """The network after a step; labels by element."""
    branches = ground.diagram.branches
    found, at = supply(study, storm, step), positions(study, storm, step)
    closed = [at.get(str(e), bool(c)) for e, c in zip(branches["element"], branches["closed"], strict=True)]
    row = dict(zip(branches["element"].astype(str), range(len(branches)), strict=True))
    storms = study.table("storms")
    faults = storms.loc[(storms["storm"] == storm) & (storms["role"] == "judged"), "element"].astype(str)
    named = {**{e: f"fault {e.split('.', 1)[-1]}" for e in faults}, **label}
    return Panel(
        caption=caption,
        supply=[found.get(str(section), "live") for section in branches["section"]],
        closed=np.array(closed, dtype=bool),
        faults=[row[e] for e in dict.fromkeys(faults) if e in row],
        label={row[e]: words for e, words in named.items() if e in row},
        bold=frozenset(row[e] for e in [bold] if e in row),
    )


def _where(diagram: Diagram) -> str:
    return " Computed layout: the circuit has no coordinates." if diagram.computed else ""


def _network(study: Study, folder: Path) -> Drawn:
    diagram, devices = study.diagram, study.table("devices")
    if diagram is None or not len(devices):
        return
    ground = _ground(study, diagram)
    branches = diagram.branches
    normal = dict(zip(devices["element"].astype(str), ~devices["normally_open"].astype(bool), strict=True))
    names = dict(zip(devices["element"].astype(str), devices["device"].astype(str), strict=True))
    dark = study.table("sections")
    on = dict(zip(dark["section"].astype(str), dark["supplied"].astype(bool), strict=True))
    elements = branches["element"].astype(str)
    closed = [bool(normal.get(e, c)) for e, c in zip(elements, branches["closed"], strict=True)]
    panel = Panel(
        caption="Normal state",
        supply=["live" if on.get(str(s), True) else "dead" for s in branches["section"]],
        closed=np.array(closed, dtype=bool),
        label={i: names[e] for i, e in enumerate(elements) if e in names},
    )
    about = f"{len(dark)} sections (tinted) between {len(devices)} devices."
    more = f" The first {areas.MOST_LABELS} are named." if len(devices) > areas.MOST_LABELS else ""
    text = Text("Devices and sections", about + more + _where(diagram))
    areas.area_maps(ground, [panel], 1, text, folder / "network.png")
    yield "network", folder / "network.png"


def _before_after(study: Study, folder: Path) -> Drawn:
    if study.diagram is None:
        return
    ground = _ground(study, study.diagram)
    for number, storm in enumerate(study.shown):
        orders, operations = study.of("orders", storm), study.operations(storm)
        if not len(orders):
            continue
        tripped = [e for e in str(orders["element"].iloc[0]).split(", ") if e]
        names = dict(zip(study.table("devices")["element"], study.table("devices")["device"].astype(str), strict=True))
        before = {e: f"{names.get(e, e)} trips" for e in tripped}
        after: dict[str, str] = {}
        for row in operations.itertuples():
            words = f"{row.step} {row.action} {row.device}"
            after[str(row.element)] = f"{after[row.element]}, {row.step} {row.action}" if row.element in after else words
        last = int(operations["step"].max()) if len(operations) else 0
        minute = float(operations["minute"].max()) if len(operations) else 0.0
        out = -float(orders["customers"].iloc[0])
        back = _restored(study, storm)
        panels = [
            _panel(study, ground, storm, 0, f"After the trips: {style.number(out)} customers out", before),
            _panel(
                study, ground, storm, last,
                f"After minute {style.number(minute)}: {style.number(back)} of them picked up, "
                f"{len(operations)} operation{'' if len(operations) == 1 else 's'}", after,
            ),
        ]  # fmt: skip
        text = Text(f"Storm: {storm}", f"Method: {study.label(study.best)}." + _where(study.diagram))
        path = folder / f"map_{file_name(storm, number)}.png"
        areas.area_maps(ground, panels, 2, text, path)
        yield f"map_{storm}", path


def _restored(study: Study, storm: str) -> float:
    rows = study.of("comparison", storm)
    return float(rows["customers_restored"].iloc[0]) if len(rows) else 0.0


def _steps(study: Study, folder: Path) -> Drawn:
    if study.diagram is None:
        return
    ground = _ground(study, study.diagram)
    for number, storm in enumerate(study.shown):
        operations = study.operations(storm)
        if len(operations) < 2:  # the map before and after tells it all
            continue
        kept = operations if len(operations) <= MOST_STEPS else operations.iloc[[*range(MOST_STEPS - 1), -1]]
        panels = []
        for row in kept.itertuples():
            gain = f", +{style.number(row.customers)} customers" if float(row.customers) > 0 else ""
            caption = f"{row.step}. min {style.number(row.minute)}: {row.action} {row.device}{gain}"
            element = str(row.element)
            panels.append(_panel(study, ground, storm, int(row.step), caption, {element: str(row.device)}, element))
        left_out = f" {len(operations) - len(kept)} steps are left out." if len(kept) < len(operations) else ""
        words = f"Method: {study.label(study.best)}. The network after each operation.{left_out}"
        path = folder / f"steps_{file_name(storm, number)}.png"
        columns = 4 if len(panels) > 6 or len(panels) == 4 else 3
        areas.area_maps(ground, panels, columns, Text(f"Switching order: {storm}", words), path)
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
        f"{count} independent training{'' if count == 1 else 's'}, running mean over {SMOOTH} points; every episode "
        "is a storm of the training set",
    )
    charts.training(table.astype(float), look("learned"), SMOOTH, text, folder / "training.png")
    yield "training", folder / "training.png"


# ---- cold load -----------------------------------------------------------------------------------


def cold_storms(study: Study) -> list[str]:
    """The storms whose cold load has a figure: first those in which something is picked up."""
    table = study.table("cold_load")
    curves = set(study.table("cold_load_curve")["storm"])
    picked = table[table["pickup_min"].notna()]["storm"]
    return [s for s in dict.fromkeys([*picked, *table["storm"]]) if s in curves][: len(study.shown)]


def _cold_load(study: Study, folder: Path) -> Drawn:
    table, curves = study.table("cold_load"), study.table("cold_load_curve")
    low, high = (float(study.setting("limits", f"v_{end}_pu", v)) for end, v in (("min", 0.917), ("max", 1.058)))
    normal = float(study.setting("limits", "loading_max_pu", 1.0))
    emergency = normal * float(study.setting("limits", "emergency_loading_max_pu", 1.25))
    lines = [(f"normal rating {style.percent(normal)}", normal)]
    lines += [(f"emergency {style.percent(emergency)}", emergency)] if emergency > normal else []
    for number, storm in enumerate(cold_storms(study)):
        part = table[table["storm"] == storm]
        pickups = [_pickup(row) for row in part.to_dict("records")]
        pickups.sort(key=lambda p: (not np.isfinite(p.minute), p.minute))
        deferred = sum(not np.isfinite(p.minute) for p in pickups)
        words = f"{len(pickups) - deferred} of {len(pickups)} sections picked up, {deferred} deferred to the repair"
        text = Text(f"Cold load pickup: {storm}", words + "; every instant is a power flow")
        path = folder / f"cold_load_{file_name(storm, number)}.png"
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
