"""The page of a resilience study: the answer first, then supply, losses, storms, sensitivity, findings, the program."""

from pathlib import Path

import pandas as pd

from gridstudio.report import page
from gridstudio.report.page import Html
from gridstudio.report.plain import FOOTER, assumptions, provenance
from gridstudio.report.resilience import words
from gridstudio.report.resilience.view import Study

MOST_ROWS = 60  # of a table on the page
SUPPORTED = {"yes": "supported", "partly": "partly", "no": "NOT supported", "not tested": "not tested"}
KW = {"kw": "load_kw"}  # a unit belongs at the end of a name
EXTRA = (
    "Lines to harden and switches to add. Saves: mean weighted kW over fresh storms that would be lost without it "
    "alone, all else as planned; what each saves does not add up"
)
ROUNDS = (
    "Each round: the program, then the power flow of its islands. All rounds: the plan after its check, with the bound "
    "raised between rounds"
)
Figures = dict[str, Path]


def write_page(study: Study, figures: Figures, path: Path) -> None:
    """Write report.html with the figures that have been drawn."""
    result = study.result
    sections = [
        ("losses", "What is lost", _losses(study, figures)),
        ("islands", "Islands", _islands(study, figures)),
        ("supply", "Who is served", _supply(study, figures)),
        ("storms", "Storms and scenarios", _storms(study, figures)),
        ("sweeps", "Sensitivity", _sweeps(study, figures)),
        ("findings", "Findings of the paper", _statements(study)),
        ("program", "Program and check", _program(study)),
        ("network", "Loads, sections, devices", _network(study)),
        ("assumptions", "Assumptions and findings", assumptions(study.table("assumptions"), study.table("findings"))),
        ("provenance", "Provenance", [*_timing(study), *provenance(result)]),
    ]
    subtitle = "Resilience planning against storms. Weighted kW: load in kW times the weight of its priority."
    path.write_text(page.document(result.title, subtitle, _top(study, figures), sections, {}, FOOTER), encoding="utf-8")


def _top(study: Study, figures: Figures) -> list[Html]:
    told = words.judgement(study)
    parts = [page.paragraph(" ".join(words.verdict(study)), "lead")]
    if told:
        parts.append(page.note([page.paragraph(text) for text, _ in told], warning=any(warning for _, warning in told)))
    parts += _picture(figures, "siting", "The feeder with candidate sites and the sources that are built")
    plan, extra = study.table("plan"), study.table("investments")
    if len(plan):
        shown = plan.rename(columns={"kw": "size_kw", "kva": "size_kva"})
        parts.append(page.table(shown, "Candidate sites", marked=plan["built"].astype(bool).tolist()))
    if len(extra):
        parts.append(page.table(extra.rename(columns={"usd": "cost_usd"}), EXTRA))
    return [*parts, page.tiles(study.result.headline)]


def _picture(figures: Figures, name: str, alt: str) -> list[Html]:
    return [page.picture(figures[name], alt)] if name in figures else []


def _folded(table: pd.DataFrame, what: str, marked: list[bool] | None = None) -> list[Html]:
    if not len(table):
        return []
    return [page.details(f"{len(table)} {what}", [page.table(table, most=MOST_ROWS, marked=marked)])]


# ---- the plan ------------------------------------------------------------------------------------


def _losses(study: Study, figures: Figures) -> list[Html]:
    parts = _picture(figures, "losses", "How often a loss is exceeded with and without the plan; E, VaR and CVaR")
    critical, table = study.table("critical"), study.table("risk")
    if len(critical):
        worst = f"worst: the mean of the worst {100 * (1 - study.alpha):.6g} % of storms for it"
        caption = f"Critical load picked up over the fresh storms, kW \u00b1 standard error; {worst}"
        parts.append(page.table(_with_errors(critical, {"mean": "mean", "worst": "worst"}), caption))
    if len(table):
        caption = "Loss, weighted kW \u00b1 standard error; the scenarios are exact for their probabilities"
        names = {"mean": "expected", "var": "VaR", "cvar": "CVaR", "objective": "objective"}
        parts.append(page.table(_with_errors(table, names), caption))
    found = study.table("stochastic_value")
    if len(found):
        shown = found.rename(columns={"kw": "value_kw"})
        parts.append(page.table(shown, "What planning for all scenarios is worth, in weighted kW of the objective"))
    return parts


