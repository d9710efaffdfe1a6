"""Who may submit what: profiles and parameters with a right of their own, and paths."""

from __future__ import annotations

from collections.abc import Iterator

from st_core.contracts import Denial, Submission
from st_core.services import path_rules, settings, trainers

from .profile import Profile
from .settings import SECTION
from .trainer import CommandTrainer

ANY_PATH = "trainer.any_path"


def check(submission: Submission) -> list[Denial]:
    """Return what forbids this submission; nothing for another plugin's trainer."""
    trainer = trainers.all_().get(submission.trainer)
    if not isinstance(trainer, CommandTrainer):
        return []
    profile, viewer = trainer.profile, submission.viewer
    denials = [*_unheld(profile, submission)]
    if not viewer.may(ANY_PATH):
        prose = {name for name, each in profile.parameters.items() if each.type == "text"}
        roots = tuple(settings.value(f"{SECTION}.allowed_roots"))
        denials += [
            Denial(f"{SECTION}.allowed_roots", f"{name}: {reason}.")
            for name, text in path_rules.paths_in(submission.config, prose)
            if (reason := path_rules.refusal(text, roots, f"{SECTION}.allowed_roots"))
        ]
    if submission.start_from_checkpoint and profile.resume is None:
        denials.append(
            Denial(f"{SECTION}.start_from", f"{profile.title} cannot begin with a checkpoint.")
        )
    return denials


def _unheld(profile: Profile, submission: Submission) -> Iterator[Denial]:
    """Yield a denial for the profile and each parameter in use whose right the viewer lacks."""
    needed = [(profile.title, profile.permission)]
    needed += [
        (name, parameter.permission)
        for name, parameter in profile.parameters.items()
        if submission.config.get(name) not in (None, False, "")
    ]
    for what, permission in needed:
        if permission and not submission.viewer.may(permission):
            yield Denial(permission, f"{what} needs the permission {permission}.")
