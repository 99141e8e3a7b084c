"""Money of the program: what building costs, what the second stage costs, both as present values."""

import numpy as np

from gridstudio.domain.economics import present_value, residual_value
from gridstudio.planning.upgrades.contract import FloatArray, Menu, Outcomes, Packages
from gridstudio.planning.upgrades.program import Problem
from gridstudio.planning.upgrades.settings import UpgradesSettings


def problem(settings: UpgradesSettings, menu: Menu, packages: Packages, outcomes: Outcomes, p: FloatArray) -> Problem:
    """The program's data from what the future brings under each package; ``p`` (scenario,) probabilities."""
    years, given = settings.horizon.years, settings.money.budget_usd_per_year
    budget = np.full(len(years), np.inf) if given is None else np.broadcast_to(np.array(given, dtype=float), len(years))
    most = settings.horizon.most_unserved
    return Problem(
        packages=packages,
        years=years,
        build_usd=build_usd(settings, menu),
        spend_usd=menu.cost_usd,
        recourse_usd=recourse_usd(settings, outcomes),
        probabilities=p,
        unserved=np.tensordot(p, outcomes.unserved, axes=1),
        budget_usd=budget,
        most_unserved=np.full(len(years), np.inf if most is None else most),
    )


def build_usd(settings: UpgradesSettings, menu: Menu) -> FloatArray:
    """Present value (candidate, year) of building in a year: capital, O&M of that year and every later one of the
    study, less what is left of the measure's life after the last. Infinite before the first possible year."""
    years, rate = np.array(settings.horizon.years), settings.money.discount_rate
    capital = present_value(menu.cost_usd[:, None], years, rate)
    yearly = present_value(1.0, years, rate)
    upkeep = menu.om_usd_per_year[:, None] * np.cumsum(yearly[::-1])[::-1]
    served = years[-1] - years + 1
    left = residual_value(menu.cost_usd[:, None], menu.life_years[:, None], served)
    left = present_value(left, years[-1] + 1, rate) * settings.money.residual_value
    return np.where(years >= menu.from_year[:, None], capital + upkeep - left, np.inf)


def recourse_usd(settings: UpgradesSettings, outcomes: Outcomes, factor: float = 1.0) -> FloatArray:
    """Present value (scenario, package, year) of unserved and curtailed energy; ``factor`` on its value."""
    unserved = outcomes.unserved * (unserved_price(settings, outcomes.unit) * factor)
    curtailed = outcomes.curtailed * (settings.money.curtailed_usd_per_mwh if outcomes.unit == "MWh" else 0.0)
    return present_value(unserved + curtailed, np.array(settings.horizon.years), settings.money.discount_rate)


def unserved_price(settings: UpgradesSettings, unit: str) -> float:
    """USD per MWh, or per MW of the peak's deficit where no representative hours are given."""
    money = settings.money
    return money.unserved_usd_per_mwh if unit == "MWh" else money.unserved_usd_per_mw
