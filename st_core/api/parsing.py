"""Read a request's query and JSON body into the models its route declared.

Callers that act with ambient authority from a browser (a cookie, or being on this machine) must say
`application/json`, which no foreign page can send unasked; everyone else's body is read whatever
its content type, because the guide's curl lines send none.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any, TypeVar, get_args, get_origin

from flask import g, request
from pydantic import BaseModel, ValidationError

from ..errors import Malformed, StError

#: JSON nested deeper than this is refused: no config is, and walking it could exhaust the stack.
DEEPEST = 64
_SECRET = re.compile("pass|secret|token|key|code", re.IGNORECASE)

Model = TypeVar("Model", bound=BaseModel)


class UnsupportedBody(StError):
    """The body's content type is not the one demanded here (415)."""

    status, code, title = 415, "unsupported_media_type", "Send application/json"


def query(model: type[Model]) -> Model:
    """Return the query string as `model`. Raises Malformed naming every parameter that does not
    fit.
    """
    refuse_nul(request.query_string.decode("latin-1").replace("%00", "\x00"))
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
    """Return the decoded JSON body. Raises Malformed when it is not JSON that can be stored."""
    if g.get("st_demands_json") and not request.is_json and request.content_length:
        raise UnsupportedBody(
            f"This call came from a browser with the content type {request.mimetype or 'none'!r}; "
            "send the body as application/json."
        )
    data = request.get_data(cache=True, parse_form_data=False)
    if not data.strip():
        return {}
    try:
        return _decoded(data.decode())
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Malformed(
            f"The body is not usable JSON: {error}. Send one JSON object in UTF-8.",
            code="invalid_payload",
        ) from error


def idempotency_key(in_body: str | None) -> str | None:
    """Return the key under which a repeated submission is the same one: the body's or the header's.

    Raises Malformed when both are there and differ, or the header's is over 200 characters.
    """
    header = request.headers.get("Idempotency-Key")
    if header is not None and not 0 < len(header) <= 200:
        raise Malformed("The header Idempotency-Key must have 1 to 200 characters.")
    if header and in_body and header != in_body:
        raise Malformed("The header Idempotency-Key and idempotency_key differ; send one of them.")
    return in_body or header


def refuse_nul(text: str) -> None:
    """Refuse a NUL character, which no database text can hold. Raises Malformed."""
    if "\x00" in text:
        raise Malformed("The address holds a NUL character (%00); leave it out.")


def _decoded(text: str) -> Any:
    value = json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    if text.count("[") + text.count("{") > DEEPEST:
        _check_depth(value, DEEPEST)
    if "\\u0000" in text:
        raise ValueError("it holds a NUL character (\\u0000)")
    if "\\ud" in text or "\\uD" in text:
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is no text
    return value


def _check_depth(value: Any, left: int) -> None:
    if left == 0:
        raise ValueError(f"it is nested deeper than {DEEPEST} levels")
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inner:
        _check_depth(item, left - 1)


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


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits} is too large a number")
    return number
