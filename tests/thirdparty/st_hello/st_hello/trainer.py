"""What runs: a process that says hello as often as it is told and leaves a line behind."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from st_core.contracts import Artifact, Checkpoint, Launch, Problem
from st_core.progress.event_lines import parse_event_line
from st_core.progress.readings import Source

SCRIPT = Path(__file__).with_name("training.py")


class HelloConfig(BaseModel):
    """What a greeting run can be told."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field("world", min_length=1, max_length=50, description="Whom to greet.")
    times: int = Field(3, ge=1, le=1000, description="How often.")


class HelloTrainer:
    """Greets; its checkpoint is the number of greetings so far."""

    name = "hello_trainer"
    title = "Hello"
    schema: type[BaseModel] | None = HelloConfig

    def validate(self, config: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
        """Return the config with defaults, and every problem at its field."""
        try:
            return HelloConfig.model_validate(dict(config)).model_dump(), []
        except ValidationError as error:
            found = error.errors()
            return dict(config), [Problem(".".join(map(str, e["loc"])), e["msg"]) for e in found]

    def length(self, config: Mapping[str, Any]) -> int | None:
        """Return the number of greetings."""
        return int(config["times"])

    def launch(self, config: Mapping[str, Any], workspace: Path) -> Launch:
        """Return how to greet from the beginning."""
        return self.resume(config, workspace, "")

    def resume(self, config: Mapping[str, Any], workspace: Path, checkpoint: str) -> Launch:
        """Return how to go on greeting."""
        words = (str(SCRIPT), config["name"], str(config["times"]), checkpoint)
        return Launch(argv=(sys.executable, "-I", *words))

    def sources(self, config: Mapping[str, Any], workspace: Path) -> Sequence[Source]:
        """Return the file of event lines."""
        return [Source("metrics.jsonl", parse_event_line)]

    def checkpoints(self, workspace: Path) -> Sequence[Checkpoint]:
        """Return the one checkpoint."""
        path = workspace / "checkpoints" / "greeted.txt"
        if not path.exists():
            return []
        text = path.read_text()
        return [Checkpoint("checkpoints/greeted.txt", int(text), len(text))]

    def samples(self, workspace: Path) -> Sequence[Artifact]:
        """Return nothing: greetings are not pictures."""
        return []

    def outcome(
        self, config: Mapping[str, Any], workspace: Path, exit_code: int | None
    ) -> tuple[bool, str]:
        """Tell whether everybody was greeted."""
        done = self.checkpoints(workspace)
        if exit_code == 0 and done and done[0].step == config["times"]:
            return True, ""
        return False, f"only {done[0].step if done else 0} of {config['times']} greetings were said"
