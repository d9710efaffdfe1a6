"""The API as its reference shows it: subjects, operations with parameters, bodies and answers,
models with fields.

Everything is read from the OpenAPI document; aliases of one operation are shown as one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from ...errors import NotFound

Document = Mapping[str, Any]
TITLES = {
    "api_keys": "API keys",
    "auth": "Signing in and out",
    "configs": "Configs",
    "credentials": "Credentials",
    "entry": "First administrator, registration",
    "events": "Events",
    "external_auth": "Sign-in providers",
    "health": "Health",
    "invitations": "Invitations and reset links",
    "jobs": "Jobs",
    "levels": "Levels",
    "metrics": "Metrics",
    "oidc": "OpenID Connect",
    "openapi": "This document",
    "orgs": "Organisations and teams",
    "profile": "My profile",
    "providers": "Providers",
    "queue": "Queue",
    "second_factor": "Second factor",
    "sessions": "Sessions",
    "system": "System and settings",
    "users": "Users",
}
MODELS = "#/components/schemas/"


@dataclass(frozen=True)
class FieldLine:
    """One parameter or field: its type in words, the model it links to, what it means."""

    name: str
    type: str
    model: str
    needed: bool
    text: str
    where: str = ""


@dataclass(frozen=True)
class AnswerLine:
    """One status an operation answers with; `model` is the name of what it holds."""

    status: str
    text: str
    model: str
    media_type: str


@dataclass
class Operation:
    """One thing the API does, under all its methods and paths, the preferred path first."""

    id: str
    summary: str
    text: str
    methods: list[str]
    paths: list[str]
    permission: str
    parameters: list[FieldLine]
    body: list[FieldLine]
    body_model: str
    answers: list[AnswerLine]
    refusals: str
    example: str = ""


@dataclass
class Subject:
    """Operations that belong together."""

    name: str
    title: str
    operations: list[Operation]

    def operation(self, id_: str) -> Operation:
        """Return one operation. Raises NotFound listing those there are."""
        found = next((one for one in self.operations if one.id == id_), None)
        if found is None:
            names = ", ".join(one.id for one in self.operations)
            raise NotFound(f"{self.title} has no operation {id_!r}. There are: {names}.")
        return found


def subjects(document: Document) -> list[Subject]:
    """Return the subjects in alphabetical order of their titles."""
    names = dict.fromkeys(op["tags"][0] for _, _, op in _each(document))
    found = [Subject(name, TITLES.get(name, name), operations(document, name)) for name in names]
    return sorted(found, key=lambda one: one.title)


def subject(document: Document, name: str) -> Subject:
    """Return one subject. Raises NotFound listing those there are."""
    found = subjects(document)
    for one in found:
        if one.name == name:
            return one
    names = ", ".join(one.name for one in found)
    raise NotFound(f"The API has no subject {name!r}. There are: {names}.")


def operations(document: Document, subject: str) -> list[Operation]:
    """Return the operations of one subject, aliases joined, in order of their paths."""
    joined: dict[tuple[str, str], Operation] = {}
    for path, method, op in _each(document):
        if op["tags"][0] != subject:
            continue
        key = (op["summary"], op["description"])
        one = joined.get(key)
        if one is None:
            joined[key] = _operation(document, path, method, op)
            continue
        if method not in one.methods:
            one.methods.append(method)
        if path not in one.paths:
            preferred = not op["operationId"].rsplit("_", 1)[-1].isdecimal()
            one.paths.insert(0 if preferred else len(one.paths), path)
    return list(joined.values())


def model(document: Document, name: str) -> tuple[str, list[FieldLine]]:
    """Return what a model is and its fields. Raises NotFound for a name nobody uses."""
    schema = document["components"]["schemas"].get(name)
    if schema is None:
        raise NotFound(f"The API has no model {name!r}.")
    return schema.get("description", ""), list(_fields(schema))


def _each(document: Document) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, op in methods.items():
            yield path, method.upper(), op


def _operation(document: Document, path: str, method: str, op: Mapping[str, Any]) -> Operation:
    content: Mapping[str, Any] = op.get("requestBody", {}).get("content", {})
    schema: Mapping[str, Any] = content.get("application/json", {}).get("schema", {})
    body_model = _model_of(schema)
    body = list(_fields(document["components"]["schemas"].get(body_model, schema)))
    answers = [_answer(status, one) for status, one in op["responses"].items()]
    one = Operation(
        id=op["operationId"],
        summary=op["summary"],
        text=op["description"],
        methods=[method],
        paths=[path],
        permission=_permission(op.get("x-permission")),
        parameters=[_parameter(parameter) for parameter in op.get("parameters", ())],
        body=body,
        body_model=body_model,
        answers=[answer for answer in answers if answer.status < "400"],
        refusals=", ".join(a.status for a in answers if a.status >= "400"),
    )
    one.example = _example(method, path, body)
    return one


def _permission(named: Any) -> str:
    if not named:
        return "open to everyone"
    names = [named] if isinstance(named, str) else list(named)
    return " or ".join(names).replace("signed_in", "anybody who is signed in")


def _parameter(told: Mapping[str, Any]) -> FieldLine:
    schema = told["schema"]
    text = " ".join(part for part in (told.get("description", ""), _limits(schema)) if part)
    needed = bool(told.get("required"))
    return FieldLine(told["name"], _type(schema), _model_of(schema), needed, text, told["in"])


def _fields(schema: Mapping[str, Any]) -> Iterator[FieldLine]:
    needed = set(schema.get("required", ()))
    for name, spec in schema.get("properties", {}).items():
        text = " ".join(part for part in (spec.get("description", ""), _limits(spec)) if part)
        yield FieldLine(name, _type(spec), _model_of(spec), name in needed, text)


def _answer(status: str, told: Mapping[str, Any]) -> AnswerLine:
    contents: Mapping[str, Mapping[str, Any]] = told.get("content", {})
    media_type = next(iter(contents), "")
    schema = contents[media_type].get("schema", {}) if media_type else {}
    name = HTTPStatus(int(status)).phrase if status.isdecimal() else status
    text = told.get("description", "") or name
    return AnswerLine(status, text, _model_of(schema), media_type)


def _model_of(schema: Mapping[str, Any]) -> str:
    """Return the model a schema refers to, in a list or beside null too; else nothing."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(MODELS)
    inner: list[Mapping[str, Any]] = [*schema.get("anyOf", ())]
    if "items" in schema:
        inner.append(schema["items"])
    return next((found for one in inner if (found := _model_of(one))), "")


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(MODELS)
    if choices := schema.get("anyOf"):
        return " or ".join(dict.fromkeys(_type(one) for one in choices))
    if "enum" in schema:
        return " | ".join(json.dumps(one) for one in schema["enum"])
    if "const" in schema:
        return json.dumps(schema["const"])
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if kind == "object" and isinstance(inner := schema.get("additionalProperties"), Mapping):
        return f"object of {_type(inner)}"
    return f"{kind} ({schema['format']})" if "format" in schema else str(kind)


def _limits(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    words = []
    if low is not None and high is not None:
        words.append(f"{low:,} to {high:,}.")
    if (most := schema.get("maxLength")) is not None:
        words.append(f"At most {most} characters.")
    if schema.get("default") not in (None, "", [], {}, False):
        words.append(f"Default {json.dumps(schema['default'])}.")
    return " ".join(words)


def _example(method: str, path: str, body: list[FieldLine]) -> str:
    """Return a command line that calls the operation."""
    parts = ["curl", "-H 'Authorization: Bearer $KEY'"]
    if method != "GET":
        parts.insert(1, f"-X {method}")
    if needed := [one.name for one in body if one.needed]:
        parts.append(f"-d '{json.dumps({name: '…' for name in needed}, ensure_ascii=False)}'")
    return " ".join([*parts, f"$SERVER{path}"])
