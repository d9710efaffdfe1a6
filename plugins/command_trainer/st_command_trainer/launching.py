"""From a profile and a checked config to a launch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from st_core.contracts import Launch, StopStep

from .config_writers import write
from .profile import Profile, Step, When
from .templates import fill, fill_in

OUTPUT = "output"


def build(
    profile: Profile, config: Mapping[str, Any], workspace: Path, checkpoint: str | None = None
) -> Launch:
    """Return the launch; with `checkpoint` (relative to the workspace or absolute) a resume."""
    values = places(profile, config, workspace)
    arguments = list(profile.arguments)
    overrides: Mapping[str, Any] = {}
    if checkpoint is not None and profile.resume is not None:
        path = PurePosixPath(workspace) / checkpoint  # an absolute checkpoint stays as it is
        values |= {"checkpoint": str(path), "checkpoint_name": path.name}
        arguments += profile.resume.arguments
        overrides = fill_in(profile.resume.values, values)
    return Launch(
        argv=(profile.program, *_words(arguments, values)),
        env=_environment(profile, values),
        files=_files(profile, config, values, overrides),
        gpus=values["gpus"],
        soft_stop=_steps(profile.soft_stop),
        checkpoint=_steps(profile.checkpoint_now),
        grace_seconds=profile.grace_seconds,
    )


def places(profile: Profile, config: Mapping[str, Any], workspace: Path) -> dict[str, Any]:
    """Return the value of every place but those of a resume."""
    gpus = config.get(profile.gpus) if isinstance(profile.gpus, str) else profile.gpus
    return {
        **profile.variables,
        **{name: config.get(name) for name in profile.parameters},
        "workspace": str(workspace),
        "output_dir": str(workspace / OUTPUT),
        "config_file": str(workspace / profile.config_file.path) if profile.config_file else None,
        "gpus": int(gpus or 0),
    }


def _words(arguments: Iterable[str | When], values: Mapping[str, Any]) -> list[str]:
    """Return the words of the command; a word whose parameter has no value is left out."""
    words: list[str] = []
    for argument in arguments:
        if isinstance(argument, str):
            wanted = [argument]
        else:
            wanted = argument.add if values.get(argument.when) not in (None, False, "") else []
        words += [filled for word in wanted if (filled := fill(word, values)) is not None]
    return words


def _environment(profile: Profile, values: Mapping[str, Any]) -> dict[str, str]:
    filled = {name: fill(text, values) for name, text in profile.environment.items()}
    return {name: text for name, text in filled.items() if text is not None}


def _files(
    profile: Profile,
    config: Mapping[str, Any],
    values: Mapping[str, Any],
    overrides: Mapping[str, Any],
) -> dict[str, str]:
    """Return the files of the command; one makes its output folder be there from the beginning."""
    made = {path: fill(text, values) or "" for path, text in profile.files.items()}
    made[f"{OUTPUT}/.made"] = ""
    if profile.config_file is None:
        return made
    own = profile.config_file.values
    content = dict(config) if own is None else fill_in(own, values)
    return made | {
        profile.config_file.path: write(profile.config_file.format, {**content, **overrides})
    }


def _steps(steps: Iterable[Step]) -> tuple[StopStep, ...]:
    return tuple(
        StopStep(
            write=step.write,
            wait_for=step.wait_for,
            signal=step.signal,
            seconds=step.seconds,
            only_if=step.only_if,
        )
        for step in steps
    )
