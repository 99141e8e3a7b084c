"""``gridstudio build``: OpenDSS models from a utility's tables, or from a seeded synthetic utility."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from gridstudio.result import StudyResult

app = typer.Typer(
    help="Write OpenDSS models: from a utility's tables, or a synthetic utility.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

Out = Annotated[Path, typer.Option("--out", help="Folder to write; it must not be there yet.", show_default=False)]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what an earlier build wrote.")]
Json = Annotated[bool, typer.Option("--json", help="Print the headline as JSON, and nothing else, on standard output.")]


@app.command()
def utility(
    source: Annotated[
        Path, typer.Option("--from", metavar="DIR", help="Folder with the utility's tables.", show_default=False)
    ],
    out: Out,
    extras: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder with further optional tables (switches, crews, ...).", show_default=False
        ),
    ] = None,
    substation: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only this substation; may be repeated.", show_default=False)
    ] = None,
    allocation: Annotated[
        str, typer.Option(help="Peak of a feeder to loads by: peak (customers' peak_kw), kva, demand; auto.")
    ] = "auto",
    power_factor: Annotated[float, typer.Option(help="Of all loads, lagging.")] = 0.97,
    impedance: Annotated[str, typer.Option(help="edge: each line its own; conductor: by line code.")] = "edge",
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """One OpenDSS model per substation and per cluster that ties join, each solved; findings, tables and report."""
    from gridstudio import report, result
    from gridstudio.app.console import Display
    from gridstudio.build import utility as job
    from gridstudio.build.settings import ImportSettings
    from gridstudio.errors import InputError

    if impedance not in ("edge", "conductor"):
        raise InputError(f"--impedance is {impedance!r}, it must be edge or conductor.")
    settings = ImportSettings(
        allocation=allocation,  # type: ignore[arg-type]  # checked there
        power_factor=power_factor,
        own_impedance=impedance == "edge",
        substations=tuple(substation or ()),
    )
    display = Display(quiet=as_json)
    with _fresh(out, overwrite) as partial:
        with display.progress() as progress:
            found = job.build(source, partial, settings, extras, progress=progress)
        with display.busy("writing tables and report"):
            result.save(found, partial)
            report.render(found, partial)
    _finish(found, as_json, out)


@app.command()
def synthetic(
    out: Out,
    seed: Annotated[int, typer.Option(help="The same seed gives the same utility.")] = 1,
    substations: Annotated[int, typer.Option(help="Substations.")] = 1,
    feeders: Annotated[int, typer.Option(help="Feeders of each substation.")] = 4,
    buses_per_feeder: Annotated[int, typer.Option(help="Nodes of a feeder, without those of ties.")] = 145,
    customers_per_feeder: Annotated[int, typer.Option(help="Customers of a feeder.")] = 1000,
    feeder_peak_mw: Annotated[float, typer.Option(help="Mean peak of a feeder [MW].")] = 6.0,
    zones: Annotated[int, typer.Option(help="Parts that can live as islands.")] = 3,
    start_year: Annotated[int, typer.Option(help="First year of outages and weather.")] = 2020,
    years: Annotated[int, typer.Option(help="Years of outages and weather.")] = 5,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """An invented utility: its tables in OUT/tables, its OpenDSS model in OUT, solved."""
    from gridstudio import result
    from gridstudio.app.console import Display
    from gridstudio.build import generated
    from gridstudio.build.synthetic import SyntheticSettings

    settings = SyntheticSettings(
        seed=seed,
        substations=substations,
        feeders=feeders,
        buses_per_feeder=buses_per_feeder,
        customers_per_feeder=customers_per_feeder,
        feeder_peak_mw=feeder_peak_mw,
        zones=zones,
        start_year=start_year,
        years=years,
    )
    display = Display(quiet=as_json)
    with _fresh(out, overwrite) as partial:
        with display.busy("making and solving the utility"):
            found = generated.build(settings, partial)
        result.save(found, partial)
    _finish(found, as_json, out)


@contextmanager
def _fresh(out: Path, overwrite: bool) -> Iterator[Path]:
    """A folder that appears whole or not at all; a build that fails leaves nothing to go on with."""
    from gridstudio import result

    with result.results_folder(out, overwrite=overwrite) as partial:
        try:
            yield partial
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise


def _finish(found: "StudyResult", as_json: bool, out: Path) -> None:
    """Headline and warnings, or the headline for machines; exit code 1 if a model does not solve."""
    if as_json:
        headline: dict[str, Any] = {name: quantity.value for name, quantity in found.headline.items()}
        typer.echo(json.dumps(headline | {"results": str(out)}, indent=2))
    else:
        typer.echo(found.title)
        width = max(len(quantity.label) for quantity in found.headline.values())
        for quantity in found.headline.values():
            value = f"{quantity.value:,.4g}" if quantity.unit == "pu" else f"{quantity.value:,.0f}"
            typer.echo(f"  {quantity.label:<{width}}  {value:>10} {quantity.unit}".rstrip())
        if "findings" in found.tables:
            notes = found.tables["findings"]
            for note in notes[notes["severity"] == "warning"].itertuples():
                typer.echo(f"warning: {note.text}")
        page = out / "report.html"
        typer.echo(f"\nRead {page if page.is_file() else out / 'README.md'}")
    raise typer.Exit(1 if found.violations_left else 0)
