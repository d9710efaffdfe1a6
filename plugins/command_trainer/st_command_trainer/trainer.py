"""A trainer for each profile. It reads only the workspace and starts nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from st_core.contracts import Artifact, Checkpoint, Launch, Problem, Source
from st_core.errors import ConfigError
from st_core.progress.event_lines import parse_event_line
from st_core.progress.failures import LOG
from st_core.progress.log_lines import LogLines
from st_core.progress.reader import Reader
from st_core.progress.simpletuner_files import parse_metrics_line
from st_core.progress.tensorboard_files import tensorboard_folder
from st_core.progress.trainer_states import parse_trainer_state
from st_core.progress.whole_files import whole_file

from . import launching, results
from .parameters import schema_of
from .profile import File, Profile
from .templates import fill


class CommandTrainer:
    """Runs the command of one profile; a submitter only fills in its parameters."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.name = profile.trainer
        self.title = profile.title
        self.schema: type[BaseModel] | None = schema_of(profile.name, profile.parameters)

    def validate(self, config: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
        """Return the parameters with their defaults, and every problem at its parameter."""
        assert self.schema is not None
        try:
            filled = self.schema.model_validate(dict(config)).model_dump(exclude_none=True)
        except ValidationError as error:
            return dict(config), [self._problem(item) for item in error.errors()]
        return filled, [*self._smuggled(filled)]

    def length(self, config: Mapping[str, Any]) -> int | None:
        """Return the parameter that counts the steps, None when the profile names none."""
        steps = config.get(self.profile.steps) if self.profile.steps else None
        return steps if isinstance(steps, int) and steps > 0 else None

    def launch(self, config: Mapping[str, Any], workspace: Path) -> Launch:
        """Return the start from the beginning."""
        return launching.build(self.profile, config, workspace)

    def resume(self, config: Mapping[str, Any], workspace: Path, checkpoint: str) -> Launch:
        """Return the start from `checkpoint`; a command that cannot go on begins anew.

        Raises ConfigError when it should begin with another job's checkpoint and cannot.
        """
        if self.profile.resume is None and checkpoint.startswith("/"):
            raise ConfigError(f"{self.title} cannot begin with a checkpoint.")
        return launching.build(self.profile, config, workspace, checkpoint)

    def sources(self, config: Mapping[str, Any], workspace: Path) -> Sequence[Source]:
        """Return the profile's files, then our own protocol's, then the log."""
        log = self.profile.progress.log
        lines = LogLines(
            bars=log.bars,
            dicts=log.dicts,
            training_bar=log.training_bar,
            patterns=log.patterns,
            stages=log.stages,
            aliases=self.profile.metric_aliases,
        )
        return (
            *(_source(file) for file in self.profile.progress.files),
            Source("metrics.jsonl", parse_event_line),
            Source(LOG, lines, splits_on_cr=True),
        )

    def checkpoints(self, workspace: Path) -> Sequence[Checkpoint]:
        """Return the complete checkpoints, oldest first; none when the command cannot resume."""
        return results.checkpoints(workspace, self.profile.checkpoints)

    def samples(self, workspace: Path) -> Sequence[Artifact]:
        """Return the sample pictures, oldest first."""
        return results.samples(workspace, self.profile.samples)

    def outcome(
        self, config: Mapping[str, Any], workspace: Path, exit_code: int | None
    ) -> tuple[bool, str]:
        """Tell from the profile's evidence whether the command completed, and why not."""
        rule = self.profile.completion
        reader = Reader(workspace, self.sources(config, workspace))
        if rule.steps:
            reader.advance()
        values = launching.places(self.profile, config, workspace)
        file = fill(rule.file, values) if rule.file else None
        return results.outcome(workspace, rule, file, reader.latest, exit_code)

    def _smuggled(self, filled: Mapping[str, Any]) -> Iterator[Problem]:
        values = launching.places(self.profile, filled, Path("/"))
        for word, name in self.profile.open_words():
            if (fill(word, values) or "").startswith("-"):
                yield Problem(name, "begins with a dash: the command would take it for an option")

    def _problem(self, item: Any) -> Problem:
        path = ".".join(map(str, item["loc"][:1]))
        if item["type"] == "extra_forbidden":
            known = ", ".join(self.profile.parameters) or "none"
            return Problem(path, f"is no parameter of {self.title}; there are: {known}")
        if item["type"] == "missing":
            return Problem(path, "is required")
        if item["type"] == "string_pattern_mismatch":
            return Problem(path, f"{item['input']!r} does not have the form this parameter needs")
        return Problem(path, f"{item['msg']}, not {item['input']!r}"[:300])


def _source(file: File) -> Source:
    if file.format == "trainer_state":
        return whole_file(file.path, parse_trainer_state)
    if file.format == "tensorboard":
        return tensorboard_folder(file.path)
    parse = parse_metrics_line if file.format == "simpletuner" else parse_event_line
    return Source(file.path, parse)
