"""What the numbers of a study that solves cases rest on, in words, theme by theme."""

import numpy as np
import pandas as pd

from gridstudio.planning.transition.case import Parameters
from gridstudio.planning.transition.outlooks import taken_as_one
from gridstudio.planning.transition.settings import TransitionSettings
from gridstudio.planning.transition.shortterm import ShortTerm

_PUBLISHED = (
    " The paper prints neither costs nor CO2 targets. Its overall costs are about 10 USD for each MWh of the 15 years' "
    "load, less than the fuel of a gas plant, so they cannot hold all operation as it is counted here (fuel, O&M and "
    "the price of CO2 in every hour). What must agree is the order of the cases."
)
_CIRCUITS = (
    "The published reactance is of one circuit on 100 MVA; a right of way carries as many circuits as its rating in "
    "the base of 13 MW says, hence this base. "
)
_BASE = (
    "One per unit of the published units and loads is taken for 13 MW: then capacities and the peak of 12 353 MW are "
    "those of Alberta."
)
_SSSC = (
    "A device is paid once for a right of way and shifts the line that stands and a new one beside it alike, however "
    "many circuits there are."
)
_SCALED = (
    " Their load, wind and sun are scaled by a factor for each place (least to highest: table fidelity), so that the "
    "days add up to the year's energy where they have hours of output enough; line ratings and peaks are not scaled."
)
_SHEDDING = "; the paper's 100 USD/MW does not fit its own costs."
_ZONES = "Curtailment has one price, so it is counted by bus; zones feed the nearest bus without a line of their own."
_PIECES = (
    "A bound is that of the relaxation or, where it is higher, of the first stage's problem with whole pieces "
    "before relaxed later stages; hourly binaries (storage modes, cut-in) are relaxed in both. Plans have "
    "whole pieces, found by rounding and by what that problem proposes, each trained around; the best plan's "
    "operation is solved with the hourly binaries."
)


def assumptions(settings: TransitionSettings, setup: ShortTerm) -> pd.DataFrame:
    """topic, text."""
    given, published = setup.case.parameters, bool(settings.published_busd)
    devices = any("sssc" in factors for factors in settings.cases.values())
    texts = {
        "Costs": _costs(published),
        "Risk": _risk(settings),
        "Stages": _stages(settings, given),
        "CO2": _co2(settings),
        "Days": _days(settings, setup),
        "Network": _network(settings, given),
        "Base": _BASE if published else "",
        "SSSC": _SSSC if devices else "",
        "States": _states(settings, given),
        "Wind and sun": _ZONES,
        "Whole pieces": _PIECES,
        "Shedding": f"Up to {given.get('shedding_limit_share', 1.0):.0%} of the load at "
        f"{given['voll_usd_per_mwh']:,.0f} USD/MWh{_SHEDDING if published else '.'}",
    }
    return pd.DataFrame([row for row in texts.items() if row[1]], columns=["topic", "text"])


def _costs(published: bool) -> str:
    return (
        "Those of the parameter file. What operates in stage 1, which no decision changes, is left out of "
        f"decided_busd (table published).{_PUBLISHED if published else ''}"
    )


def _risk(settings: TransitionSettings) -> str:
    """What is optimised."""
    if not settings.risk.averse:
        return "What is optimised is the expected cost over all paths of states."
    return (
        f"What is optimised is the nested cost: at every node {settings.risk.words} of what may follow it, stage by "
        "stage (Shapiro 2011; Philpott, de Matos 2012), not the measure of whole costs over paths. Bounds, gaps, the "
        "extensive form and the value of the stochastic solution are of this risk-adjusted cost, and plans are "
        "compared by it, exactly; what a plan builds, sheds and emits is told in the mean, by the states' own "
        "probabilities."
    )


def _stages(settings: TransitionSettings, given: Parameters) -> str:
    chain, rate = settings.chain, given.get("discount_rate", 0.0)
    plain = f"Nothing is discounted{', as in the paper' if settings.published_busd else ''}"
    money = f"Discounted at {rate:.1%} a year, all of a stage as of its beginning" if rate else plain
    return (
        f"{chain.stages} stages of {chain.years_per_stage:g} years; what is built in a stage acts from the next on, "
        "and in the last stage nothing is built. Fixed O&M is paid for the stages that are left after the one in "
        f"which something is built. {money}; no residual value."
    )


def _co2(settings: TransitionSettings) -> str:
    if settings.days.co2_target == "day":
        return "Every representative day keeps 1/365 of the year's target"
    return (
        "The weighted mean of the representative days keeps 1/365 of the year's target; the days of realisations too "
        "are dispatched together, those out of sample as the days of another year"
    )


def _days(settings: TransitionSettings, setup: ShortTerm) -> str:
    paper = " (the paper: 0.75)" if settings.published_busd else ""
    text = (
        f"{len(setup.days)} representative days from {setup.origin}. Each is judged for itself, storage ends as it "
        "began."
    )
    if settings.days.scaled and settings.days.source != "sketch":
        text += _SCALED
    if setup.agreement is not None:
        text += (
            f" On another year their groups and groups of its own share a normalised mutual information of "
            f"{setup.agreement[0]:.2f}, adjusted {setup.agreement[1]:.2f}{paper}."
        )
    return text + _unseen(settings)


def _unseen(settings: TransitionSettings) -> str:
    """Which year the days out of sample come from, where it is not another one throughout."""
    given = settings.days
    if given.source != "files":
        return ""
    if given.other_weather is None:
        return " No other year is given: days out of sample come from the same year, and no other year checks the days."
    if given.other_load is None and given.load is not None:
        return " The other year has weather of its own and the load of the first."
    return ""


def _network(settings: TransitionSettings, given: Parameters) -> str:
    published = bool(settings.published_busd)
    text = f"DC power flow; reactance stands on a base of {given.get('reactance_base_mva', np.nan):g} MVA. "
    text += _CIRCUITS if published else ""
    if settings.network.true_rating:
        return f"{text}Ratings of the table are taken times {given.get('true_rating_factor', np.nan):.4g}."
    return f"{text}Ratings are {'I V without sqrt(3), as published' if published else 'those of the table'}."


def _states(settings: TransitionSettings, given: Parameters) -> str:
    ones = taken_as_one(settings.chain, given) if settings.chain.stages > 1 else []
    return f"Not given for some stage and state, and there taken as 1: {', '.join(ones)}." if ones else ""
