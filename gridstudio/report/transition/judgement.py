"""What the verdict of a transition study rests on, in plain English: proof, order, comparisons, what was missed."""

import numpy as np
import pandas as pd

from gridstudio.report import style
from gridstudio.report.transition.costs import share
from gridstudio.report.transition.view import Study, assumed, listed, optimised, plural
from gridstudio.report.transition.words import SAME, bn

CENT = 0.01  # bn USD, the last digit that is told
UNSEEN = 0.1  # dearer on unseen days by more than this: a warning


def judgement(study: Study) -> list[tuple[str, bool]]:
    """Bounds, order of the cases, the other method, value of planning for all futures, targets; with warnings."""
    if not study.cases and not len(study.table("growth")):
        return [("No case has been solved.", True)]
    if not study.cases:
        return [part for part in (_findings(study),) if part[0]]
    parts = (_gaps(study), _order(study), _published(study), _extensive(study), _stochastic(study), _unseen(study),
             _targets(study), _inherited(study), _parameters(study), _findings(study))  # fmt: skip
    return [part for part in parts if part[0]]


def _gaps(study: Study) -> tuple[str, bool]:
    table, asked = study.table("cases"), float(study.setting("training", "gap", 0.01))
    gaps = table["gap"].astype(float)
    wide = table[gaps > asked + 1e-9]
    if not len(wide):
        return f"Every case is within {share(asked)} of its bound (widest {share(gaps.max())}).", False
    named = listed(f"{r.case} ({share(float(r.gap))}, {r.reason})" for r in wide.itertuples())
    text = f"NOT proven to {share(asked)}: case {named}. The cost of a plan holds; a better one may exist, down to the"
    return f"{text} bound.", True


def _order(study: Study) -> tuple[str, bool]:
    cost = dict(zip(study.cases, optimised(study.table("cases")), strict=True))
    pairs = study.contained
    if not pairs:
        return "", False
    wrong = [(a, b) for a, b in pairs if cost[b] > cost[a] * (1 + SAME)]
    if wrong:
        named = listed(f"{b} above {a}" for a, b in wrong)
        return f"A case must not cost more than one that it contains: {named}.", True
    return f"No case costs more than one that it contains ({plural(len(pairs), 'pair')} of cases).", False


def _published(study: Study) -> tuple[str, bool]:
    table = study.table("cases")
    known = table[table["published_busd"].astype(float).notna()]
    if len(known) < 2:
        return "", False
    ours, theirs = (known[c].astype(float).to_numpy() for c in ("cost_busd", "published_busd"))
    apart = [(i, j) for i in range(len(known)) for j in range(i) if abs(theirs[i] / theirs[j] - 1) > SAME]
    near = SAME * float(np.abs(ours).max())
    turned = [(i, j) for i, j in apart if (ours[i] - ours[j]) * np.sign(theirs[i] - theirs[j]) < -near]
    names = known["case"].astype(str).tolist()
    named = listed(f"{names[i]} and {names[j]}" for i, j in turned)
    return (
        f"Published costs are {style.number(theirs.min(), 2)} to {style.number(theirs.max(), 2)} bn USD, here "
        f"{style.number(ours.min(), 2)} to {style.number(ours.max(), 2)}; why stands under the table. "
        f"{len(apart) - len(turned)} of {plural(len(apart), 'pair')} of cases stand in the published order, ties "
        f"allowed" + (f"; not so {named}." if turned else ".")
    ), False


def _extensive(study: Study) -> tuple[str, bool]:
    table = study.table("extensive")
    if not len(table):
        return "", False
    solved = np.isfinite(table["difference"].astype(float))
    texts = [_agreement(table[solved])] if solved.any() else []
    for row in table[~solved].itertuples():
        texts.append((f"Case {row.case} is NOT compared with all paths in one program: {row.reason}.", True))
    return " ".join(text for text, _ in texts), any(wide for _, wide in texts)


