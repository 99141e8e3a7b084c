"""The verdict of a resilience study in plain English, from its tables."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from gridstudio.report import style
from gridstudio.report.resilience.view import SUBSTATION, Study

ROUNDING_KW = 0.5
MEAN_STORM = "the mean storm alone (of mean damage among those with a fault)"
MOST_NAMES = 6  # of lines in a sentence
ALL_ROUNDS = "all rounds"  # row of table solver
MOST_ERRORS = 3  # standard errors that chance explains


def verdict(study: Study) -> list[str]:
    """Sentences: where to build how much, what it costs, what is lost before and after."""
    return [text for text in (_build(study), _critical(study), _costs(study), _lost(study), _tail(study)) if text]


def judgement(study: Study) -> list[tuple[str, bool]]:
    """Proof by power flow, the program, sample against fresh storms, value of planning for all; with warnings."""
    parts = (_proven(study), _refused(study), _program(study), _sample(study), _stochastic(study), _findings(study))
    return [part for part in parts if part[0]]


# ---- the answer ----------------------------------------------------------------------------------


def _build(study: Study) -> str:
    plan, built = study.table("plan"), study.built
    if not len(plan):
        return ""
    work = _work(study)
    if not len(built):
        nothing = f"Build nothing: none of {_plural(len(plan), 'candidate site')} is worth its kW here"
        return f"{nothing}; {' and '.join(work)}." if work else f"{nothing}."
    rows = built.sort_values("kw", ascending=False)
    named = [f"{style.number(r.kw)} kW at {_site(r.site, r.bus)}" for r in rows.itertuples()]
    return "; ".join([f"Build {_listed(named)}", *work]) + "."


def _work(study: Study) -> list[str]:
    """Lines to harden and switches to add, by name as long as they are few."""
    table, told = study.table("investments"), []
    for what, verb in (("hardened line", "harden"), ("added switch", "add a switch at")):
        names = [str(element).split(".", 1)[-1] for element in table.loc[table["what"] == what, "element"]]
        if names:
            told.append(f"{verb} {_listed(names) if len(names) <= MOST_NAMES else f'{len(names)} lines'}")
    return told


def _site(site: object, bus: object) -> str:
    return str(site) if str(site) == str(bus) else f"{site} (bus {bus})"


def _costs(study: Study) -> str:
    plan = study.table("plan")
    if not len(plan):
        return ""
    kw = float(study.built["kw"].sum())
    budget = study.setting("budget", "kw", None)
    of = f" of the budget of {style.number(budget)} kW" if budget is not None else ""
    fixed = _fixed(study)
    text = f"The sources take {style.number(kw + fixed)} kW{of}"
    text += f" ({style.number(fixed)} kW of it for opening the sites)" if fixed else ""
    text += f", at {len(study.built)} of {_plural(len(plan), 'candidate site')}"
    table = study.table("investments")
    counts = [(w, int((table["what"] == w).sum())) for w in ("hardened line", "added switch")]
    named = [f"{_plural(n, what, 'es' if what.endswith('h') else 's')}" for what, n in counts if n]
    if named:
        text += f", and {style.money(table['usd'].astype(float).sum())} for {_listed(named)}"
    return text + "."


def _fixed(study: Study) -> float:
    """kW of the budget for opening the sites where something is built."""
    sites = study.result.settings.get("sites") or ()
    fixed = {str(s.get("name")): float(s.get("fixed_kw") or 0.0) for s in sites if isinstance(s, Mapping)}
    return sum(fixed.get(str(site), 0.0) for site in study.built["site"])


def _lost(study: Study) -> str:
    before, after = study.risk("fresh", "without"), study.risk("fresh", "plan")
    if before is None or after is None:
        return ""
    count = len(study.table("losses"))
    whole = study.weighted_kw
    of = f" of {style.number(whole)}" if whole else ""
    over = f"over {style.number(count)} fresh storms" if count else "over fresh storms"
    return (
        f"Load lost, weighted by priority: {with_error(before, 'mean')} weighted kW{of} in the mean without the plan "
        f"and {with_error(after, 'mean')} with it"
        f"{_change(before['mean_kw'], after['mean_kw'])}{_paired(study)}, {over}."
    )


def _paired(study: Study) -> str:
    """The same storms before and after: the error of the difference is smaller than those of the two."""
    losses = study.table("losses")
    if len(losses) < 2:
        return ""
    saved = (losses["without_kw"] - losses["with_plan_kw"]).to_numpy(dtype=float)
    error = float(saved.std(ddof=1) / np.sqrt(len(saved)))
    return f", {style.number(saved.mean())} \u00b1 {style.number(error)} less storm by storm"


def _tail(study: Study) -> str:
    before, after = study.risk("fresh", "without"), study.risk("fresh", "plan")
    if before is None or after is None:
        return ""
    return (
        f"In the worst {_worst(study)} of storms (CVaR) {with_error(before, 'cvar')} without and "
        f"{with_error(after, 'cvar')} with it"
        f"{_change(before['cvar_kw'], after['cvar_kw'])}; \u00b1 is one standard error."
    )


def _critical(study: Study) -> str:
    """What it is all about: critical load picked up, with and without."""
    loads, table = study.table("loads"), study.table("critical").set_index("case")
    whole = float(loads.loc[loads["critical"].astype(bool), "kw"].sum()) if len(loads) else 0.0
    if not whole or not {"plan", "without"} <= set(table.index):
        return ""
    after, before = ({str(k): v for k, v in table.loc[case].items()} for case in ("plan", "without"))
    return (
        f"With it {with_error(after, 'mean')} of {style.number(whole)} kW of critical load are picked up in the mean "
        f"of storms, {with_error(before, 'mean')} without; in the worst {_worst(study)} of storms "
        f"{with_error(after, 'worst')} kW with it and {with_error(before, 'worst')} without."
    )


def _worst(study: Study) -> str:
    return f"{100 * (1 - study.alpha):.6g} %"


def with_error(found: Mapping[Any, Any], name: str) -> str:
    """A measure and, where it has one, its standard error; a quantile within a lump of losses has none to tell."""
    error = float(found.get(f"{name}_se_kw", np.nan))
    text = style.number(found[f"{name}_kw"])
    if name == "var" and error == 0:
        return f"{text} (many storms lose the same)"
    return f"{text} \u00b1 {style.number(error)}" if np.isfinite(error) else text


def _change(before: float, after: float) -> str:
    if before <= 0:
        return ""
    part = 1 - after / before
    if abs(part) < 5e-4:
        return " (no change)"
    return f" ({style.percent(abs(part), 1)} {'less' if part > 0 else 'MORE'})"


# ---- what it rests on ----------------------------------------------------------------------------


def _proven(study: Study) -> tuple[str, bool]:
    islands = study.table("islands")
    if not len(islands):
        return "No island is formed in any scenario: there was nothing for the power flow to prove.", True
    feasible = islands["feasible"].astype(bool)
    own = int((islands["source"] != SUBSTATION).sum())
    what = f"{_plural(len(islands), 'island')} of the plan in {_plural(islands['scenario'].nunique(), 'scenario')}"
    if not feasible.all():
        return f"NOT proven: {int((~feasible).sum())} of {what} are not feasible in the power flow.", True
    low, high = islands["v_min_pu"].astype(float).min(), islands["v_max_pu"].astype(float).max()
    load = islands["loading_max_pu"].astype(float).max()
    return (
        f"Proven: {'each of ' if len(islands) > 1 else ''}{what} ({own} of new sources) was solved by OpenDSS with its "
        f"own source as swing and is feasible: voltages {style.number(low, 3)} to {style.number(high, 3)} pu, highest "
        f"loading {style.percent(load)}."
    ), False


def _refused(study: Study) -> tuple[str, bool]:
    refused, rounds = study.table("refused"), int((study.table("solver")["round"] != ALL_ROUNDS).sum())
    if not len(refused):
        return "", False
    why = pd.Series(reasons(study)).value_counts()
    named = "; ".join(f"{reason} ({count})" for reason, count in why.items())
    text = f"The power flow refused {_plural(len(refused), 'island')} that a program took for feasible: {named}."
    return text + f" None of them is counted; program and check took {_plural(rounds, 'round')}.", False


def reasons(study: Study) -> list[str]:
    """Why the power flow refused each island of table ``refused``, as far as its row tells."""
    low, high = (float(study.setting("limits", f"v_{end}_pu", v)) for end, v in (("min", 0.917), ("max", 1.058)))
    sites = [each for each in study.result.settings.get("sites") or () if isinstance(each, Mapping)]
    ratio = {str(s.get("name")): float(s["kva_per_kw"]) for s in sites if s.get("kva_per_kw")}
    ratio |= {str(r.site): float(r.kva) / float(r.kw) for r in study.table("plan").itertuples() if float(r.kw) > 0}
    most = float(study.setting("limits", "loading_max_pu", 1.0))
    found = []
    for row in study.table("refused").to_dict("records"):
        v_min, v_max, loading = (float(row[c]) for c in ("v_min_pu", "v_max_pu", "loading_max_pu"))
        rated, kva = float(row["rated_kw"]), float(row["source_kva"])
        if not np.isfinite(v_min) or not np.isfinite(kva):
            found.append("not converged")
            continue
        tests = (
            (v_min < low, "low voltage"),
            (v_max > high, "high voltage"),
            (loading > most, "overload"),
            (float(row["source_kw"]) > rated, "losses exceed the source's kW"),
            (kva > rated * ratio.get(str(row["source"]), np.inf), "source above its kVA"),
        )
        broken = [words for test, words in tests if test]
        found.append(", ".join(broken) or "a limit not told in the table")
    return found


def _program(study: Study) -> tuple[str, bool]:
    """The end of all rounds, as the headline has it; those of single rounds stand in the table."""
    table = study.table("solver")
    ends = table["round"] == ALL_ROUNDS
    if not ends.any():
        return "", False
    end, asked = table[ends].iloc[0], float(study.setting("solver", "gap", 0.01))
    text = (
        f"Program: objective {style.number(end['objective_kw'])} weighted kW, no plan below "
        f"{style.number(end['bound_kw'])}, gap {style.percent(end['gap'], 1)} ({style.percent(asked, 1)} asked for), "
        f"{_plural(int((~ends).sum()), 'round')} with the power flow, {style.number(end['seconds'])} s."
    )
    if end["stopped_by_clock"]:
        text += " The clock stopped it: another machine may find another plan."
    return text, float(end["gap"]) > asked + 1e-9


def _sample(study: Study) -> tuple[str, bool]:
    inside, fresh = study.risk("scenarios", "plan"), study.risk("fresh", "plan")
    if inside is None or fresh is None:
        return "", False
    apart = {name: _apart(inside, fresh, key) for name, key in (("E", "mean"), ("CVaR", "cvar"))}
    told = " and ".join(f"{name} differs by {text}" for name, (text, _) in apart.items())
    beyond = [name for name, (_, chance) in apart.items() if not chance]
    text = (
        f"In-sample E {style.number(inside['mean_kw'])} and CVaR {style.number(inside['cvar_kw'])}, out-of-sample "
        f"{style.number(fresh['mean_kw'])} and {style.number(fresh['cvar_kw'])} weighted kW: {told}"
    )
    if not beyond:
        return f"{text}.", False
    return f"{text}; for {' and '.join(beyond)} more than chance: the scenarios do not stand well for all storms.", True


def _apart(inside: Mapping[str, float], fresh: Mapping[str, float], key: str) -> tuple[str, bool]:
    """How far a measure over fresh storms is from that over the scenarios, and whether chance explains it."""
    gap, error = abs(fresh[f"{key}_kw"] - inside[f"{key}_kw"]), float(fresh[f"{key}_se_kw"])
    if not error > 0:
        return f"{style.number(gap)} weighted kW", gap <= ROUNDING_KW
    return f"{style.number(gap / error, 1)} standard errors", gap / error <= MOST_ERRORS


def _stochastic(study: Study) -> tuple[str, bool]:
    table = study.table("stochastic_value")
    rows = table[table["what"] == "value of the stochastic solution"]
    if not len(rows):
        return "", False
    value = float(rows["kw"].iloc[0])
    if abs(value) < ROUNDING_KW:
        return f"Planning for {MEAN_STORM} would be as good in these scenarios.", False
    text = f"Planning for all scenarios instead of {MEAN_STORM} is worth {style.number(value)} weighted kW"
    return f"{text} of the objective (value of the stochastic solution).", value < 0


def _findings(study: Study) -> tuple[str, bool]:
    table = study.table("findings")
    count = int((table["severity"] == "warning").sum())
    return (f"{_plural(count, 'warning')} under findings.", False) if count else ("", False)


def statements(study: Study) -> str:
    """How many of the paper's findings the sweeps support, contradict, and leave open."""
    told = study.table("statements")["supported"]
    kinds = {
        "yes": "support", "partly": "support in part", "no": "do not support", "not decided": "cannot decide",
        "not tested": "do not test",
    }  # fmt: skip
    counts = [f"{word} {n}" for kind, word in kinds.items() if (n := int((told == kind).sum())) or kind == "yes"]
    return f"Of {_plural(len(told), 'finding')} the sweeps of this study {_listed(counts)}."


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _plural(count: int, word: str, ending: str = "s") -> str:
    return f"{style.number(count)} {word}{'' if count == 1 else ending}"
