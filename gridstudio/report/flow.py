"""The report of one power flow: map by loading, voltage profile, violations."""

from collections.abc import Iterator
from pathlib import Path

from gridstudio.report import arrange, charts, maps, page
from gridstudio.report.diagram import draw
from gridstudio.report.maps import Text
from gridstudio.report.plain import FOOTER, provenance
from gridstudio.report.workbook import write_workbook
from gridstudio.result import StudyResult

MOST_ROWS = 300


def compose(result: StudyResult, folder: Path) -> None:
    """Write figures/*.png, results.xlsx and report.html."""
    (folder / "figures").mkdir(exist_ok=True)
    pictures = [page.picture(path, title, title) for title, path in _figures(result, folder / "figures")]
    write_workbook(result, folder / "results.xlsx", first=("violations", "voltages", "loadings"))
    violations = result.tables["violations"]
    verdict = f"{len(violations)} violations." if len(violations) else "No violation."
    worst = result.tables["loadings"].sort_values("loading_pu", ascending=False, kind="stable").head(20)
    sections = [
        ("violations", "Violations", [page.paragraph(verdict), page.table(violations, most=MOST_ROWS)]),
        ("network", "Network", pictures),
        ("loadings", "Highest loadings", [page.table(worst)]),
        ("findings", "Findings on the circuit", [page.table(result.tables["findings"])]),
        ("provenance", "Provenance", provenance(result)),
    ]
    text = page.document(result.title, "One power flow", [page.tiles(result.headline)], sections, {}, FOOTER)
    (folder / "report.html").write_text(text, encoding="utf-8")


def _figures(result: StudyResult, folder: Path) -> Iterator[tuple[str, Path]]:
    buses, branches, loadings = (result.tables[name] for name in ("network_buses", "network_branches", "loadings"))
    limits = result.settings["limits"]
    if loadings["current_a"].isna().all():  # nothing was solved
        return
    diagram = draw(buses, branches)
    loading = dict(zip(branches["name"], loadings["loading_pu"].astype(float), strict=True))
    where = " Computed layout." if diagram.computed else ""
    text = Text(f"{result.title}: loading", f"Thick: above the limit.{where}")
    maps.loading_maps(diagram, {"As it is": loading}, limits["loading_max_pu"], text, folder / "loading_map.png")
    yield "Loading of the branches", folder / "loading_map.png"
    voltages = result.tables["voltages"]
    shape = arrange.profile(voltages[voltages["v_pu"] > limits["dead_pu"]], branches)
    text = Text(f"{result.title}: voltages", "Against the distance along the line from the source")
    span = (limits["v_min_pu"], limits["v_max_pu"])
    charts.voltage_profile(shape, {"As it is": "v_pu"}, span, text, folder / "voltage_profile.png")
    yield "Voltages against distance", folder / "voltage_profile.png"