def _agreement(table: pd.DataFrame) -> tuple[str, bool]:
    wide = not float(table["difference"].astype(float).abs().max()) <= SAME
    named = listed(f"{r.case} ({share(float(r.difference))})" for r in table.itertuples())
    text = f"All paths in one program (extensive form): SDDP's bound differs by {named}".replace("-", "\u2212")
    return text + (", more than 0.01 %: training was too short." if wide else ", within 0.01 %."), wide


def _stochastic(study: Study) -> tuple[str, bool]:
    """The value (69); a warning where the bounds do not tell it from nothing."""
    table = study.table("stochastic_value")
    parts, doubtful = [], False
    for kind, held in (("whole plan held", "in every stage"), ("first stage held", "in the first stage")):
        rows = table[table["quantity"].astype(str) == f"value of the stochastic solution, {kind}"]
        for row in rows.itertuples():
            value, low, high = float(row.busd), float(row.low_busd), float(row.high_busd)
            within = f"; by the bounds between {bn(max(low, 0.0))} and {bn(high)}" if high - low > CENT else ""
            parts.append(f"{bn(value)} (case {row.case}, the mean future's plan held {held}{within})")
            doubtful = doubtful or (value > CENT and low < 0)
    if not parts:
        return "", False
    kind = ", risk-adjusted," if study.measure else ""
    text = f"Planning for all futures instead of the mean one is worth{kind} {listed(parts)}."
    return text + (" Gaps are too wide to tell every one of these from nothing." if doubtful else ""), doubtful


def _unseen(study: Study) -> tuple[str, bool]:
    table = study.table("simulations")
    parts, wide = [], False
    for case, part in table[table["plan"] == "stochastic"].groupby("case", sort=False):
        means = {(row.quantity, row.sample): float(row.mean) for row in part.itertuples()}
        seen, unseen = (means.get(("cost_busd", sample)) for sample in ("in sample", "out of sample"))
        if seen is None or unseen is None:
            continue
        more = unseen / seen - 1
        before = [means.get(("first_operation_busd", sample), 0.0) for sample in ("in sample", "out of sample")]
        moved = before[1] - before[0]
        fixed = f"; {bn(moved)} of the difference lies in stage 1, which no decision changes" if before[1] else ""
        parts.append(f"{style.percent(abs(more), 1)} {'more' if more >= 0 else 'less'} (case {case}{fixed})")
        wide = wide or more > UNSEEN
    if not parts:
        return "", False
    return f"On days that training has not seen the plan costs {listed(parts)} than on its own days.", wide


def _targets(study: Study) -> tuple[str, bool]:
    table = study.table("operations")
    if not len(table):
        return "", False
    above = table[table["co2_above_mt"].astype(float) > 1e-6]
    if not len(above):
        return "Every CO2 target is kept in every state.", False
    worst = above.loc[above["co2_above_mt"].astype(float).idxmax()]
    cases = listed(dict.fromkeys(above["case"].astype(str)))
    return (
        f"CO2 targets are MISSED in case {cases}; the most in stage {worst['stage']}, {worst['state']}: "
        f"{style.number(worst['co2_above_mt'], 3)} Mt a year above {style.number(worst['co2_target_mt'], 2)}."
    ), True


def _inherited(study: Study) -> tuple[str, bool]:
    table = study.table("cases")
    rows = table[table["plan_from"].astype(str) != table["case"].astype(str)]
    if not len(rows):
        return "", False
    named = listed(f"{r.case} that of {r.plan_from}" for r in rows.itertuples())
    return f"Training found no better plan than a smaller case's, so it stands: {named}.", False


def _parameters(study: Study) -> tuple[str, bool]:
    table = study.table("parameters")
    count = sum(assumed(table))
    return (
        (f"{count} of {len(table)} parameters are assumed, wholly or in part; the others have a public source.", False)
        if count
        else ("", False)
    )


def _findings(study: Study) -> tuple[str, bool]:
    count = int((study.table("findings")["severity"] == "warning").sum())
    return (f"{plural(count, 'warning')} under findings.", False) if count else ("", False)
