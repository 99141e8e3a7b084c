"""The engine's library and the process around it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import os
os.environ["ADDED_BEFORE"] = "1"  # from now on the C library's table of the environment may be moved and freed
from gridstudio import BASE, Feeder, Scenario, Workers, evaluate_many
from pathlib import Path
feeder = Feeder("ieee13", Path(r"{master}"))
cases = [(BASE, Scenario(str(k), load_scale=(0.5 + k / 100,))) for k in range(40)]
for turn in range(5):
    for k in range(60):
        os.environ[f"ADDED_{{turn}}_{{k}}"] = "x" * 50
    kept = [bytes(8 * n) for n in range(50, 400)]  # takes the memory that was freed
    assert evaluate_many(feeder, cases, workers=Workers(2, "threads")).flow.converged.all()
print("alive")
"""


def test_threads_survive_changes_of_the_environment():
    program = PROGRAM.format(master=ROOT / "dss_models" / "ieee13" / "master.dss")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.stdout == "alive\n", done.stderr[-2000:]
