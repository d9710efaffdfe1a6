"""Read a request's query and JSON body into the models its route declared.

Callers that act with ambient authority from a browser (a cookie, or being on this machine) must say
`application/json`, which no foreign page can send unasked; everyone else's body is read whatever
its content type, because the guide's curl lines send none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, TypeVar, get_args, get_origin

from flask import g, request
from pydantic import BaseModel, ValidationError

from ..errors import Malformed, StError

_SECRET = re.compile("pass|secret|token|key|code", re.IGNORECASE)

Model = TypeVar("Model", bound=BaseModel)


class UnsupportedBody(StError):
    """The body's content type is not the one demanded here (415)."""

    status, code, title = 415, "unsupported_media_type", "Send application/json"


def query(model: type[Model]) -> Model:
    """Return the query string as `model`. Raises Malformed naming every parameter that does not
    fit.
    """
    values: dict[str, Any] = {}
    for name, given in request.args.lists():
        values[name] = _several(given) if _is_list(model, name) else given[-1]
    return _validated(model, values, "query")


def body(model: type[Model], uploads: Sequence[str] = ()) -> Model | None:
    """Return the JSON body as `model`, None for an upload the view reads itself; no body counts as
    `{}`.

    Raises Malformed naming every field that does not fit, UnsupportedBody for a browser's other
    content type.
    """
    if uploads and request.mimetype in uploads:
        return None
    return _validated(model, json_body(), "body")


def json_body() -> Any:
    """Return the decoded JSON body. Raises Malformed when it is not JSON or holds NaN."""
    if g.get("st_demands_json") and not request.is_json and request.content_length:
        raise UnsupportedBody(
            f"This call came from a browser with the content type {request.mimetype or 'none'!r}; "
            "send the body as application/json."
        )
    data = request.get_data(cache=True, parse_form_data=False)
    if not data.strip():
        return {}
    try:
        return json.loads(data.decode(), parse_constant=_no_constant)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Malformed(
            f"The body is not JSON ({error}). Send one JSON object in UTF-8.",
            code="invalid_payload",
        ) from error


def shape(rule: str) -> str:
    """Return a path rule with its variables unnamed, so that two rules for the same URLs look the
    same.
    """
    return re.sub(r"<(?:(\w+)[^:<>]*:)?[^<>]*>", lambda found: f"<{found.group(1) or ''}>", rule)


def fields_of(error: ValidationError, where: str) -> list[dict[str, str]]:
    """Return one `{path, message, in, type}` per problem pydantic found."""
    return [
        {
            "path": ".".join(str(part) for part in problem["loc"]),
            "message": problem["msg"] + _given(problem),
            "in": where,
            "type": problem["type"],
        }
        for problem in error.errors(include_url=False, include_context=False)
    ]


def _given(problem: Any) -> str:
    """Show the refused value when it is short and no secret."""
    value, path = problem["input"], ".".join(str(part) for part in problem["loc"])
    if not isinstance(value, str | int | float) or _SECRET.search(path):
        return ""
    text = repr(value)
    return f" (got {text})" if len(text) <= 60 else ""


def _validated(model: type[Model], values: Any, where: str) -> Model:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        fields = fields_of(error, where)
        first = fields[0]
        text = f"{first['path'] or where}: {first['message']}"
        more = f" ({len(fields) - 1} more in errors)" if len(fields) > 1 else ""
        raise Malformed(f"The {where} does not fit: {text}{more}.", fields=fields) from error


def _is_list(model: type[BaseModel], name: str) -> bool:
    declared = model.model_fields.get(name)
    if declared is None:
        return False
    kinds = (declared.annotation, *get_args(declared.annotation))
    return any(get_origin(kind) in (list, tuple, set, frozenset) for kind in kinds)


def _several(given: list[str]) -> list[str]:
    """Split `?status=a,b&status=c` into its three values."""
    return [part.strip() for value in given for part in value.split(",") if part.strip()]


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")
