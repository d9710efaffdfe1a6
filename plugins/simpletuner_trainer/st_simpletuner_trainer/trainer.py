"""The trainer SimpleTuner, as the core sees it. It reads only the workspace and starts nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel

from st_core.contracts import Artifact, Checkpoint, KeyNeed, Launch, Problem, Source
from st_core.errors import ConfigError
from st_core.progress.failures import LOG
from st_core.progress.log_lines import LogLines
from st_core.progress.simpletuner_files import media_parser, parse_manifest, parse_metrics_line
from st_core.progress.whole_files import whole_file

from . import hub, launching, results, settings, validation
from .hub import NAME
from .launching import OUTPUT, WEIGHTS
from .schema import SimpleTunerConfig
from .settings import Options
from .stages import STAGES


class SimpleTunerTrainer:
    """Trains image, video and audio models with SimpleTuner in an environment of its own."""

    name = NAME
    title = "SimpleTuner"
    schema: type[BaseModel] | None = SimpleTunerConfig

    def __init__(self, options: Callable[[], Options] = settings.current) -> None:
        self._options = options

    def validate(self, config: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
        """Return the config with bare keys, and every problem at its field."""
        return validation.validate(config)

    def keys_for(self, config: Mapping[str, Any]) -> Sequence[KeyNeed]:
        """Return the Hugging Face token: the submitter's own or one that is shared on purpose.

        None for jobs that push with the server's push token, which a permission guards."""
        return hub.keys_for(config)

    def length(self, config: Mapping[str, Any]) -> int | None:
        """Return `max_train_steps`; None when epochs decide."""
        steps = config.get("max_train_steps")
        return steps if isinstance(steps, int) and steps > 0 else None

    def launch(self, config: Mapping[str, Any], workspace: Path) -> Launch:
        """Return the start from the beginning. Raises ConfigError while no Python is set."""
        return launching.build(config, workspace, self._options())

    def resume(self, config: Mapping[str, Any], workspace: Path, checkpoint: str) -> Launch:
        """Return the start from `checkpoint`.

        Another job's checkpoint gives its weights to begin with; SimpleTuner resumes only its own.
        Raises ConfigError when that is asked of a training of every weight.
        """
        path = PurePosixPath(checkpoint)
        if not path.is_absolute():
            return launching.build(config, workspace, self._options(), resume=path.name)
        if config.get("model_type") == "full":
            raise ConfigError(
                "SimpleTuner can begin with another job's checkpoint only for adapters "
                "(model_type lora); for a full model set pretrained_model_name_or_path instead."
            )
        begun = {**config, "init_lora": str(path / WEIGHTS)}
        return launching.build(begun, workspace, self._options())

    def sources(self, config: Mapping[str, Any], workspace: Path) -> Sequence[Source]:
        """Return SimpleTuner's own files first, then its log for total, pace and stages."""
        return (
            Source(f"{OUTPUT}/training_metrics.jsonl", parse_metrics_line),
            whole_file(results.MANIFEST, parse_manifest),
            Source(f"{OUTPUT}/validation_media.jsonl", media_parser(OUTPUT)),
            Source(LOG, LogLines(dicts=False, stages=STAGES), splits_on_cr=True),
        )

    def checkpoints(self, workspace: Path) -> Sequence[Checkpoint]:
        """Return the complete checkpoints, oldest first."""
        return results.checkpoints(workspace)

    def samples(self, workspace: Path) -> Sequence[Artifact]:
        """Return the pictures of the validations, oldest first."""
        return results.samples(workspace)

    def outcome(
        self, config: Mapping[str, Any], workspace: Path, exit_code: int | None
    ) -> tuple[bool, str]:
        """Tell from the manifest whether the training completed, and why not."""
        return results.outcome(workspace, exit_code)