def _with_errors(table: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Measures and their standard errors in one column each."""
    measures = [f"{name}{end}" for name in names for end in ("_kw", "_se_kw")]
    rows = table.to_dict("records")
    told = {shown: [words.with_error(row, name) for row in rows] for name, shown in names.items()}
    return table.drop(columns=measures).assign(**told)


def _islands(study: Study, figures: Figures) -> list[Html]:
    parts = _picture(figures, "islands", "Islands, devices and loads not picked up in telling scenarios")
    table = study.table("islands")
    parts += _folded(table, "islands, every one a solved power flow")
    refused = study.table("refused")
    if len(refused):
        shown = refused.assign(why=words.reasons(study)).drop(columns=["feasible"])
        shown["scenario"] = [int(s) if int(s) > 0 else "any" for s in shown["scenario"]]
        front = ["scenario", "source", "why"]
        shown = shown[[*front, *(c for c in shown.columns if c not in front)]]
        caption = "Refused by the power flow, cut off in the program and not counted"
        parts.append(page.details(f"{len(refused)} islands refused", [page.table(shown, caption, most=MOST_ROWS)]))
    return parts


def _supply(study: Study, figures: Figures) -> list[Html]:
    return [
        *_picture(figures, "supplied", "How much of each section's load is picked up, without and with the plan"),
        *_picture(figures, "loads", "Probability that each critical load is picked up, without and with the plan"),
    ]


# ---- storms, sweeps ------------------------------------------------------------------------------


def _storms(study: Study, figures: Figures) -> list[Html]:
    parts = _picture(figures, "weather", "Wind speed by region and fragility of lines")
    origin = sorted({str(s) for name in ("wind", "fragility") for s in study.table(name)["source"].dropna() if str(s)})
    if origin:
        parts.append(page.paragraph(f"Source of these figures: {'; '.join(origin)}.", "quiet"))
    parts += _picture(figures, "convergence", "Mean loss and its standard error against the storms drawn")
    parts += _picture(figures, "scenarios", "Scenarios by wind, loss and probability")
    parts += _folded(study.table("strata"), "strata of wind speed")
    parts += _folded(study.table("scenarios"), "scenarios")
    return [*parts, *_folded(study.table("faults"), "failed lines of the scenarios")]


def _sweeps(study: Study, figures: Figures) -> list[Html]:
    alts = {
        "sweep_scenarios": "Objective and solve time against the number of scenarios",
        "sweep_risk": "CVaR against lambda for each alpha",
        "sweep_budget": "Expected loss, VaR, CVaR and critical load picked up by budget and sites",
        "sweep_losses": "Distribution of losses by budget, sites and lambda",
        "sweep_sources": "Number and size of the sources that are built",
    }
    parts = [part for name, alt in alts.items() for part in _picture(figures, name, alt)]
    return [*parts, *_folded(study.table("sweep"), "points of the sweeps")]


def _statements(study: Study) -> list[Html]:
    table = study.table("statements")
    if not len(table):
        return []
    shown = table.assign(supported=[SUPPORTED.get(str(s), "not decided") for s in table["supported"]])
    marked = (table["supported"] == "no").tolist()
    caption = (
        "Tinted: not supported by this study. Partly: in part of what is varied, the rest is open. Not decided: the "
        "sweeps cannot tell; not tested: they do not vary it. Differences within the programs' gaps count as none; "
        "\u00b1 is one standard error, of a difference over the same storms."
    )
    return [page.paragraph(words.statements(study)), page.table(shown, caption, marked=marked)]


# ---- program, network, timing --------------------------------------------------------------------


def _program(study: Study) -> list[Html]:
    table = study.table("solver")
    return [page.table(table, ROUNDS)] if len(table) else []


def _network(study: Study) -> list[Html]:
    names = {"loads": "loads", "sections": "sections", "devices": "devices"}
    return [part for name, what in names.items() for part in _folded(study.table(name).rename(columns=KW), what)]


def _timing(study: Study) -> list[Html]:
    timing = study.table("timing")
    return [page.table(timing)] if len(timing) else []
