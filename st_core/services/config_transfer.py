"""Configs in and out: store what was found in files, and write one as a zip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import select

from ..contracts import Viewer
from ..db import db
from ..errors import Conflict
from ..models import Config
from . import config_files, configs, permissions, registries
from .config_files import ImportedConfig


def take_in(
    viewer: Viewer,
    found: Sequence[ImportedConfig],
    *,
    trainer: str | None = None,
    note: str = "",
    overwrite: bool = False,
) -> list[Config]:
    """Store configs; with `overwrite` a name that exists gets a new revision. Nothing is stored
    unless all can be.

    Raises SubmissionInvalid with every problem at its field, Conflict for a name that is taken,
    NotAllowed for one that is somebody else's, NotFound for a trainer that is not enabled.
    """
    wanted = [replace(item, trainer=trainer or item.trainer) for item in found]
    for item in wanted:
        registries.trainer(item.trainer)
        configs.refuse_problems(item.trainer, item.data)
    names = [item.name for item in wanted]
    there = list(db.session.scalars(select(Config).where(Config.name.in_(names))))
    taken = {config.name for config in there}
    if not taken.issuperset(names):
        permissions.require(viewer, "config.create")
    if taken and not overwrite:
        raise Conflict(
            f"there is a config named {', '.join(sorted(taken))} already; "
            "overwrite it to save a new revision, or rename the file.",
            code="duplicate",
        )
    for config in there:
        configs.require_on(viewer, config, "config.edit")
    return [_store(viewer, item, note or "imported", item.name in taken) for item in wanted]


def export(viewer: Viewer, name: str) -> bytes:
    """Return a config's newest revision as a zip in SimpleTuner's own form."""
    config, newest = configs.get(viewer, name), configs.revision(viewer, name)
    described = {"description": config.description, "revision": config.revision}
    return config_files.export_zip(name, config.trainer, newest.data, described)


def _store(viewer: Viewer, item: ImportedConfig, note: str, exists: bool) -> Config:
    if exists:
        return configs.save(viewer, item.name, item.data, note=note)
    return configs.create(
        viewer, item.name, item.trainer, item.data, description=item.description[:500], note=note
    )
