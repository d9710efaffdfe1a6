"""Logs for tests: written by real units of work, checked by the server and by the verifier."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import text
from st_audit import checkpoints, exports, keys, verification, verifier
from st_audit.reading import Wanted

from st_core.actor import Actor, acting
from st_core.db import db, unit_of_work
from st_core.services import events

Rows = list[dict[str, Any]]
ADA = Actor("ada", 7, on_behalf_of_id=8, address="127.0.0.1", door="api", request_id="r-1")


def write(app: Flask, count: int, *, each: int = 1, actor: Actor = ADA) -> None:
    """Write `count` units of work with `each` events."""
    with app.app_context(), acting(actor):
        for number in range(count):
            with unit_of_work():
                for part in range(each):
                    pause(number, part)


def pause(number: int, part: int = 0) -> None:
    """Step: emit an event with something in every field."""
    events.emit(
        "queue.paused",
        subject=("queue", f"q-{number}"),
        message=f"für eine Pause, {number}",
        data={"part": part, "share": number / 7, "b": [1, None, True], "a": "ä\u2028\x7f"},
        before={"paused": False},
        after={"paused": True, "reason": "=1+1"},
    )


def verify(
    app: Flask, first: int | None = None, last: int | None = None, anchors: Sequence[Any] = ()
) -> verifier.Report:
    """Let the server check its log."""
    with app.app_context():
        return verification.verify(first, last, anchors)[0]


def checkpoint(app: Flask) -> dict[str, Any]:
    """Take an anchor away."""
    with app.app_context():
        return checkpoints.make()


def public_keys(app: Flask) -> str:
    """Return what an auditor was given beforehand."""
    with app.app_context():
        return keys.pem()


def exported(app: Flask, first: int | None = None, last: int | None = None) -> list[str]:
    """Return an export, line by line."""
    with app.app_context():
        return list(exports.json_lines(Wanted(first=first, last=last)))


def check_file(lines: Sequence[str], pem: str, anchors: Sequence[Any] = ()) -> verifier.Report:
    """Let the stand-alone verifier check an export."""
    files = verifier.Files(verifier.read_keys(pem), anchors)
    files.read(lines)
    return files.end()


def rows(app: Flask, table: str = "audit_entry", order: str = "number") -> Rows:
    """Return a table as it is."""
    with app.app_context():
        found = db.session.execute(text(f"SELECT * FROM {table} ORDER BY {order}"))
        return [dict(row) for row in found.mappings()]


def anchor_file(folder: Path, anchor: dict[str, Any]) -> Path:
    """Write an anchor where an auditor would keep it."""
    path = folder / "anchor.json"
    path.write_text(json.dumps(anchor))
    return path
