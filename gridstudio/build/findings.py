"""What is remarkable about a utility's tables, and what was assumed, derived or left out to make circuits of them.

Nothing is repaired in silence: each rule gives rows of the table of findings.
"""

import pandas as pd

from gridstudio.build import network_findings, use_findings
from gridstudio.build.notes import COLUMNS
from gridstudio.build.settings import ImportSettings
from gridstudio.build.tables import Utility

RULES = (*network_findings.RULES, *use_findings.RULES)


def findings(utility: Utility, settings: ImportSettings) -> pd.DataFrame:
    """severity (warning, assumption, derived, omitted), table, count, text; warnings first."""
    notes = [note for rule in RULES for note in rule(utility, settings)]
    order = {"warning": 0, "assumption": 1, "derived": 2, "omitted": 3}
    notes.sort(key=lambda note: order[note.severity])
    return pd.DataFrame(notes, columns=COLUMNS)
