"""Circuits and settings of the tests of mitigation."""

from pathlib import Path

from gridstudio.planning.mitigation import Settings, run

MODELS = Path(__file__).resolve().parents[3] / "dss_models"
HEAD = "clear\nset defaultbasefrequency=60\n"
CODES = """
new linecode.oh3 nphases=3 units=km r1=0.30 x1=0.40 r0=0.60 x0=1.20 c1=0 c0=0 normamps=230 emergamps=230
new linecode.oh1 nphases=1 units=km rmatrix=[0.6] xmatrix=[0.8] cmatrix=[0] normamps=150 emergamps=150
"""
# A substation, a line of two sections, a lateral: the loads are too much for the line and the transformer.
SMALL = (
    HEAD
    + "new circuit.small bus1=hv basekv=69 pu=1.0 r1=0 x1=0.0001 r0=0 x0=0.0001"
    + CODES
    + """
new transformer.sub phases=3 windings=2 buses=[hv head] conns=[delta wye] kvs=[69 12.47] kvas=[3000 3000] xhl=6 %r=0.2
new line.a bus1=head bus2=mid phases=3 linecode=oh3 length=0.8 units=km
new line.b bus1=mid bus2=end phases=3 linecode=oh3 length=2.0 units=km
new load.m bus1=mid phases=3 kv=12.47 kw=1500 kvar=700 model=1 vminpu=0.6
new load.e bus1=end phases=3 kv=12.47 kw=2800 kvar=1300 model=1 vminpu=0.6
"""
)
TAIL = "\nset voltagebases=[69 12.47 0.48 0.208]\ncalcvoltagebases\n"


def settings(master="master.dss", **sections):
    """Settings of a study; ``sections`` are those of the TOML."""
    return Settings.validated({"job": "mitigation", "feeder": {"master": str(master)}, **sections}, "the test's study")


def feeder_study(name, scale, commands=(), **sections):
    """The result of a study of a feeder of dss_models with grown load; one swap, no exact search."""
    asked = Settings.validated(
        {
            "job": "mitigation",
            "feeder": {"master": str(MODELS / name / "master.dss"), "commands": list(commands)},
            "growth": {"scale": scale},
            "search": {"swaps": 1, "exact": 0},
            **sections,
        },
        "the test's study",
    )
    return run(asked, MODELS)
