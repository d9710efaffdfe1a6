"""The OpenAPI 3.1 document, written from the declarations of the routes and their models."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Flask, Response, current_app
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from .. import __version__
from .envelope import MEDIA_TYPE
from .routing import ALWAYS, SIGNED_IN, Declared, Raw, operations, route
from .schemas.kinds import JSON_MARK, JSON_VALUE, Answer, JsonObject, Problem

blueprint = Blueprint("openapi", __name__)
REF = "#/components/schemas/{model}"
_VARIABLE = re.compile(r"<(?:(?P<kind>\w+)(?:\([^)]*\))?:)?(?P<name>\w+)>")
_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, `st_…`."},
    "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "session": {"type": "apiKey", "in": "cookie", "name": "simpletuner_session"},
}


class Document(Answer):
    """An OpenAPI 3.1 document."""

    openapi: str
    info: JsonObject
    paths: JsonObject
    components: JsonObject


@route(
    blueprint,
    "/api/openapi.json",
    permission=SIGNED_IN,
    summary="This document",
    answers={200: Document},
)
def document() -> Response:
    """Describe every route of this server, plugins included."""
    known = current_app.extensions
    if "st_openapi" not in known:
        known["st_openapi"] = json.dumps(describe(current_app))
    return Response(known["st_openapi"], mimetype="application/json")


def describe(app: Flask) -> dict[str, Any]:
    """Return the document of `app` as JSON-ready data."""
    found = [item for item in operations(app) if not item[2].page]
    refs, definitions = _schemas([declared for _, _, declared in found])
    paths: dict[str, Any] = {}
    for endpoint, rule, declared in sorted(found, key=lambda item: item[1]):
        view = app.view_functions[endpoint]
        for method in declared.methods:
            operation = _operation(endpoint, rule, method, declared, refs, definitions)
            operation["description"] = (view.__doc__ or declared.summary).strip()
            paths.setdefault(_VARIABLE.sub(r"{\g<name>}", rule), {})[method.lower()] = operation
    queries = {refs[d.query, "validation"] for _, _, d in found if d.query is not None}
    kept = {name: schema for name, schema in definitions.items() if name not in queries}
    return {
        "openapi": "3.1.0",
        "info": {"title": "SimpleTuner server", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": {**kept, "JsonValue": JSON_VALUE},
            "securitySchemes": _SECURITY,
        },
        "security": [{"bearer": []}, {"api_key": []}, {"session": []}],
    }


def _schemas(
    routes: list[Declared],
) -> tuple[dict[tuple[type[BaseModel], str], str], dict[str, Any]]:
    """Return the name of every model per mode, and all schemas by name."""
    wanted: set[tuple[type[BaseModel], JsonSchemaMode]] = {(Problem, "serialization")}
    for declared in routes:
        wanted |= {(model, "validation") for model in (declared.query, declared.body) if model}
        wanted |= {
            (model, "serialization")
            for status in declared.answers
            for model in declared.kinds(status)
            if not isinstance(model, Raw)
        }
    ordered = sorted(wanted, key=lambda pair: (pair[0].__module__, pair[0].__qualname__, pair[1]))
    mapping, schema = models_json_schema(ordered, ref_template=REF)
    names = {
        (model, str(mode)): str(ref["$ref"]).rsplit("/", 1)[1]
        for (model, mode), ref in mapping.items()
        if issubclass(model, BaseModel)
    }
    return names, _with_json_values(schema.get("$defs", {}))


def _with_json_values(schema: Any) -> Any:
    """Turn every mark of a JSON value into a reference to its schema."""
    if isinstance(schema, list):
        return [_with_json_values(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    named = {name: _with_json_values(item) for name, item in schema.items() if name != JSON_MARK}
    return named | (_ref("JsonValue") if JSON_MARK in schema else {})


def _operation(
    endpoint: str,
    rule: str,
    method: str,
    declared: Declared,
    refs: dict[tuple[type[BaseModel], str], str],
    definitions: dict[str, Any],
) -> dict[str, Any]:
    parameters = [_path_parameter(match) for match in _VARIABLE.finditer(rule)]
    if declared.query is not None:
        parameters += _query_parameters(definitions[refs[declared.query, "validation"]])
    operation: dict[str, Any] = {
        "operationId": _operation_id(endpoint, rule, method, declared),
        "summary": declared.summary,
        "tags": list(declared.tags),
        "x-permission": declared.permission,
        "parameters": parameters,
        "responses": _responses(declared, bool(_VARIABLE.search(rule)), refs),
    }
    if declared.is_open:
        operation["security"] = []
    if declared.step_up:
        operation["x-step-up"] = True
    if rule != declared.rules[0]:
        operation["x-alias-of"] = _VARIABLE.sub(r"{\g<name>}", declared.rules[0])
    if declared.body is not None:
        operation["requestBody"] = {
            "content": {
                "application/json": {"schema": _ref(refs[declared.body, "validation"])},
                **{media: {"schema": _upload(media)} for media in declared.uploads},
            }
        }
    return operation


def _operation_id(endpoint: str, rule: str, method: str, declared: Declared) -> str:
    parts = [endpoint.replace(".", "_")]
    if len(declared.methods) > 1:
        parts.append(method.lower())
    if position := declared.rules.index(rule):
        parts.append(str(position + 1))
    return "_".join(parts)


def _responses(
    declared: Declared, has_variables: bool, refs: dict[tuple[type[BaseModel], str], str]
) -> dict[str, Any]:
    answers: dict[int, Any] = {}
    for status in declared.answers:
        content: dict[str, Any] = {}
        for kind in declared.kinds(status):
            if isinstance(kind, Raw):
                content[kind.media_type] = {"schema": _raw(kind)}
            else:
                content["application/json"] = {"schema": _ref(refs[kind, "serialization"])}
        first = declared.kinds(status)[0]
        text = first.description if isinstance(first, Raw) else first.__doc__ or declared.summary
        answers[status] = {"description": text.strip().splitlines()[0], "content": content}
    problem = {"schema": _ref(refs[Problem, "serialization"])}
    for status in sorted(possible_errors(declared, has_variables)):
        answers.setdefault(
            status, {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: problem}}
        )
    return {str(status): answer for status, answer in answers.items()}


def possible_errors(declared: Declared, has_variables: bool) -> set[int]:
    """Return the errors a route may answer: those that follow from its form, and its own."""
    errors = {500, *declared.errors}
    if declared.permission != ALWAYS:
        errors |= {401, 403}
    if has_variables:
        errors.add(404)
    if declared.query is not None or declared.body is not None:
        errors.add(422)
    if declared.body is not None:
        errors |= {413, 415}
    return errors


def _path_parameter(match: re.Match[str]) -> dict[str, Any]:
    kind = {"int": "integer", "float": "number"}.get(match["kind"] or "", "string")
    schema: dict[str, Any] = {"type": kind}
    schema |= {"minimum": 0} if kind != "string" else {"minLength": 1}
    return {"name": match["name"], "in": "path", "required": True, "schema": schema}


def _query_parameters(schema: dict[str, Any]) -> list[dict[str, Any]]:
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": field.get("description", ""),
            "schema": _without_null(field),
        }
        for name, field in schema.get("properties", {}).items()
    ]


def _without_null(field: dict[str, Any]) -> dict[str, Any]:
    """Return a query parameter's schema: a query string cannot say null, it leaves the name out."""
    kept = {key: value for key, value in field.items() if key not in ("description", "title")}
    if kept.get("default", "") is None:
        del kept["default"]
    choices = [one for one in kept.pop("anyOf", ()) if one != {"type": "null"}]
    return kept | (choices[0] if len(choices) == 1 else {"anyOf": choices} if choices else {})


def _raw(kind: Raw) -> dict[str, Any]:
    return {"type": "string", "description": kind.description}


def _upload(media: str) -> dict[str, Any]:
    binary = {"type": "string", "format": "binary"}
    if media != "multipart/form-data":
        return binary
    return {"type": "object", "properties": {"file": binary}, "required": ["file"]}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": REF.format(model=name)}
