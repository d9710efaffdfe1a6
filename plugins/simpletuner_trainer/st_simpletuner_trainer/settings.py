"""The plugin's settings, and the typed view of them that the rest of it uses."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from st_core.contracts import Setting
from st_core.services import settings

SECTION = "simpletuner_trainer"

SETTINGS = [
    Setting(
        f"{SECTION}.python",
        str,
        "",
        "The Python of the environment that SimpleTuner is installed in (it is never imported into "
        "the server); empty while there is none.",
        unit="path",
        env="SIMPLETUNER_TRAINER_PYTHON",
    ),
    Setting(
        f"{SECTION}.cpu",
        bool,
        False,
        "Train on the processor instead of GPUs: slow, for tiny models and trials.",
    ),
    Setting(
        f"{SECTION}.allowed_roots",
        list[Path],
        [],
        "Folders with data and models that configs may name, besides the job's own; who holds "
        "trainer.any_path may name any.",
        unit="paths",
    ),
    Setting(
        f"{SECTION}.checkpoint_wait_seconds",
        float,
        60.0,
        "How long a cancelled training may take to save a checkpoint before it is ended.",
        unit="seconds",
        minimum=0,
        maximum=3600,
        editable=True,
    ),
    Setting(
        f"{SECTION}.offline",
        bool,
        False,
        "Never ask the Hugging Face Hub: models come from folders or the cache.",
    ),
    Setting(
        f"{SECTION}.hub_token",
        str,
        "",
        "Token for the Hugging Face Hub, given only to jobs whose config pushes there.",
        secret=True,
        env="SIMPLETUNER_TRAINER_HUB_TOKEN",
    ),
    Setting(
        f"{SECTION}.environment",
        dict[str, str],
        {},
        "Further environment variables of the trainer, HF_HOME for instance; no secrets.",
    ),
]


@dataclass(frozen=True)
class Options:
    """What the settings say. `python` is absolute, or empty while none is set."""

    python: str = ""
    cpu: bool = False
    allowed_roots: tuple[Path, ...] = ()
    checkpoint_wait_seconds: float = 60.0
    offline: bool = False
    environment: dict[str, str] = field(default_factory=dict)


def current() -> Options:
    """Return the settings of the current app."""
    python = settings.value(f"{SECTION}.python")
    return Options(
        python=os.path.abspath(os.path.expanduser(python)) if python else "",
        cpu=settings.value(f"{SECTION}.cpu"),
        allowed_roots=tuple(settings.value(f"{SECTION}.allowed_roots")),
        checkpoint_wait_seconds=settings.value(f"{SECTION}.checkpoint_wait_seconds"),
        offline=settings.value(f"{SECTION}.offline"),
        environment=settings.value(f"{SECTION}.environment"),
    )
