"""The synthetic utility as one solved OpenDSS model beside the tables it was made from."""

import time
from pathlib import Path

import pandas as pd

from gridstudio import engine
from gridstudio.build import model, network
from gridstudio.build.findings import findings
from gridstudio.build.settings import ImportSettings
from gridstudio.build.synthetic import SyntheticSettings, tables, write
from gridstudio.build.tables import read
from gridstudio.build.utility import JOB, headline, write_and_solve
from gridstudio.domain.limits import Limits
from gridstudio.result import StudyResult

NAME = "synthetic"


def build(settings: SyntheticSettings, out: Path, limits: Limits = Limits()) -> StudyResult:
    """Write the tables to ``out``/tables and their model, all substations in one, to ``out``; solve it.

    The result has no tables: those in ``out``/tables are the utility's. What was found stands in README.md.
    """
    started = time.perf_counter()
    write(tables(settings), out / "tables")
    written = time.perf_counter()
    utility = read(out / "tables")
    importing = ImportSettings()
    notes = findings(utility, importing)
    substations = tuple(utility["substations"]["substation_id"])
    title = f"Synthetic utility of {len(substations)} substation{'s' if len(substations) > 1 else ''}"
    circuit = model.derive(utility, importing, substations, NAME, title)
    options = " ".join(f"--{key.replace('_', '-')} {value}" for key, value in vars(settings).items())
    origin = (
        f"Invented, with seed {settings.seed}: no real utility, place or person. Written, tables and model, by\n\n"
        f"```sh\ngridstudio build synthetic {options} --out {out.name.removesuffix('.partial')}\n```\n\n"
        "The same settings give the same tables and model. The tables are in [`tables/`](tables/)."
    )
    solved = write_and_solve(circuit, out, limits, notes, origin)
    rows = pd.DataFrame([solved.row])
    return StudyResult(
        job=JOB,
        title=title,
        settings={**vars(settings), "limits": vars(limits).copy()},
        headline=headline(rows, len(network.clusters(utility)), notes),
        tables={},
        violations_left=int(not (solved.row["converged"] and solved.row["energised"])),
        provenance={
            "versions": {"engine": engine.version()},
            "power_flows": solved.power_flows,
            "not_converged": solved.not_converged,
            "seconds": {"tables": round(written - started, 3), "model": round(time.perf_counter() - written, 3)},
        },
    )
