"""A trainer that learns nothing: a real process that writes and dies as it is told."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..contracts import Artifact, Checkpoint, Launch, Problem, StopStep
from ..progress.event_lines import parse_event_line
from ..progress.readings import Source

SCRIPT = Path(__file__).with_name("fake_training.py")


class FakeConfig(BaseModel):
    """What a fake training can be told."""

    model_config = ConfigDict(extra="forbid")

    steps: int = Field(10, ge=1, le=100_000, description="How many steps it pretends to train.")
    step_seconds: float = Field(0.01, ge=0, le=60, description="How long a step takes, in seconds.")
    save_every: int = Field(5, ge=1, description="Steps between two checkpoints.")
    crash_at: int = Field(0, ge=0, description="Dies by SIGKILL at this step of the first attempt.")
    fail_at: int = Field(0, ge=0, description="Ends with exit code 3 at this step.")
    ignore_sigterm: bool = Field(False, description="Does not listen to SIGTERM.")
    orphans: int = Field(0, ge=0, le=8, description="Processes it leaves in sessions of their own.")
    note: str = Field("", description="Anything; for tests that look for a text.")


class FakeTrainer:
    """A real process without any learning: writes steps, logs and checkpoints as it is told."""

    name = "fake_trainer"
    title = "Fake training"
    schema: type[BaseModel] | None = FakeConfig

    def validate(self, config: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
        """Return the config with defaults, and every problem at its field."""
        try:
            return FakeConfig.model_validate(dict(config)).model_dump(), []
        except ValidationError as error:
            problems = [
                Problem(".".join(map(str, each["loc"])), each["msg"]) for each in error.errors()
            ]
            return dict(config), problems

    def length(self, config: Mapping[str, Any]) -> int | None:
        """Return the number of steps."""
        return FakeConfig.model_validate(dict(config)).steps

    def launch(self, config: Mapping[str, Any], workspace: Path) -> Launch:
        """Return how to start from step 0."""
        return self._launch(config, "")

    def resume(self, config: Mapping[str, Any], workspace: Path, checkpoint: str) -> Launch:
        """Return how to go on from `checkpoint`."""
        return self._launch(config, checkpoint)

    def _launch(self, config: Mapping[str, Any], checkpoint: str) -> Launch:
        text = FakeConfig.model_validate(dict(config)).model_dump_json()
        return Launch(
            argv=(sys.executable, "-I", str(SCRIPT), checkpoint),
            files={"fake.json": text},
            soft_stop=(StopStep(write=("stop", "{n}"), wait_for="checkpoints/*", seconds=2.0),),
            checkpoint=(StopStep(write=("save", "{n}"), wait_for="checkpoints/*", seconds=10.0),),
            grace_seconds=1.0,
        )

    def sources(self, config: Mapping[str, Any], workspace: Path) -> Sequence[Source]:
        """Return the file with its event lines."""
        return [Source("metrics.jsonl", parse_event_line)]

    def checkpoints(self, workspace: Path) -> Sequence[Checkpoint]:
        """Return its checkpoints, oldest first."""
        found = (workspace / "checkpoints").glob("step-*.json")
        return sorted((_checkpoint(path, workspace) for path in found), key=lambda one: one.step)

    def samples(self, workspace: Path) -> Sequence[Artifact]:
        """Return nothing: it draws no pictures."""
        return []

    def outcome(
        self, config: Mapping[str, Any], workspace: Path, exit_code: int | None
    ) -> tuple[bool, str]:
        """Tell whether it wrote its last line, `completed`."""
        path = workspace / "metrics.jsonl"
        last = path.read_text("utf-8").splitlines()[-1:] if path.exists() else []
        if last and '"completed"' in last[0]:
            return True, ""
        return False, f"the fake training did not complete (exit code {exit_code})"


def _checkpoint(path: Path, workspace: Path) -> Checkpoint:
    stat = path.stat()
    saved_at = datetime.fromtimestamp(stat.st_mtime, UTC)
    step = int(path.stem.split("-")[1])
    return Checkpoint(str(path.relative_to(workspace)), step, stat.st_size, saved_at)
