"""`/api/audit`: take the log away, signed, and say where it is sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from flask import Response, stream_with_context

from st_core.api.guard import current_viewer
from st_core.api.routing import Raw, route
from st_core.clock import now
from st_core.db import unit_of_work
from st_core.services import events

from . import checkpoints, exports, keys, schemas, sinks, verifier
from .api import MAY, blueprint, wanted_of


@route(
    blueprint,
    "/api/audit/checkpoint",
    methods=("POST",),
    permission=MAY,
    summary="Sign where the log is now; keep the answer elsewhere",
    answers={200: schemas.Checkpoint},
    errors=(404, 503),
)
def make_checkpoint() -> schemas.Checkpoint:
    """Return the signed checkpoint of the newest entry."""
    return schemas.Checkpoint(**checkpoints.make())


@route(
    blueprint,
    "/api/audit/public-key",
    permission=MAY,
    summary="The public keys that checkpoints and exports are checked with",
    answers={200: Raw("application/x-pem-file", "Ed25519 public keys in PEM form")},
)
def public_key() -> Response:
    """Return the public keys."""
    return Response(keys.pem(), content_type="application/x-pem-file")


@route(
    blueprint,
    "/api/audit/verifier.py",
    permission=MAY,
    summary="The script that checks an export with the public key alone",
    answers={200: Raw("text/x-python", "A Python script; it needs the package cryptography")},
)
def verifier_script() -> Response:
    """Return the stand-alone verifier."""
    return _file(iter([Path(verifier.__file__).read_text("utf-8")]), "text/x-python", "verifier.py")


@route(
    blueprint,
    "/api/audit/export",
    permission=MAY,
    summary="The log as a file: JSON lines that can be verified, or CSV",
    query=schemas.ExportQuery,
    answers={
        200: (
            Raw("application/x-ndjson", "One entry per line, closed by a signature"),
            Raw("text/csv", "One entry per line, safe to open in a spreadsheet"),
        )
    },
    errors=(400, 503),
)
def export(query: schemas.ExportQuery) -> Response:
    """Stream the entries that fit, oldest first; that somebody took them is an entry, too."""
    wanted = wanted_of(query, first=query.start_id, last=query.end_id)
    form = "csv" if query.format == "csv" else "jsonl"
    given = query.model_dump(mode="json", exclude_defaults=True)
    with unit_of_work():
        events.emit(
            "audit.exported",
            subject=("audit", form),
            data={"query": given},
            message=f"{current_viewer().username} exported the audit log as {form}",
        )
    name = f"audit-{now():%Y%m%d-%H%M%S}.{form}"
    if form == "csv":
        return _file(exports.csv_lines(wanted), "text/csv; charset=utf-8", name)
    return _file(exports.json_lines(wanted), "application/x-ndjson", name)


@route(
    blueprint,
    "/api/audit/export-config",
    permission=MAY,
    summary="Where the log is sent",
    answers={200: schemas.Streaming},
)
def streaming() -> schemas.Streaming:
    """Return where entries are sent and how each place keeps up, without the token."""
    standing = {
        name: schemas.Standing(
            behind=sinks.behind(sink),
            failures=sink.failures,
            error=sink.error,
            delivered_at=sink.delivered_at,
        )
        for name, sink in sinks.current().items()
    }
    return schemas.Streaming(**sinks.described(), standing=standing)


@route(
    blueprint,
    "/api/audit/export-config",
    methods=("POST",),
    permission=MAY,
    step_up=True,
    summary="Say where the log is sent",
    body=schemas.StreamingBody,
    answers={200: schemas.Streaming},
    errors=(400,),
)
def set_streaming(body: schemas.StreamingBody) -> schemas.Streaming:
    """Change what is given; the token is stored sealed and never shown again."""
    sinks.change(body.model_dump(exclude_unset=True))
    return streaming()


def _file(lines: Iterator[str], kind: str, name: str) -> Response:
    return Response(
        stream_with_context(lines),
        content_type=kind,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
