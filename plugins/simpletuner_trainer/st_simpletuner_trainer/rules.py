"""Who may submit what: keys that run code or send data out, and paths, need rights of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from st_core.contracts import Denial, Permission, Submission, Viewer
from st_core.services import path_rules

from . import keys, settings
from .settings import SECTION
from .trainer import NAME

RUN_CODE, PUBLISH, ANY_PATH = "trainer.run_code", "trainer.publish", "trainer.any_path"

PERMISSIONS = [
    Permission(RUN_CODE, "Train with configs that run code of their own", ("admin",)),
    Permission(
        PUBLISH, "Let trainings send results to other servers", ("researcher", "lead", "admin")
    ),
    Permission(ANY_PATH, "Name any path of the server's machine in configs", ("admin",)),
]


def check(submission: Submission) -> list[Denial]:
    """Return what forbids this submission; nothing for another trainer's."""
    if submission.trainer != NAME:
        return []
    options, config, viewer = settings.current(), submission.config, submission.viewer
    denials = [*_unguarded(config, viewer)]
    if not viewer.may(ANY_PATH):
        denials += [
            Denial(f"{SECTION}.allowed_roots", f"{key}: {reason}.")
            for key, text in path_rules.paths_in(config, keys.PROSE)
            if (
                reason := path_rules.refusal(
                    text, options.allowed_roots, f"{SECTION}.allowed_roots"
                )
            )
        ]
    return [*denials, *_impossible(submission, bool(options.python))]


def _unguarded(config: Mapping[str, Any], viewer: Viewer) -> Iterator[Denial]:
    """Yield a denial for every guarded key whose right the viewer lacks."""
    parts = [config, *(part for part in config.get("dataloader_config") or () if part)]
    for part in parts:
        for name, names, what in (
            (RUN_CODE, keys.RUNS_CODE, "lets the trainer run code"),
            (PUBLISH, keys.SENDS_OUT, "sends data to another server"),
        ):
            if not viewer.may(name):
                for key in keys.guarded(part, names):
                    yield Denial(name, f"{key} {what}: that needs the permission {name}.")
    if viewer.may(PUBLISH):
        return
    for place in keys.remote_reports(config):
        yield Denial(
            PUBLISH, f"report_to sends metrics to {place}: that needs the permission {PUBLISH}."
        )
    for part in parts[1:]:
        if str(part.get("type")) in keys.REMOTE_BACKENDS:
            yield Denial(
                PUBLISH,
                f"dataloader_config: {part.get('id', 'a backend')} of type {part['type']} writes "
                f"to another server: that needs the permission {PUBLISH}.",
            )


def _impossible(submission: Submission, has_python: bool) -> Iterator[Denial]:
    if not has_python:
        yield Denial(
            f"{SECTION}.python",
            f"SimpleTuner is not set up on this server: an admin sets {SECTION}.python and checks "
            "it with the trainer doctor.",
        )
    if submission.start_from_checkpoint and submission.config.get("model_type") == "full":
        yield Denial(
            f"{SECTION}.start_from",
            "SimpleTuner can begin with another job's checkpoint only if model_type is lora.",
        )
