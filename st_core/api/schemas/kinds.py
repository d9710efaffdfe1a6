"""The kinds of models and fields that all schemas are made of.

Bodies and queries refuse names they do not know, so that a misspelt filter is an error and not a
wrong answer. Amounts are `Decimal` inside and numbers in JSON; times are UTC.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)

#: Any JSON value, by its name in the OpenAPI document.
JSON_VALUE: dict[str, Any] = {
    "title": "JsonValue",
    "description": "Any JSON value.",
    "anyOf": [
        {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/JsonValue"}},
        {"type": "array", "items": {"$ref": "#/components/schemas/JsonValue"}},
        {"type": "string"},
        {"type": "number"},
        {"type": "boolean"},
        {"type": "null"},
    ],
}
#: pydantic refuses references it did not make; the document's writer turns the mark into one.
JSON_MARK = "x-json-value"
JsonValue = Annotated[Any, WithJsonSchema({JSON_MARK: True})]
JsonObject = dict[str, JsonValue]
Dollars = Annotated[
    Decimal, PlainSerializer(float, return_type=float, when_used="json"), Field(description="USD")
]


def _no_boolean(value: Any) -> Any:
    """Refuse true and false where a number is meant; Python takes them for 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("a number is needed here, not true or false")
    return value


#: A whole number in a body.
Whole = Annotated[int, BeforeValidator(_no_boolean)]


class Answer(BaseModel):
    """Something this server answers."""

    model_config = ConfigDict(from_attributes=True, populate_by_name=True)


class Body(BaseModel):
    """A request's JSON body."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Query(BaseModel):
    """A request's query string."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Page(Query):
    """Where in a list to begin: after `cursor` (`next` of the answer before), or at `offset`."""

    limit: int = Field(50, ge=1, le=500, description="Most rows to return.")
    offset: int = Field(0, ge=0, le=1_000_000, description="Rows to skip; cursors are quicker.")
    cursor: str | None = Field(None, max_length=500, description="`next` of the page before.")


class Listing(Answer):
    """What every list says beside its rows."""

    next: str | None = Field(None, description="Cursor of the next page; null on the last.")
    total: int = Field(0, description="Rows there are, counted up to a cap.")
    total_is_exact: bool = Field(True, description="False when there are more than `total`.")


class Success(Answer):
    """It is done."""

    success: bool = True


class FieldProblem(Answer):
    """One field that does not fit."""

    path: str = Field(description="Dotted path of the field; empty for the whole.")
    message: str


class Problem(Answer):
    """An error. It has no `status`: the HTTP status is the status."""

    type: str
    title: str
    detail: str
    code: str
    error: str = Field(description="The same as `code`, for old clients.")
    message: str = Field(description="The same as `detail`, for old clients.")
    details: JsonObject
    request_id: str
    errors: list[FieldProblem] | None = None
