"""How a run begins: from nothing, from its own checkpoint, or with the weights of another run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import config as configs
from . import data, environment, folders
from .config import BadConfig, Config
from .control import Control
from .data import Dataset
from .events import Events, say
from .folders import Found
from .network import Architecture
from .run import Run
from .state import State


def begin(path: Path, out: Path, events: Events, env: Mapping[str, str]) -> Run:
    """Return the run that the config file at `path` describes, ready to train.

    Raises BadConfig when config, data or checkpoint cannot be used.
    """
    config = configs.read(path)
    begun_ns = path.stat().st_mtime_ns  # whoever starts a run writes its config just before
    control = Control(Path(env.get("TRAINER_CONTROL") or out / folders.CONTROL), begun_ns)
    dataset = _load(config, events, env)
    pixels, classes = dataset.pixels.shape[1], len(dataset.captions)
    state = State(Architecture(pixels, classes, config.width, config.blocks), config.seed)
    say(f"model: {state.weights.flat.size} weights")
    earlier_seconds = 0.0
    if given := env.get("TRAINER_RESUME_FROM"):
        earlier_seconds = _go_on(state, config, dataset, out / given, out, events)
    return Run(config, dataset, state, out, events, control, earlier_seconds)


def _load(config: Config, events: Events, env: Mapping[str, str]) -> Dataset:
    """Return the pictures and tell what they are."""
    events.write("stage", stage="loading_data", label="reading the pictures")
    roots = env.get("TINY_TRAINER_DATA_ROOTS")
    dataset = data.load(config, json.loads(roots) if roots else None)
    pictures, classes = len(dataset.labels), len(dataset.captions)
    say(f"data: {dataset.name}, {pictures} pictures in {classes} classes, {dataset.sides}")
    events.write(
        "dataset",
        name=dataset.name,
        pictures=pictures,
        classes=classes,
        sides=list(dataset.sides),
        sha256=dataset.sha256,
    )
    return dataset


def _go_on(
    state: State, config: Config, dataset: Dataset, path: Path, out: Path, events: Events
) -> float:
    """Fill `state` from the checkpoint at `path`; return the seconds trained before it.

    The rule: a checkpoint inside this run's own folder is continued; one from elsewhere only lends
    its weights, and the run begins at step 0. Raises BadConfig when the checkpoint does not fit.
    """
    found = folders.lookup(path)
    if found is None:
        raise BadConfig(f"{path} is no complete checkpoint: choose another or start anew")
    _check_fit("architecture", found, asdict(state.architecture))
    own = found.folder.resolve().is_relative_to(out)
    if own:
        _check_fit("data", found, {"sha256": dataset.sha256})
        state.restore(found)
        _note_changes(found, config)
        say(f"going on after step {found.step}")
    else:
        state.start_from(found)
        say(f"starting with the weights of {found.folder}")
    events.write("resume", step=state.step, path=str(path), own=own)
    return float(found.state.get("elapsed_seconds", 0)) if own else 0.0


def _check_fit(what: str, found: Found, now: dict[str, Any]) -> None:
    changed = _changes(found, what, now)
    if changed:
        raise BadConfig(
            f"the checkpoint {found.folder} does not fit, its {what} differs "
            f"({'; '.join(changed)}): undo the change, or start a new run from the beginning"
        )


def _note_changes(found: Found, config: Config) -> None:
    """Say when equal bits cannot be expected: another config, another machine."""
    for what, now in (("config", config.as_dict()), ("environment", environment.describe())):
        for change in _changes(found, what, now):
            say(f"note: {what}: {change}; results may differ from an uninterrupted run")


def _changes(found: Found, what: str, now: dict[str, Any]) -> list[str]:
    before = found.state.get(what, {})
    return [
        f"{key} was {before.get(key)}, is {value}"
        for key, value in now.items()
        if before.get(key) != value
    ]
