"""From a utility's tables to solved OpenDSS models: one per substation, and one per cluster that ties join."""

import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gridstudio import engine
from gridstudio.build import model, network, opendss, summary
from gridstudio.build.findings import findings
from gridstudio.build.model import Circuit
from gridstudio.build.notes import COLUMNS, Note
from gridstudio.build.settings import ImportSettings
from gridstudio.build.summary import Solved
from gridstudio.build.tables import Utility, read, some
from gridstudio.domain.limits import Limits
from gridstudio.errors import InputError
from gridstudio.result import Quantity, StudyResult, disk_errors

JOB = "build"
CIRCUITS = "circuits"
Progress = Callable[[str, int, int], None]
ORIGIN = "Written by `gridstudio build utility` from the tables of a utility."


def build(
    folder: Path,
    out: Path,
    settings: ImportSettings = ImportSettings(),
    extras: Path | None = None,
    limits: Limits = Limits(),
    progress: Progress | None = None,
) -> StudyResult:
    """Write the models of the tables in ``folder`` to ``out``/circuits/NAME, solve each, and say what came of it.

    Tables: substations (one row per substation; columns of ``summary.solve``), clusters (one row per set of
    substations that ties join: the same, with its circuit: the substation's own where it stands alone), overloads
    (model, element, kind, feeder, current_a, ampacity_a, loading_pu), findings (severity, table, count, text).
    InputError if the tables cannot be used, or name what is not there.
    """
    started = time.perf_counter()
    utility = read(folder, extras)
    notes = findings(utility, settings)
    wanted = _wanted(utility, settings)
    groups: list[tuple[str, ...]] = [(name,) for name in wanted]
    joined = network.clusters(utility, wanted)
    groups += [part for part in joined if len(part) > 1]
    reading_s = time.perf_counter() - started
    solved: dict[tuple[str, ...], Solved] = {}
    for group in groups:  # in turn: reading a compiled circuit holds the interpreter, threads gain nothing (measured)
        if progress:
            progress("models", len(solved), len(groups))
        circuit = derive(utility, settings, group)
        solved[group] = write_and_solve(circuit, out / CIRCUITS / circuit.name, limits, notes, ORIGIN)
    if progress:
        progress("models", len(groups), len(groups))
    seconds = {"reading and checking": reading_s, "models": time.perf_counter() - started - reading_s}
    notes = pd.concat([notes, _engine_notes(solved)], ignore_index=True)
    return _result(utility, settings, limits, wanted, joined, solved, notes, seconds)


def derive(utility: Utility, settings: ImportSettings, group: Sequence[str]) -> Circuit:
    """The circuit of a substation or of a cluster, named after its substations."""
    name = "_".join(part.lower() for part in group)
    title = f"Substation {group[0]}" if len(group) == 1 else f"Substations {', '.join(group)}, which ties join"
    return model.derive(utility, settings, group, name, title)


def write_and_solve(circuit: Circuit, folder: Path, limits: Limits, notes: pd.DataFrame, origin: str) -> Solved:
    """The files of a model in ``folder``, its power flows, and its README with what they gave."""
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in opendss.write(circuit).items():
            (folder / name).write_text(text, encoding="utf-8")
    solved = summary.solve(circuit, folder, limits)
    with disk_errors(folder):
        (folder / "README.md").write_text(summary.readme(circuit, solved, notes, origin), encoding="utf-8")
    return solved


def _wanted(utility: Utility, settings: ImportSettings) -> list[str]:
    """The substations to import, in the order of the tables; those without customers are left out."""
    names = list(utility["substations"]["substation_id"])
    unknown = sorted(set(settings.substations) - set(names))
    if unknown:
        raise InputError(f"There is no substation {some(unknown)}: known are {some(names, 20)}.")
    transformers = utility["transformers"]
    loaded = transformers["transformer_id"].isin(utility["customers"]["transformer_id"].unique())
    fed = set(transformers.loc[loaded, "substation_id"])
    wanted = [name for name in names if name in (settings.substations or names) and name in fed]
    if not wanted:
        raise InputError("None of the substations asked for has a customer: there is nothing to model.")
    return wanted


def _engine_notes(solved: dict[tuple[str, ...], Solved]) -> pd.DataFrame:
    """What the engine remarks on the models, each text once."""
    texts: dict[str, int] = {}
    for one in solved.values():
        for text in one.findings:
            texts[text] = texts.get(text, 0) + 1
    return pd.DataFrame([Note("warning", "models", count, text) for text, count in texts.items()], columns=COLUMNS)


def _result(
    utility: Utility,
    settings: ImportSettings,
    limits: Limits,
    wanted: list[str],
    joined: list[tuple[str, ...]],
    solved: dict[tuple[str, ...], Solved],
    notes: pd.DataFrame,
    seconds: dict[str, float],
) -> StudyResult:
    single = pd.DataFrame([solved[(name,)].row for name in wanted])
    unsound = int((~(single["converged"] & single["energised"])).sum())
    return StudyResult(
        job=JOB,
        title=f"Models of {len(wanted)} substations",
        settings={"from": utility.folder.name, **vars(settings), "limits": vars(limits).copy()},
        headline=headline(single, len(joined), notes),
        tables={
            "substations": single,
            "clusters": pd.DataFrame([solved[part].row for part in joined]),
            "overloads": pd.concat([solved[(name,)].overloads for name in wanted], ignore_index=True),
            "findings": notes,
        },
        violations_left=unsound,
        provenance={
            "versions": {"engine": engine.version()},
            "inputs": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in utility.paths.values()},
            "power_flows": sum(one.power_flows for one in solved.values()),
            "not_converged": sum(one.not_converged for one in solved.values()),
            "seconds": {name: round(value, 3) for name, value in seconds.items()},
        },
    )


def headline(rows: pd.DataFrame, clusters: int, notes: pd.DataFrame) -> dict[str, Quantity]:
    """The sums over the models, and their extremes."""
    lowest, worst = rows.loc[rows["v_min_pu"].idxmin()], rows.loc[rows["worst_loading_pu"].idxmax()]
    sound = int((rows["converged"] & rows["energised"]).sum())
    return {
        "models": Quantity("Models", len(rows)),
        "sound": Quantity("of them solved with every load energised", sound),
        "clusters": Quantity("Clusters that ties join, with those that stand alone", clusters),
        "buses": Quantity("Buses", int(rows["buses"].sum())),
        "lines": Quantity("Lines", int(rows["lines"].sum())),
        "customers": Quantity("Customers", int(rows["customers"].sum())),
        "load_kw": Quantity("Peak load", float(rows["load_mw"].sum()) * 1000.0, "kW"),
        "losses_kw": Quantity("Losses at peak", float(rows["losses_mw"].sum()) * 1000.0, "kW"),
        "v_min_pu": Quantity(f"Lowest voltage, in {lowest['model']}", float(lowest["v_min_pu"]), "pu"),
        "overloads": Quantity("Elements above their rating at peak", int(np.sum(rows["overloads"]))),
        "loading_max_pu": Quantity(
            f"Highest loading, {worst['worst_element']} in {worst['model']}", float(worst["worst_loading_pu"]), "pu"
        ),
        "findings": Quantity("Findings", len(notes)),
        "warnings": Quantity("of them warnings", int(notes["severity"].eq("warning").sum())),
    }
