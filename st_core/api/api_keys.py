"""API keys over HTTP (`/api/auth/api-keys`, and where the guide's tutorial looks for them)."""

from __future__ import annotations

from flask import Blueprint

from ..clock import now
from ..models import ApiKey
from ..services import api_keys, config_names, permissions, users
from . import pages
from .guard import current_viewer
from .routing import SIGNED_IN, route
from .schemas import api_keys as schemas
from .schemas.kinds import Success

blueprint = Blueprint("api_keys", __name__)
ALL = ["/api/auth/api-keys", "/api/cloud/auth/api-keys"]


@route(
    blueprint,
    ALL,
    permission=SIGNED_IN,
    summary="List API keys",
    query=schemas.ApiKeyQuery,
    answers={200: schemas.ApiKeys},
    errors=[404],
)
def list_keys(query: schemas.ApiKeyQuery) -> schemas.ApiKeys:
    """List one's own keys; with `api.keys.all`, everybody's or another account's."""
    viewer = current_viewer()
    if query.all:
        after = pages.decode_number(query.cursor)
        rows = api_keys.everyones(viewer, limit=query.limit + 1, after=after)
        more, rows = len(rows) > query.limit, rows[: query.limit]
        return _listed(rows, pages.encode(str(rows[-1].id)) if more else None)
    if query.user_id is not None and query.user_id != viewer.user_id:
        permissions.require(viewer, "api.keys.all")
        return _listed(api_keys.of(users.get(query.user_id).id))
    return _listed(api_keys.of(viewer.user_id))


@route(
    blueprint,
    ALL,
    methods=["POST"],
    permission=("api.keys.own", "api.keys.all"),
    summary="Make an API key",
    body=schemas.CreateApiKeyBody,
    answers={201: schemas.NewApiKey},
    errors=[400, 404],
    step_up=True,
)
def create(body: schemas.CreateApiKeyBody) -> schemas.NewApiKey:
    """Make a key for oneself or for a service account; the key itself is answered this once."""
    row, key = api_keys.mint(
        current_viewer(),
        body.name,
        user_id=body.user_id,
        expires_days=body.expires_days,
        scopes=body.scoped_permissions,
    )
    return schemas.NewApiKey(key=key, key_info=_listed([row]).api_keys[0])


@route(
    blueprint,
    [f"{path}/<int:key_id>" for path in ALL],
    methods=["DELETE"],
    permission=SIGNED_IN,
    summary="Revoke an API key",
    answers={200: Success},
    errors=[404],
)
def revoke(key_id: int) -> Success:
    """End a key at once and for good: one's own, or with `api.keys.all` anybody's."""
    api_keys.revoke(current_viewer(), key_id)
    return Success()


def _listed(rows: list[ApiKey], following: str | None = None) -> schemas.ApiKeys:
    owners, moment = config_names.people(row.user_id for row in rows), now()
    return schemas.ApiKeys(
        api_keys=[
            schemas.ApiKey(
                id=row.id,
                user_id=row.user_id,
                username=owners.get(row.user_id),
                name=row.name,
                key_prefix=row.prefix,
                created_at=row.created_at,
                last_used_at=row.last_used_at,
                expires_at=row.expires_at,
                is_active=row.is_active,
                is_expired=row.expires_at is not None and row.expires_at <= moment,
                scoped_permissions=row.scopes,
            )
            for row in rows
        ],
        next=following,
        total=len(rows),
        total_is_exact=following is None,
    )
