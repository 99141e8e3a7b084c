"""Settings that a study gives and nothing would read: told, not taken in silence."""

from gridstudio.errors import InputError
from gridstudio.planning.transition.settings import TransitionSettings


def refuse_unread(settings: TransitionSettings) -> None:
    """InputError naming each setting that the study's other settings make idle."""
    findings = [*_of_days(settings), *_of_cases(settings), *_of_growth(settings)]
    if findings:
        raise InputError.from_findings("Study", findings)


def _of_days(settings: TransitionSettings) -> list[str]:
    given, tables = settings.days, settings.tables
    border, zones = tables.border is not None, tables.zones is not None
    sketch, files = given.source == "sketch", given.source == "files"
    idle = [  # setting, whether it is given in vain, and why
        ("tables.border", border and given.source != "synthetic", "only synthetic weather lies within a border"),
        ("tables.zones", zones and not sketch, "zones are found from the weather"),
        ("days.scaled", given.scaled and sketch, "sketched days have no year to be scaled to"),
        ("days.load", given.load is not None and sketch, "sketched days make their own load"),
        ("days.other_load", given.other_load is not None and sketch, "sketched days make their own load"),
        ("days.other_weather", given.other_weather is not None and not files, "it goes with source = 'files'"),
    ]
    source = f"days.source = '{given.source}'"
    return [f"{name} is not read with {source}: {why}; leave it out." for name, in_vain, why in idle if in_vain]


def _of_cases(settings: TransitionSettings) -> list[str]:
    known = ", ".join(settings.cases)
    unknown = [name for name in settings.published_busd if name not in settings.cases]
    return [f"published_busd.{name}: there is no case '{name}'; the study's are {known}." for name in unknown]


def _of_growth(settings: TransitionSettings) -> list[str]:
    if not settings.growth.sizes or settings.days.co2_target == "day":
        return []
    return [
        "days.co2_target = 'year' makes one program of all days, whose time says nothing of more days, which [growth] "
        "is to estimate; take 'day'."
    ]
