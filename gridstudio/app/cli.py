"""The command line: ``gridstudio run STUDY.toml`` and its smaller sisters.

Exit codes: 0 done and clean, 1 done and violations remain, 2 bad input, 3 engine failure, 130 interrupted.
Heavy imports stand inside the commands, so that ``--help`` is there at once.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridstudio.app import build
from gridstudio.errors import GridStudioError, InputError

if TYPE_CHECKING:
    from gridstudio.result import StudyResult

CLEAN, VIOLATIONS, BAD_INPUT, ENGINE_FAILURE, INTERRUPTED = 0, 1, 2, 3, 130

app = typer.Typer(
    name="gridstudio",
    help="Distribution planning with real power flows, on OpenDSS.\n\n"
    "A study is a TOML file: it names a circuit, limits, a horizon and what may be done. "
    "Start with [bold]gridstudio list[/bold], then [bold]gridstudio run studies/reconductoring_ieee123.toml[/bold].\n\n"
    "Exit codes: 0 done and clean, 1 done and violations remain, 2 bad input, 3 engine failure.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
)

app.add_typer(build.app, name="build")

Study = Annotated[Path, typer.Argument(metavar="STUDY.toml", help="The study file.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print the headline as JSON, and nothing else, on standard output.")]


@app.command()
def run(
    study: Study,
    workers: Annotated[int, typer.Option(help="Parallel workers; 0 takes all processors.", min=0)] = 0,
    out: Annotated[Path | None, typer.Option(help="Results folder; default results/STUDY.", show_default=False)] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run of this study.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing results.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="A smaller run for a first look.")] = False,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Solve on a Dask cluster.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Solve a study and write its results folder: tables, workbook, figures, circuits and report.html."""
    started = time.perf_counter()
    from gridstudio import planning, result
    from gridstudio.app.console import Display
    from gridstudio.evaluation import Workers

    job, settings = planning.read_study(study)
    folder = out or Path("results") / study.stem
    display = Display(quiet=as_json)
    job.check(settings.quick() if quick else settings, study.parent)  # bad input is told before anything is made
    seconds = {"start": time.perf_counter() - started}
    with _interruptible(folder), result.results_folder(folder, resume=resume, overwrite=overwrite) as partial:
        crew = Workers(workers or _processors(), scheduler=scheduler, checkpoint=partial / result.CHECKPOINT)
        with display.progress() as progress:
            found = job.run(settings, study.parent, crew, progress, quick)
        with display.busy("writing tables, figures and report"):
            with _timed(seconds, "tables to disk"):
                result.save(found, partial)
            with _timed(seconds, "figures and report"):
                _render(found, partial)
            result.add_seconds(partial, seconds)
    display.result(found, folder, seconds, time.perf_counter() - started)
    _finish(found, as_json, folder)


@app.command()
def check(study: Study) -> None:
    """Validate everything about a study without solving it: its keys, circuit, catalogue, names and numbers."""
    from gridstudio import planning
    from gridstudio.app.console import Display

    job, settings = planning.read_study(study)
    findings = job.check(settings, study.parent)
    Display().findings([(f.severity, f.text) for f in findings])
    typer.echo(f"{study} can be run.")


