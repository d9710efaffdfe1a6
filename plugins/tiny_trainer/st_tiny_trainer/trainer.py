"""The tiny trainer as the server sees it: what a config may say, and how its process is started.

Nothing is computed here; numpy is needed by the process alone (`engine/`).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from st_core.contracts import Artifact, Checkpoint, Launch, Problem, Source, StopStep
from st_core.progress.event_lines import parse_event_line

from . import workspace as workspaces
from .engine.tiny_flow import folders
from .engine.tiny_flow.config import DIGITS
from .engine.tiny_flow.threads import ONE_THREAD
from .sample_configs import SAMPLE_CONFIGS
from .schema import TinyConfig
from .settings import DATA_ROOTS, PYTHON

ENGINE = Path(__file__).resolve().parent / "engine"
SAVE_SECONDS = 30.0

_SOFT_STOP = (
    StopStep(write=(f"{folders.CONTROL}/stop", "request {n}\n")),
    StopStep(seconds=SAVE_SECONDS),
)
_CHECKPOINT = (
    StopStep(write=(f"{folders.CONTROL}/checkpoint", "request {n}\n")),
    StopStep(wait_for=f"{folders.CHECKPOINTS}/checkpoint-*[0-9]", seconds=SAVE_SECONDS),
)


class TinyTrainer:
    """Trains a small picture model on this machine's processor (see `st_core.contracts.Trainer`).

    `option` returns the value of one of the plugin's settings by its key.
    """

    name = "tiny_trainer"
    title = "Tiny trainer: handwritten digits or your pictures, no GPU needed"
    schema: type[BaseModel] | None = TinyConfig
    sample_configs = SAMPLE_CONFIGS

    def __init__(self, option: Callable[[str], Any]) -> None:
        self._option = option

    def validate(self, config: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
        """Return the config with defaults filled in, and every problem at its field."""
        try:
            filled = TinyConfig.model_validate(dict(config)).model_dump()
        except ValidationError as error:
            problems = [_problem(detail) for detail in error.errors(include_url=False)]
            return TinyConfig().model_dump() | dict(config), problems
        return filled, self._check_data(filled["data"])

    def _check_data(self, data: str) -> list[Problem]:
        """Say what is wrong with the folder's name; whether it holds pictures only the run sees."""
        if data == DIGITS:
            return []
        path = os.path.normpath(data)
        if not os.path.isabs(path):
            return [Problem("data", f"{data!r} is neither {DIGITS!r} nor an absolute path")]
        if not any(Path(path).is_relative_to(root) for root in self._roots()):
            return [
                Problem(
                    "data",
                    f"{data!r} is outside of the folders that may be read "
                    f"({', '.join(self._roots()) or 'none'}); the setting {DATA_ROOTS} names them",
                )
            ]
        return []

    def _roots(self) -> list[str]:
        return [os.path.expanduser(root) for root in self._option(DATA_ROOTS)]

    def length(self, config: Mapping[str, Any]) -> int | None:
        """Return how many steps this config trains."""
        steps = config.get("steps", TinyConfig().steps)
        return steps if isinstance(steps, int) and steps > 0 else None

    def launch(self, config: Mapping[str, Any], workspace: Path) -> Launch:
        """Return how to start this config in `workspace` from the beginning."""
        env = {
            **ONE_THREAD,
            "PYTHONUNBUFFERED": "1",
            "TRAINER_OUTPUT_DIR": str(workspace),
            "TRAINER_EVENTS": str(workspace / folders.EVENTS),
            "TRAINER_CONTROL": str(workspace / folders.CONTROL),
            "TINY_TRAINER_DATA_ROOTS": json.dumps(self._roots()),
        }
        return Launch(
            argv=(
                self._option(PYTHON) or sys.executable,
                str(ENGINE),
                str(workspace / folders.CONFIG),
            ),
            env=env,
            files={folders.CONFIG: _lines(config)},
            soft_stop=_SOFT_STOP,
            checkpoint=_CHECKPOINT,
        )

    def resume(self, config: Mapping[str, Any], workspace: Path, checkpoint: str) -> Launch:
        """Return how to go on from `checkpoint`.

        One inside `workspace` is continued where it was saved; one of another job only lends its
        weights, and the run begins at step 0.
        """
        launch = self.launch(config, workspace)
        begins = {"TRAINER_RESUME_FROM": str(workspace / checkpoint)}
        return replace(launch, env={**launch.env, **begins})

    def sources(self, config: Mapping[str, Any], workspace: Path) -> Sequence[Source]:
        """Return the events file, which tells everything."""
        return [Source(folders.EVENTS, parse_event_line)]

    def checkpoints(self, workspace: Path) -> Sequence[Checkpoint]:
        """Return the complete checkpoints, oldest first."""
        return workspaces.checkpoints(workspace)

    def samples(self, workspace: Path) -> Sequence[Artifact]:
        """Return the grid of each round, oldest first, then the single pictures of the last one."""
        return workspaces.samples(workspace)

    def outcome(
        self, config: Mapping[str, Any], workspace: Path, exit_code: int | None
    ) -> tuple[bool, str]:
        """Tell whether the run said that it completed, else what its last word was."""
        return workspaces.outcome(workspace, exit_code)


def _lines(config: Mapping[str, Any]) -> str:
    """Return a config as JSON with a key a line; `indent` would write it by the slow encoder, and
    every submission asks for a launch."""
    inner = ",\n ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in config.items())
    return f"{{\n {inner}\n}}\n"


def _problem(detail: ErrorDetails) -> Problem:
    """Return one of pydantic's errors in our words."""
    path = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        close = get_close_matches(path, TinyConfig.model_fields, n=1)
        hint = f", did you mean {close[0]!r}?" if close else ""
        return Problem(path, f"unknown key {path!r}{hint}")
    return Problem(path, f"{detail['msg']} (given: {detail['input']!r})")
