"""The restoration environment for other people's agents, by the Gymnasium API (extra ``rl``).

    import gridstudio.planning.restoration.gymnasium_env as restoration
    env = restoration.make_env("studies/restoration_ieee123.toml")
    observation, info = env.reset(seed=1)
    observation, reward, terminated, truncated, info = env.step(env.action_space.sample(mask=info["action_mask"]))

It is the environment that the tabular method learns on; its storms are the training storms of the study.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridstudio.errors import InputError
from gridstudio.evaluation import Workers
from gridstudio.planning.phases import Phases
from gridstudio.planning.restoration.environment import Mask, RestorationEnvironment
from gridstudio.planning.restoration.incident import Incident
from gridstudio.planning.restoration.job import desk_of
from gridstudio.planning.restoration.methods import Desk
from gridstudio.planning.restoration.settings import RestorationSettings
from gridstudio.planning.restoration.setup import prepare
from gridstudio.settings import read_toml

try:
    import gymnasium
    from gymnasium import spaces
    from gymnasium.error import InvalidAction, ResetNeeded
except ImportError as missing:
    raise InputError(
        "The Gymnasium environment needs the extra 'rl': install it with 'pip install gridstudio[rl]'."
    ) from missing


class RestorationGym(gymnasium.Env):
    """Switching after storms, one operation per step.

    Observation: ``MultiBinary`` of sections with supply, sections with a fault, sections of the area that is worked,
    and closed devices, in this order. Action d operates device d; the last one stops the work on the area. ``info``:
    ``action_mask`` (int8), ``invalid_action``; a masked action changes nothing and pays nothing. Reward:
    customer-minutes saved. ``reset(options={"task": n})`` plays storm n; otherwise it is drawn with the seed.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 - Gymnasium's own declaration

    def __init__(self, incidents: Sequence[Incident], desk: Desk):
        if not incidents:
            raise InputError("The environment needs at least one storm.")
        self.core = RestorationEnvironment(incidents, desk)
        self.action_space = spaces.Discrete(self.core.actions)
        self.observation_space = spaces.MultiBinary(3 * len(self.core.sections) + len(self.core.sections.devices))
        self._mask: Mask | None = None
        self.render_mode = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.int8], dict[str, Any]]:
        """Right after the trips of a storm."""
        super().reset(seed=seed)
        count = len(self.core.incidents)
        task = (options or {}).get("task")
        if task is not None and not 0 <= int(task) < count:
            raise InputError(f"There is no storm {task}: they are numbered 0 to {count - 1}.")
        _, self._mask = self.core.reset(int(self.np_random.integers(count)) if task is None else int(task))
        if not self.core.area:  # nothing to switch: stopping is all there is
            self._mask[self.core.stop] = True
        return self._observation(), self._info(invalid=False)

    def step(self, action: Any) -> tuple[NDArray[np.int8], float, bool, bool, dict[str, Any]]:
        """One operation. Raises ResetNeeded before a reset, InvalidAction outside the action space."""
        if self._mask is None:
            raise ResetNeeded("Call reset before step.")
        if not self.action_space.contains(action):
            raise InvalidAction(f"action {action!r} is not in {self.action_space}")
        if not self._mask[int(action)]:
            return self._observation(), 0.0, False, False, self._info(invalid=True)
        _, mask, reward, done = self.core.step(int(action))
        if done:
            mask[self.core.stop] = True
        self._mask = mask
        found = self._observation(), float(reward), bool(done), False, self._info(invalid=False)
        if done:
            self._mask = None
        return found

    def action_masks(self) -> Mask:
        """Which actions are allowed now."""
        if self._mask is None:
            raise ResetNeeded("Call reset before asking for the mask.")
        return self._mask.copy()

    def _observation(self) -> NDArray[np.int8]:
        core, sections = self.core, self.core.sections
        alive = sections.supply(core.closed, core.incident.blocked).alive
        masks = [sections.members(mask) for mask in (alive, core.incident.blocked, core.area)]
        closed = np.array([bool(core.closed >> d & 1) for d in range(len(sections.devices))])
        return np.concatenate([*masks, closed]).astype(np.int8)

    def _info(self, invalid: bool) -> dict[str, Any]:
        assert self._mask is not None
        return {"action_mask": self._mask.astype(np.int8), "invalid_action": invalid}


def make_env(study: str | Path, workers: int = 1) -> RestorationGym:
    """The environment of a study file: its circuit, devices, limits and training storms."""
    path = Path(study)
    data = read_toml(path)
    settings = RestorationSettings.validated(data, str(path))
    setup = prepare(settings, path.parent)
    if not setup.training:
        raise InputError(f"{path}: the study draws no training storms; name 'learned' in methods.run.")
    desk = desk_of(settings, setup, Phases(setup.feeder, setup.limits, Workers(workers)))
    return RestorationGym(setup.training, desk)
