"""Errors of one shape: `application/problem+json` for programs, a page with the same words for
people.

The body has `type`, `title`, `detail`, `code` and `request_id`, `errors` per field where there are
any, and the old clients' `error`, `message`, `details`. It has no `status`: the guide's Airflow
function reads that word as the job's (guide section 4).
"""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, g, render_template, request
from jinja2 import TemplateError
from markupsafe import Markup
from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from ..db import is_lost_reference
from ..errors import Conflict, Malformed, NotAllowed, StError, Unavailable
from ..services import refusals
from .parsing import fields_of

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
_CODES = {
    400: "invalid_input",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    413: "body_too_large",
    414: "url_too_long",
    415: "unsupported_media_type",
    416: "range_not_satisfiable",
    429: "rate_limit_exceeded",
}


def init_app(app: Flask) -> None:
    """Answer every error of `app` in this shape; an unexpected one as 500 with nothing but the
    request id.
    """
    app.register_error_handler(StError, of_ours)
    app.register_error_handler(ValidationError, _of_pydantic)
    app.register_error_handler(HTTPException, _of_werkzeug)
    for trouble in (OperationalError, InterfaceError, NoConnectionLeft):
        app.register_error_handler(trouble, _of_database)
    app.register_error_handler(IntegrityError, _of_integrity)
    app.register_error_handler(Exception, _unexpected)


def problem(
    status: int,
    detail: str,
    code: str,
    *,
    title: str | None = None,
    fields: list[dict[str, str]] | None = None,
    details: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """Answer with one error, as JSON or as a page, whichever the caller reads."""
    body = {
        "type": f"urn:simpletuner:error:{code}",
        "title": title or HTTPStatus(status).phrase,
        "detail": detail,
        "code": code,
        "error": code,
        "message": detail,
        "details": details or {},
        "request_id": g.get("st_request_id", ""),
    }
    if fields:
        body["errors"] = fields
    if wants_page():
        answer = Response(_page(body, status))
    else:
        answer = Response(json.dumps(body, default=str), mimetype=MEDIA_TYPE)
    answer.status_code = status
    answer.headers.extend(headers or {})
    return answer


def wants_page() -> bool:
    """Tell whether the caller is a browser opening a page, not a program or a script asking the
    API.
    """
    if request.path.startswith("/api/") or request.path == "/health":
        return False
    accepts = request.accept_mimetypes
    return accepts.best_match(["application/json", "text/html"], "application/json") == "text/html"


def _page(body: dict[str, Any], status: int) -> str:
    """Return the error as a page, a bare one when the template itself is what is broken."""
    try:
        return render_template("errors/problem.html", problem=body, status=status)
    except TemplateError:
        log.exception("the error page cannot be drawn")
        return Markup(
            "<!doctype html><title>{title}</title><h1>{title}</h1><p>{detail}</p>"
            "<p>{request_id}</p>"
        ).format(**body)


def of_ours(error: StError) -> Response:
    """Answer for an error this product raised on purpose."""
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning(
            "%s %s answered %d: %s", request.method, request.path, error.status, error.detail
        )
    if isinstance(error, NotAllowed) and not error.is_recorded and g.get("st_viewer") is not None:
        refusals.record(g.st_viewer, request.method, str(request.url_rule), error)
    return problem(
        error.status,
        error.detail,
        error.code,
        title=error.title,
        fields=error.fields,
        details=error.details,
        headers=error.headers,
    )


def _of_pydantic(error: ValidationError) -> Response:
    """Answer for a model that a service, not the route, checked."""
    fields = fields_of(error, "body")
    first = fields[0]
    return of_ours(Malformed(f"{first['path'] or 'body'}: {first['message']}", fields=fields))


def _of_database(error: Exception) -> Response:
    """Answer for a database that does not (guide section 5): a caller may try again later."""
    log.error(
        "the database failed while answering %s %s: %s",
        request.method,
        request.path,
        " ".join(str(getattr(error, "orig", error)).split()),
    )
    return of_ours(
        Unavailable(
            "The database does not answer; check that it runs and can be reached.",
            code="database_unavailable",
            headers={"Retry-After": "5"},
        )
    )


def _of_integrity(error: IntegrityError) -> Response:
    """Answer for a write that came second: what it refers to, or who made it, was just deleted."""
    if not is_lost_reference(error):
        return _unexpected(error)
    log.warning("%s %s came too late: %s", request.method, request.path, error.orig)
    return of_ours(
        Conflict("Something this belongs to was deleted at the same moment; look again.")
    )


def _of_werkzeug(error: HTTPException) -> Any:
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if error.response is not None or status < HTTPStatus.BAD_REQUEST:
        return error.get_response()
    headers = dict(error.get_headers(request.environ))
    headers.pop("Content-Type", None)
    detail = error.description or HTTPStatus(status).phrase
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        detail = f"{request.method} is not possible here; {request.path} knows {allowed}."
    elif status == HTTPStatus.NOT_FOUND:
        detail = f"There is nothing at {request.path}; /api/openapi.json lists every path there is."
    return problem(status, detail, _CODES.get(status, "http_error"), headers=headers)


def _unexpected(error: Exception) -> Response:
    log.error(
        "unexpected %s while answering %s %s",
        type(error).__name__,
        request.method,
        request.path,
        exc_info=error,
    )
    return problem(
        500,
        "The server made a mistake that is now in its log. "
        f"Tell the administrator this request id: {g.get('st_request_id', 'unknown')}.",
        "internal_error",
        title=StError.title,
    )
