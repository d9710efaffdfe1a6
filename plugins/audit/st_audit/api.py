"""`/api/audit`: read the log and check it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint

from st_core.api.routing import route
from st_core.errors import NotFound

from . import reading, schemas, standing
from .reading import Wanted

blueprint = Blueprint("audit", __name__)
MAY = "admin.audit"
#: Most findings in one answer; the first is what matters.
MOST_FINDINGS = 100


@route(
    blueprint,
    "/api/audit",
    permission=MAY,
    summary="Entries of the audit log, the newest first",
    query=schemas.ListQuery,
    answers={200: schemas.Entries},
    errors=(400,),
)
def list_entries(query: schemas.ListQuery) -> schemas.Entries:
    """List entries that fit every filter."""
    return _page(wanted_of(query), query)


@route(
    blueprint,
    "/api/audit/user/<int:user_id>",
    permission=MAY,
    summary="What one person did",
    query=schemas.PageQuery,
    answers={200: schemas.Entries},
)
def of_user(user_id: int, query: schemas.PageQuery) -> schemas.Entries:
    """List the entries of one actor."""
    return _page(Wanted(actor_id=user_id), query)


@route(
    blueprint,
    "/api/audit/security",
    permission=MAY,
    summary="What concerns security: sign-ins, keys, refusals, the log itself",
    query=schemas.PageQuery,
    answers={200: schemas.Entries},
)
def security(query: schemas.PageQuery) -> schemas.Entries:
    """List entries of the categories auth and security."""
    return _page(Wanted(security=True), query)


@route(
    blueprint,
    "/api/audit/entries/<int:entry_id>",
    permission=MAY,
    summary="One entry",
    answers={200: schemas.Entry},
    errors=(404,),
)
def one_entry(entry_id: int) -> schemas.Entry:
    """Return one entry by its number."""
    row = reading.one(entry_id)
    if row is None:
        raise NotFound(f"there is no audit entry {entry_id} in the database; it may be archived")
    return _entry(row)


@route(
    blueprint,
    "/api/audit/stats",
    permission=MAY,
    summary="How many entries there are, of which kinds",
    answers={200: schemas.Stats},
)
def stats() -> schemas.Stats:
    """Return figures of the log."""
    return schemas.Stats(**reading.stats())


@route(
    blueprint,
    "/api/audit/types",
    permission=MAY,
    summary="Kinds of events",
    answers={200: schemas.Kinds},
)
def types() -> schemas.Kinds:
    """List every kind of event."""
    known = reading.known_types().items()
    return schemas.Kinds(
        event_types=[
            schemas.Kind(value=name, name=kind.summary if kind else name) for name, kind in known
        ]
    )


@route(
    blueprint,
    "/api/audit/verify",
    permission=MAY,
    summary="Check the log, or a range of it",
    query=schemas.RangeQuery,
    answers={200: schemas.Verified},
    errors=(400,),
)
def verify_range(query: schemas.RangeQuery) -> schemas.Verified:
    """Check hashes, seals and signatures of the entries asked for."""
    return _verified(schemas.VerifyBody(**query.model_dump()))


@route(
    blueprint,
    "/api/audit/verify",
    methods=("POST",),
    permission=MAY,
    summary="Check the log, with checkpoints that were kept elsewhere",
    body=schemas.VerifyBody,
    answers={200: schemas.Verified},
    errors=(400,),
)
def verify_with_anchors(body: schemas.VerifyBody) -> schemas.Verified:
    """Check as GET does; anchors tell when the log was cut or rolled back."""
    return _verified(body)


def wanted_of(query: schemas.FilterQuery, **more: Any) -> Wanted:
    """Return what a query asks for. Raises SetTimeRule for a kind nobody knows."""
    return Wanted(
        event_types=(reading.event_type(query.event_type),) if query.event_type else (),
        actor_id=query.actor_id,
        target_type=query.target_type,
        target_id=query.target_id,
        since=query.since,
        until=query.until,
        q=query.q,
        refused=None if query.result is None else query.result == "refused",
        **more,
    )


def _page(wanted: Wanted, query: schemas.PageQuery) -> schemas.Entries:
    offset = 0 if query.cursor else query.offset
    found = reading.page(wanted, query.limit, offset=offset, before=query.cursor)
    return schemas.Entries(
        entries=[_entry(row) for row in found.rows],
        total=found.total,
        has_more=found.older is not None,
        next=found.older,
    )


def _entry(row: Mapping[str, Any]) -> schemas.Entry:
    """Return an entry as clients know it; JSON that somebody damaged is shown as it is."""
    read = {name: reading.json_of(row[name]) for name in ("details", "before", "after")}
    return schemas.Entry(**{**row, **read, "id": row["number"]})


def _verified(asked: schemas.VerifyBody) -> schemas.Verified:
    found = standing.check(asked.start_id, asked.end_id, asked.anchors)
    report = found.report
    return schemas.Verified(
        valid=report.valid,
        entries_checked=report.entries_checked,
        broken_links=[
            schemas.BrokenLink(
                id=each.number, since_id=each.since, kind=each.kind, message=each.message
            )
            for each in report.findings[:MOST_FINDINGS]
        ],
        first_id=report.first_number,
        last_id=report.last_number,
        first_bad_id=report.first_bad,
        last_hash=found.last_hash,
        key=found.key,
        notes=report.notes,
        seconds=round(found.seconds, 3),
        message=found.sentence,
    )
