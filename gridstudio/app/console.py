"""What the command line shows: progress while it works, then tables that fit a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    import pandas as pd

    from gridstudio.result import Quantity, StudyResult

PHASES = {
    "before": "power flows of the circuit as it is",
    "after": "power flows with the plan",
    "voltage": "power flows of voltage moves",
    "joint": "power flows of the joint search",
    "robust": "robust plans",
    "regret": "regrets of own plans",
}
MOST_ROWS = 12


class Display:
    """Standard output for results, standard error for progress; quiet keeps standard output for JSON."""

    def __init__(self, quiet: bool = False):
        self._out = Console(quiet=quiet, highlight=False)
        self._err = Console(stderr=True, quiet=quiet)

    @contextmanager
    def progress(self) -> Iterator[Callable[[str, int, int], None]]:
        """A bar per phase; trajectories done of how many."""
        bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._err,
            transient=True,
        )
        tasks: dict[str, int] = {}

        def tell(phase: str, done: int, total: int) -> None:
            if phase not in tasks:
                tasks[phase] = bars.add_task(PHASES.get(phase, phase), total=total)
            bars.update(tasks[phase], completed=done, total=total)  # type: ignore[arg-type]

        with bars:
            yield tell

    @contextmanager
    def busy(self, what: str) -> Iterator[None]:
        """A spinner."""
        with self._err.status(what):
            yield

    def findings(self, findings: list[tuple[str, str]]) -> None:
        """What is remarkable about a circuit."""
        for severity, text in findings:
            self._out.print(f"[yellow]{severity}[/yellow]: ", end="")
            self._out.print(text, markup=False)

    def studies(self, rows: list[tuple[str, str, str]]) -> None:
        """The list of studies."""
        table = Table("study", "job", "title", box=None, header_style="bold")
        for row in rows:
            table.add_row(*row)
        self._out.print(table)

    def flow(self, found: "StudyResult", folder: Path | None) -> None:
        """One power flow."""
        self._headline(found)
        violations = found.tables["violations"]
        if len(violations):
            self._out.print(f"\n[bold]{len(violations)} violations[/bold]")
            self._rows(violations, {"value": "{:.5g}", "limit": "{:.5g}"})
        else:
            self._out.print("\nNo violation.")
        if folder is not None:
            self._out.print(f"\nMap and tables: {folder / 'report.html'}", soft_wrap=True)

    def result(self, found: "StudyResult", folder: Path, seconds: dict[str, float], total: float) -> None:
        """The headline, the plan, what remains, where the time went, where the report is."""
        self._headline(found)
        if found.job == "restoration":
            self._restoration(found)
        if found.job == "islanding":
            self._islanding(found)
        if (robust := found.tables.get("robust")) is not None and len(robust):
            self._commitment(str(robust["measure"].iloc[0]), found.tables["robust_interventions"])
        left = found.tables.get("violations_after")
        if left is not None and len(left):
            self._out.print(f"\n[bold]{len(left)} violations remain[/bold], by cause:")
            self._causes(left)
        self._time(found, seconds, total)
        self._out.print(f"\nReport: {folder / 'report.html'}", soft_wrap=True)

    def _headline(self, found: "StudyResult") -> None:
        self._out.print(f"[bold]{found.title}[/bold]")
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column()
        table.add_column(justify="right")
        table.add_column()
        for quantity in found.headline.values():
            table.add_row(quantity.label, _text(quantity), quantity.unit)
        self._out.print(table)

    def _rows(self, frame: "pd.DataFrame", formats: dict[str, str], most: int = MOST_ROWS) -> None:
        table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
        for column in frame.columns:
            table.add_column(str(column), justify="right" if frame[column].dtype.kind in "if" else "left")
        for row in frame.head(most).itertuples(index=False, name=None):
            cells = zip(frame.columns, row, strict=True)
            table.add_row(*(formats.get(str(column), "{}").format(value) for column, value in cells))
        self._out.print(table)
        if len(frame) > most:
            self._out.print(f"... and {len(frame) - most} more in the tables")

    def _commitment(self, measure: str, interventions: "pd.DataFrame") -> None:
        """The plan to commit to by the first measure."""
        best = interventions[interventions["measure"] == measure]
        self._out.print(f"\n[bold]Plan to commit to[/bold] (by {measure})")
        if best.empty:
            self._out.print("Nothing is to be replaced now.")
            return
        shown = best[["year", "line", "length_m", "from", "to", "cost_usd"]]
        self._rows(shown, {"length_m": "{:.0f}", "cost_usd": "{:,.0f}"}, most=40)

    def _restoration(self, found: "StudyResult") -> None:
        """The methods, and the first storm's order sheet by the method that is named last (the most thorough one)."""
        means, orders = found.tables["means"], found.tables["orders"]
        if not len(means):
            return
        self._out.print("\n[bold]Methods[/bold] (sums over the storms; operations: mean; violations: storms with any)")
        columns = {
            "label": "method", "customers_restored": "picked up", "customer_minutes": "cust.-min",
            "ens_kwh": "kWh lost", "operations": "operations", "violations": "violations",
        }  # fmt: skip
        formats = dict.fromkeys(("picked up", "cust.-min", "kWh lost"), "{:,.0f}") | {"operations": "{:.1f}"}
        self._rows(means[list(columns)].rename(columns=columns), formats)
        if not len(orders):
            return
        storm, method, label = orders["storm"].iloc[0], means["method"].iloc[-1], means["label"].iloc[-1]
        sheet = orders[(orders["storm"] == storm) & (orders["method"] == method)]
        sheet = sheet[sheet["seed"] == sheet["seed"].min()]
        names = [name if len(name) <= 24 else f"{name.count(',') + 1} devices" for name in sheet["device"]]
        sheet = sheet.assign(device=names)
        self._out.print("\n[bold]Switching order[/bold]: ", end="")
        self._out.print(f"{storm} ({label})", markup=False)
        columns = {
            "step": "step", "minute": "min", "action": "action", "device": "device", "control": "control",
            "customers": "cust.", "kw": "kW", "v_min_pu": "V min", "loading_max_pu": "loading",
        }  # fmt: skip
        formats = dict.fromkeys(("min", "cust.", "kW"), "{:.0f}") | {"V min": "{:.4f}", "loading": "{:.3f}"}
        self._rows(sheet[list(columns)].rename(columns=columns), formats, most=40)

    def _islanding(self, found: "StudyResult") -> None:
        """How long each zone lasts from the hours that the study names; customers served in the first hour."""
        table = found.tables["by_start"]
        named = table[table["named"].astype(bool)].sort_values("start_hour", kind="stable")
        if not len(named):
            return
        self._out.print("\n[bold]Islands[/bold]")
        columns = {
            "start_hour": "from", "zone": "zone", "can_island": "can island", "hours_all_load": "h all load",
            "hours_with_shedding": "h shedding", "customers_served": "served", "customers": "of",
        }  # fmt: skip
        hours = dict.fromkeys(("h all load", "h shedding"), "{:.1f}")
        formats = hours | dict.fromkeys(("served", "of"), "{:.0f}")
        shown = named[list(columns)].rename(columns=columns)
        self._rows(shown.replace({"can island": {True: "yes", False: "no"}}), formats, most=40)

    def _causes(self, left: "pd.DataFrame") -> None:
        """One row per kind and cause, with the worst value."""
        table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
        for column in ("count", "kind", "worst", "limit", "cause"):
            table.add_column(column, justify="left" if column in ("kind", "cause") else "right")
        for (kind, cause), group in left.groupby(["kind", "cause"], sort=False):
            worst = group.loc[(group["value"] - group["limit"]).abs().fillna(0.0).idxmax()]
            amounts = (f"{worst[key]:.5g} {worst['unit']}" for key in ("value", "limit"))
            table.add_row(str(len(group)), str(kind), *amounts, str(cause))
        self._out.print(table)

    def _time(self, found: "StudyResult", seconds: dict[str, float], total: float) -> None:
        self._out.print(f"\n[bold]Where the {total:.1f} s went[/bold]")
        table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
        table.add_column("phase")
        table.add_column("seconds", justify="right")
        table.add_column("power flows", justify="right")
        rows = [("start", seconds["start"], 0)]
        timing = found.tables.get("timing")
        if timing is not None:
            rows += list(timing[["phase", "seconds", "power_flows"]].itertuples(index=False, name=None))
        rows += [(name, value, 0) for name, value in seconds.items() if name != "start"]
        rows.append(("the rest", total - sum(row[1] for row in rows), 0))
        for name, value, flows in rows:
            table.add_row(PHASES.get(name, name), f"{value:.2f}", f"{flows:,}" if flows else "")
        self._out.print(table)


def _text(quantity: "Quantity") -> str:
    value = quantity.value
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    if quantity.unit == "pu":
        return f"{value:.4f}"
    if abs(value) <= 1e-6:
        return "0"
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"
