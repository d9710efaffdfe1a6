"""What the server writes to standard error: one line per event, as text for people or JSON for
collectors.

Every line carries the id of the request it belongs to. Secrets never reach a line: what looks like
a key, a token or a password is replaced before it is written, whoever logged it.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from datetime import UTC, datetime
from typing import TextIO

from flask import g, has_app_context

from .errors import ConfigError

FORMATS = ("text", "json")
LEVELS = ("debug", "info", "warning", "error", "critical")
#: Attributes every record has; what else is on it was given as `extra` and goes into the JSON line.
_ORDINARY = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "request_id"}
HIDDEN = "[hidden]"
#: What could end a line or hide one: nothing that callers send may begin a line of its own.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SECRETS = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"\b(st|wt|hf|r8|sk|ghp|xox[abp])[_-][A-Za-z0-9_-]{12,}"), rf"\1_{HIDDEN}"),
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^/\s:@]*):[^/\s@]+@"), rf"\1:{HIDDEN}@"),
    (
        re.compile(
            r"(?i)([\"']?\b\w*(?:password|passwd|secret|token|api[_-]?key)[\"']?\s*[=:]\s*)"
            r"(\"[^\"]+\"|'[^']+'|[^\s,;&\"'}]+)"
        ),
        rf"\1{HIDDEN}",
    ),
)


def redact(text: str) -> str:
    """Return `text` with everything that looks like a key, token or password replaced by
    `[hidden]`.
    """
    for pattern, shown in _SECRETS:
        text = pattern.sub(shown, text)
    return text


class TextFormatter(logging.Formatter):
    """`2026-08-01T12:00:00.123Z WARNING st_core.jobs [request] message`, the traceback below."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text, without secrets."""
        request_id = _request_id()
        mark = f" [{request_id}]" if request_id else ""
        line = f"{_at(record)} {record.levelname} {record.name}{mark} "
        line += _CONTROL.sub(_escaped, record.getMessage())
        trace = _trace(record)
        return redact(f"{line}\n{trace}" if trace else line)


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, logger, message, request_id, exception, and given
    extras.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON, without secrets."""
        body: dict[str, object] = {
            "time": _at(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
            "process": record.process,
        }
        if request_id := _request_id():
            body["request_id"] = request_id
        if trace := _trace(record):
            body["exception"] = redact(trace)
        for name, value in vars(record).items():
            if name not in _ORDINARY:
                body[name] = value if isinstance(value, (int, float)) else redact(str(value))
        return json.dumps(body, ensure_ascii=False)


class StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to whatever standard error is at that moment, so that a redirected one is honoured."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        self.stream = sys.stderr
        super().emit(record)


def configure(form: str | None = None, level: str | None = None) -> None:
    """Send every logger of this process to standard error; calling it again changes form and level.

    `form` is text or json, `level` a name of `LEVELS`; not given: SIMPLETUNER_LOG_FORMAT and info.
    Raises ConfigError for an unknown one.
    """
    form = form or os.environ.get("SIMPLETUNER_LOG_FORMAT") or "text"
    level = level or "info"
    if form not in FORMATS:
        raise ConfigError(f"logging.format (SIMPLETUNER_LOG_FORMAT) is {form!r}; use text or json.")
    if level.lower() not in LEVELS:
        raise ConfigError(f"logging.level is {level!r}; use one of {', '.join(LEVELS)}.")
    handler = StderrHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    root = logging.getLogger()
    others = [one for one in root.handlers if not isinstance(one, StderrHandler)]
    root.handlers[:] = [*others, handler]
    root.setLevel(level.upper())
    for chatty in ("httpx", "httpcore", "alembic", "waitress.queue"):
        logging.getLogger(chatty).setLevel(max(root.level, logging.WARNING))


def is_json() -> bool:
    """Tell whether this process writes its log as JSON."""
    handlers = logging.getLogger().handlers
    return any(isinstance(one.formatter, JsonFormatter) for one in handlers)


def _at(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _escaped(sign: re.Match[str]) -> str:
    return sign[0].encode("unicode_escape").decode()


def _request_id() -> str | None:
    """Return the id the guard gave the request this thread works on."""
    return g.get("st_request_id") if has_app_context() else None


def _trace(record: logging.LogRecord) -> str:
    """Return the traceback, one line in its place when all it tells is that a database is away."""
    if record.exc_info:
        if line := _of_lost_database(record.exc_info[1]):
            return line
        return logging.Formatter().formatException(record.exc_info)
    return record.exc_text or ""


def _of_lost_database(error: BaseException | None) -> str:
    """Return the complaint of a database that cannot be reached, empty for any other error.

    SQLAlchemy is told by its attributes: what only logs need not import it.
    """
    lost = getattr(error, "connection_invalidated", None)
    if lost is None or not (lost or getattr(error, "statement", "") is None):
        return ""
    return " ".join(str(getattr(error, "orig", error)).split())
