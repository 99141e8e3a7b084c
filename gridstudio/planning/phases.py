"""Where the time of a run went: seconds and power flows by phase, and the bridge to a progress display."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pandas as pd

from gridstudio.domain.changes import ChangeSet
from gridstudio.domain.limits import Limits
from gridstudio.domain.scenarios import Scenario
from gridstudio.engine import Feeder
from gridstudio.evaluation import Evaluations, Workers, evaluate_many


@dataclass
class Phases:
    """The stop-watch and counter of one run; the one thing in a job that changes while it runs."""

    feeder: Feeder
    limits: Limits
    workers: Workers
    progress: Callable[[str, int, int], None] | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    power_flows: dict[str, int] = field(default_factory=dict)
    not_converged: dict[str, int] = field(default_factory=dict)
    _inner: list[float] = field(default_factory=list)  # seconds of phases inside each open one

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the block's seconds to a phase, less those of phases inside it."""
        started = time.perf_counter()
        self._inner.append(0.0)
        try:
            yield
        finally:
            whole = time.perf_counter() - started
            self.seconds[name] = self.seconds.get(name, 0.0) + whole - self._inner.pop()
            if self._inner:
                self._inner[-1] += whole

    def evaluate(self, name: str, cases: Sequence[tuple[ChangeSet, Scenario]]) -> Evaluations:
        """Evaluate cases and count them to a phase."""
        report = self.progress

        def tell(done: int, total: int) -> None:
            if report:
                report(name, done, total)

        with self.phase(name):
            found = evaluate_many(self.feeder, cases, self.limits, self.workers, tell)
        self.power_flows[name] = self.power_flows.get(name, 0) + found.solves
        self.not_converged[name] = self.not_converged.get(name, 0) + found.not_converged
        return found

    def table(self) -> pd.DataFrame:
        """phase, seconds, power_flows, not_converged."""
        return pd.DataFrame(
            {
                "phase": list(self.seconds),
                "seconds": [round(s, 4) for s in self.seconds.values()],
                "power_flows": [self.power_flows.get(name, 0) for name in self.seconds],
                "not_converged": [self.not_converged.get(name, 0) for name in self.seconds],
            }
        )
