"""The revisions of a config over HTTP: list, look, compare, bring back."""

from __future__ import annotations

from flask import Blueprint

from ..services import config_names, configs
from . import rendering
from .configs import EDIT
from .guard import current_viewer
from .routing import route
from .schemas import configs as schemas

blueprint = Blueprint("revisions", __name__)
ONE = "/api/configs/<name>/revisions/<int(max=2147483647):number>"


@route(
    blueprint,
    "/api/configs/<name>/revisions",
    permission="config.view",
    summary="Every saved state",
    answers={200: schemas.Revisions},
    tags=["configs"],
)
def list_revisions(name: str) -> schemas.Revisions:
    """List a config's revisions, newest first, the last hundred."""
    rows = configs.revisions(current_viewer(), name)
    people = config_names.people(row.author_id for row in rows)
    return schemas.Revisions(
        config_name=name, revisions=[rendering.revision(row, people) for row in rows]
    )


@route(
    blueprint,
    ONE,
    permission="config.view",
    summary="One saved state",
    answers={200: schemas.RevisionWithData},
    tags=["configs"],
)
def get(name: str, number: int) -> schemas.RevisionWithData:
    """Return a config as it was in a revision."""
    row = configs.revision(current_viewer(), name, number)
    people = config_names.people([row.author_id])
    return schemas.RevisionWithData(
        **rendering.revision(row, people).model_dump(), config_name=name, data=row.data
    )


@route(
    blueprint,
    "/api/configs/<name>/diff",
    permission="config.view",
    summary="How two revisions differ",
    query=schemas.DiffQuery,
    answers={200: schemas.Diff},
    tags=["configs"],
)
def diff(name: str, query: schemas.DiffQuery) -> schemas.Diff:
    """Compare revision `from` with `to`; not given, the newest with the one before."""
    viewer = current_viewer()
    new = query.new or configs.get(viewer, name).revision
    old = query.old or max(1, new - 1)
    found = configs.diff(viewer, name, old, new)
    return schemas.Diff(config_name=name, old=old, new=new, changes=rendering.changes(found))


@route(
    blueprint,
    f"{ONE}/restore",
    methods=["POST"],
    permission=EDIT,
    summary="Bring an old revision back",
    body=schemas.RestoreBody,
    answers={200: schemas.RevisionWithData},
    errors=[400, 409],
    tags=["configs"],
)
def restore(name: str, number: int, body: schemas.RestoreBody) -> schemas.RevisionWithData:
    """Save an old revision's content as the newest; nothing is lost."""
    configs.restore(current_viewer(), name, number, note=body.note)
    return get(name=name, number=configs.get(current_viewer(), name).revision)
