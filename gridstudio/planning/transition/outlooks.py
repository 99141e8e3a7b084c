"""The chain of long-term states from the parameter file: outlooks by stage, and names of stages that nothing reads."""

from difflib import get_close_matches
from typing import Any

import numpy as np

from gridstudio.errors import InputError
from gridstudio.planning.transition.case import FACTORS, Chain, FloatArray, Outlook, Parameters
from gridstudio.planning.transition.names import MULTIPLIERS, STAGE, STATE_KEYS, nearest
from gridstudio.planning.transition.settings import ChainSettings

_ALIKE = 0.9  # of two names, by difflib's ratio


def read_chain(settings: ChainSettings, parameters: Parameters) -> Chain:
    """Outlooks of each stage from parameters stage<t>_<state>_<key> and stage<t>_co2_mt_per_year, 1 where not given.

    The first stage has one outlook, today's. Without transition probabilities all states are equally likely.
    InputError for a stage parameter of an unknown name, a state without a row, and rows of unequal length.
    """
    if findings := _state_findings(settings, parameters) + _matrix_findings(settings):
        raise InputError.from_findings("Long-term states", findings)
    first = Outlook("today", co2_mt_per_year=parameters.get("stage1_co2_mt_per_year", np.inf))
    stages: list[tuple[Outlook, ...]] = [(first,)]
    matrices: list[FloatArray] = [np.ones(1)]
    for stage in range(2, settings.stages + 1):
        stages.append(tuple(_outlook(parameters, stage, name) for name in settings.states))
        given = settings.transitions.get(str(stage))
        equal = np.full((len(stages[-2]), len(settings.states)), 1 / len(settings.states))
        matrices.append(equal if given is None else np.atleast_2d(np.asarray(given, dtype=float)))
    return Chain(tuple(stages), tuple(matrices))


def _state_findings(settings: ChainSettings, parameters: Parameters) -> list[str]:
    """Names of stage parameters that nothing reads, and states for which a stage has no row."""
    unread = [(name, _misspelt(settings, parameters, name)) for name in unread_states(settings, parameters)]
    found = [f"{parameters.rows.get(name, name)}: {text}." for name, text in unread if text]
    return found + [
        f"state '{state}' has no row for stage {stage} in the parameter file (stage{stage}_{state}_load, ...)."
        for stage in range(2, settings.stages + 1)
        for state in settings.states
        if not any(f"stage{stage}_{state}_{key}" in parameters.values for key in STATE_KEYS)
    ]


def _misspelt(settings: ChainSettings, parameters: Parameters, name: str) -> str | None:
    """Why a stage parameter that the study does not read cannot be one of a state that it leaves out on purpose.

    It ends in no known key, or the study has a state of nearly that name which lacks just this row.
    """
    stage, rest = name.split("_", 1)
    ours = [f"{state}_{key}" for state in settings.states for key in STATE_KEYS] + ["co2_mt_per_year"]
    lacking = [f"{stage}_{text}" for text in ours if f"{stage}_{text}" not in parameters.values]
    told = f"the parameter '{name}' is not known"
    if not rest.endswith(tuple(f"_{key}" for key in STATE_KEYS)):
        return f"{told}, a state's ends in {', '.join(MULTIPLIERS)} or price_<factor>; {nearest(name, lacking)}"
    close = get_close_matches(name, lacking, n=1, cutoff=_ALIKE)
    return f"{told}, and the study's {close[0]} is not given; write that, or give both" if close else None


def unread_states(settings: ChainSettings, parameters: Parameters) -> list[str]:
    """Stage parameters of states that the study does not have: left out on purpose, or misspelt."""
    read = {f"{state}_{key}" for state in settings.states for key in STATE_KEYS} | {"co2_mt_per_year"}
    found = [STAGE.fullmatch(name) for name in parameters.values]
    return [match[0] for match in found if match and match[2] not in read]


def taken_as_one(settings: ChainSettings, parameters: Parameters) -> list[str]:
    """Multipliers that at least one stage and state of the study is not given."""
    return [
        key
        for key in STATE_KEYS
        if any(
            f"stage{stage}_{state}_{key}" not in parameters.values
            for stage in range(2, settings.stages + 1)
            for state in settings.states
        )
    ]


def _matrix_findings(settings: ChainSettings) -> list[str]:
    return [
        f"chain.transitions.{stage}: its rows have {', '.join(str(len(row)) for row in rows)} probabilities; "
        f"each needs {len(settings.states)}, one for each state."
        for stage, rows in settings.transitions.items()
        if len({len(row) for row in rows}) > 1
    ]


def _outlook(parameters: Parameters, stage: int, name: str) -> Outlook:
    prefix = f"stage{stage}_{name}"
    multipliers: dict[str, Any] = {key: parameters.get(f"{prefix}_{key}", 1.0) for key in MULTIPLIERS}
    return Outlook(
        name,
        **multipliers,
        price={factor: parameters.get(f"{prefix}_price_{factor}", 1.0) for factor in FACTORS},
        co2_mt_per_year=parameters.get(f"stage{stage}_co2_mt_per_year", np.inf),
    )
