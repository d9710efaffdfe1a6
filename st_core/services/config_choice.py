"""Which config a draft means: a saved one by name, or the one it brings, and the trainer that
takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..contracts import Viewer
from ..errors import SubmissionInvalid
from . import configs, registries


def resolve(
    viewer: Viewer,
    config: Mapping[str, Any] | None,
    to_load: str | None,
    label: str | None,
    trainer: str | None,
) -> tuple[dict[str, Any], str, str, int | None]:
    """Return (data, trainer, name, revision id) of what a draft names or brings itself.

    Raises SubmissionInvalid when there is neither config nor name, or no trainer takes the config.
    """
    if config is None:
        name = to_load or label
        if not name:
            raise SubmissionInvalid(
                "nothing to train: give `config` (the parameters) or `config_name` (a saved one)",
                fields=[{"path": "config", "message": "missing"}],
            )
        newest = configs.revision(viewer, name)
        return dict(newest.data), trainer or configs.get(viewer, name).trainer, name, newest.id
    data = dict(config)
    chosen = trainer or data.pop("trainer", None) or _trainer_for(data)
    return data, chosen, label or to_load or str(data.get("name") or chosen), None


def _trainer_for(data: Mapping[str, Any]) -> str:
    """Return the first trainer that takes this config as it is. Raises SubmissionInvalid when
    none does."""
    for trainer in registries.trainers().values():
        _, problems = trainer.validate(data)
        if not problems:
            return trainer.name
    raise SubmissionInvalid(
        "no enabled trainer takes this config as it is; name one in `trainer` to see "
        "what it misses. "
        f"There are: {', '.join(registries.trainers()) or 'none'}.",
        fields=[{"path": "trainer", "message": "missing"}],
    )