@app.command()
def flow(
    master: Annotated[Path, typer.Argument(metavar="MASTER.dss", help="OpenDSS master file.", show_default=False)],
    v_min_pu: Annotated[float, typer.Option(help="Lowest allowed voltage [pu].")] = 0.95,
    v_max_pu: Annotated[float, typer.Option(help="Highest allowed voltage [pu].")] = 1.05,
    loading_max_pu: Annotated[float, typer.Option(help="Highest allowed loading of the rating [pu].")] = 1.0,
    load_scale: Annotated[float, typer.Option(help="Multiplier of all loads.", min=0)] = 1.0,
    command: Annotated[
        list[str] | None, typer.Option(metavar="DSS", help="OpenDSS command after the master file; may be repeated.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Also write a results folder with tables, map and report.", show_default=False)
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing results.")] = False,
    as_json: Json = False,
) -> None:
    """One power flow: source power, losses, voltage and loading extremes, violations; with --out also a map."""
    from gridstudio import result
    from gridstudio.app.console import Display
    from gridstudio.domain.limits import Limits
    from gridstudio.planning import flow as job

    limits = Limits(
        v_min_pu=v_min_pu,
        v_max_pu=v_max_pu,
        loading_max_pu=loading_max_pu,
        transformer_loading_max_pu=loading_max_pu,
    )
    found = job.run(master, tuple(command or ()), load_scale, limits)
    if out is not None:
        with result.results_folder(out, overwrite=overwrite) as partial:
            result.save(found, partial)
            _render(found, partial)
    display = Display(quiet=as_json)
    display.findings(list(found.tables["findings"].itertuples(index=False, name=None)))
    display.flow(found, out)
    _finish(found, as_json, out)


@app.command()
def report(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="A results folder.", show_default=False)],
) -> None:
    """Draw figures, workbook and report.html again from the tables of a results folder."""
    from gridstudio import result

    found = result.load(results)
    with result.disk_errors(results):
        _render(found, results)
    typer.echo(f"Drawn again: {results / 'report.html'}")


@app.command(name="list")
def list_studies(
    folder: Annotated[Path, typer.Argument(help="Where to look for study files.")] = Path("studies"),
) -> None:
    """List the studies of a folder: file, job, title."""
    from gridstudio.app.console import Display
    from gridstudio.settings import read_toml

    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}: name the one with your study files.")
    rows = []
    for path in sorted(folder.glob("*.toml")):
        data = read_toml(path)
        rows.append((str(path), str(data.get("job", "?")), str(data.get("title", ""))))
    if not rows:
        raise InputError(f"There is no study file (*.toml) in {folder}.")
    Display().studies(rows)


@app.command()
def schema(
    job: Annotated[str, typer.Argument(metavar="JOB", help="A job, e.g. reconductoring.", show_default=False)],
) -> None:
    """Print the JSON Schema of a job's study file, for editors and for reference."""
    from gridstudio import planning

    typer.echo(json.dumps(planning.job(job).Settings.model_json_schema(), indent=2))


class Interrupted(Exception):
    """Ctrl+C during a study; typer would turn the KeyboardInterrupt into a bare "Aborted!"."""


@contextmanager
def _interruptible(folder: Path) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as stop:
        from gridstudio import result

        kept = list((folder.with_name(folder.name + result.PARTIAL) / result.CHECKPOINT).glob("*"))
        raise Interrupted(
            "Interrupted. What was solved is kept: the same command with --resume goes on."
            if kept
            else "Interrupted. Nothing was solved yet that is worth keeping: start the same command again."
        ) from stop


def main() -> None:
    """Entry point: what the user can act on is told in a sentence, without a traceback."""
    try:
        app()
    except InputError as error:
        _say(str(error))
        sys.exit(BAD_INPUT)
    except GridStudioError as error:
        _say(str(error))
        sys.exit(ENGINE_FAILURE)
    except Interrupted as stop:
        _say(str(stop))
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(CLEAN)
    except Exception:  # a defect of ours: the traceback, but not the exit code of "violations remain"
        import traceback

        traceback.print_exc()
        _say("This is a defect of gridstudio; please report it with the lines above.")
        sys.exit(ENGINE_FAILURE)


def script() -> None:
    """The command as a process: after an interruption it ends at once.

    Threads may still be inside the engine, which does not bear being unloaded under them.
    """
    try:
        main()
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(INTERRUPTED)
        raise


def _say(text: str) -> None:
    typer.echo(f"gridstudio: {text}", err=True)


def _processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _render(found: "StudyResult", folder: Path) -> None:
    from gridstudio import report as pages

    pages.render(found, folder)


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - started


def _finish(found: "StudyResult", as_json: bool, folder: Path | None) -> None:
    """The headline for machines if asked for, and the exit code."""
    if as_json:
        headline: dict[str, Any] = {name: quantity.value for name, quantity in found.headline.items()}
        headline |= {"violations_left": found.violations_left, "results": str(folder) if folder else None}
        typer.echo(json.dumps(headline, indent=2))
    raise typer.Exit(VIOLATIONS if found.violations_left else CLEAN)


if __name__ == "__main__":
    main()
