"""The OpenAPI document is whole, and the server answers every request, sane or not, as it says."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as some
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from st_core.app import BUNDLED
from tests.exam import SEED

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    negative_data_rejection,
]
#: Streams end only with the server; tests of their own follow them.
STREAMS = "text/event-stream"
#: What the seeded server has; half of the requests name something that is there.
KNOWN = {
    "job_id": ["1", "2", "3", "4"],
    "name": ["mine", "digits", "fake_trainer"],
    "provider": ["never", "instant", "failing"],
    "number": [1],
    "user_id": [1],
    "path": ["log", "checkpoints/step-5.json"],
}


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """Everything that is bundled, with the fakes beside it and no place to really train."""
    return make_app(plugins=["zoo", *BUNDLED], local_gpu__cpu_slots=0, rate_limit__calls=0)


@pytest.fixture
def document(client: Any) -> dict[str, Any]:
    """The document as the server answers it."""
    answer = client.get("/api/openapi.json")
    assert answer.status_code == 200
    return dict(answer.json)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give path, method and operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def test_every_json_route_is_in_the_document_under_its_own_id(
    app: Flask, document: dict[str, Any]
) -> None:
    from st_core.api import routing

    declared = {
        (rule.replace("<", "{"), method)
        for _, rule, declared in routing.operations(app)
        if not declared.page
        for method in declared.methods
    }
    assert len(list(operations(document))) == len(declared)
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))


def test_every_operation_tells_summary_description_permission_and_errors(
    document: dict[str, Any],
) -> None:
    for path, method, operation in operations(document):
        assert operation["summary"], (path, method)
        assert operation["description"], (path, method)
        assert operation["x-permission"], (path, method)
        for status, answer in operation["responses"].items():
            kinds = set(answer["content"])
            assert kinds, (path, method, status)
            if int(status) >= 400:
                assert kinds <= {"application/problem+json", "application/json"}
        if operation["x-permission"] != "always":
            assert {"401", "403"} <= set(operation["responses"]), (path, method)


def test_no_answer_is_empty_or_anything(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for path, method, operation in operations(document):
        for answer in operation["responses"].values():
            for media, content in answer["content"].items():
                where = (path, method, media)
                if "json" not in media or media.endswith("ndjson"):
                    assert content["schema"]["type"] == "string", where
                    continue
                name = content["schema"]["$ref"].rsplit("/", 1)[1]
                assert schemas[name]["type"] == "object", where
                assert schemas[name]["properties"], where
    for name, schema in schemas.items():
        for field, kind in schema.get("properties", {}).items():
            assert set(kind) & {"type", "$ref", "anyOf", "allOf", "const", "enum"}, (name, field)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def references(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            yield from (v for k, v in value.items() if k == "$ref" and isinstance(v, str))
            value = list(value.values())
        if isinstance(value, list):
            for item in value:
                yield from references(item)

    names = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) <= names


@pytest.mark.slow
def test_every_operation_answers_as_the_document_says(
    database: Any, app: Flask, as_user: Callable[..., Any], exam: Any
) -> None:
    small = 2 if database.kind == "sqlite" else 1
    examples = exam.count(f"requests per operation on {database.kind}", small, 100)
    admin = as_user("admin")
    headers = {"Authorization": f"Bearer {admin.api_key}"}
    fill(admin)
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app, headers=headers)
    wrong: list[str] = []
    tried = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        answers = operation.definition.raw["responses"]
        if any(STREAMS in answer.get("content", {}) for answer in answers.values()):
            continue
        tried += 1
        try:
            probe(operation, examples, headers)
        except (Exception, BaseExceptionGroup) as error:
            wrong.append(f"{operation.label}: {type(error).__name__}: {error}"[:2000])
    assert not wrong, "\n\n".join(wrong)
    assert tried > 100
    exam.count("operations", tried, tried)


def probe(operation: Any, examples: int, headers: dict[str, str]) -> None:
    """Send sane and broken requests to one operation and check every answer."""
    from schemathesis import GenerationMode

    sane = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    broken = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    run(sane, examples, headers, str | int)
    with suppress(Unsatisfiable):  # nothing can be wrong with a request that carries nothing
        run(broken, max(2, examples // 2), headers, str)  # a number may be what is wrong


def run(strategy: Any, count: int, headers: dict[str, str], kinds: Any) -> None:
    """Send `count` requests of one kind; known things are named by parameters of these `kinds`."""

    @seed(SEED)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy, known=some.booleans(), pick=some.randoms(use_true_random=False))
    def send(case: Any, known: bool, pick: random.Random) -> None:
        for name in case.path_parameters if known else ():
            wanted = KNOWN.get(name, [None])
            if isinstance(wanted[0], kinds):
                case.path_parameters[name] = pick.choice(wanted)
        case.call_and_validate(checks=checks_for(case, known), headers=headers)

    send()


def checks_for(case: Any, path_is_known: bool) -> list[Any]:
    """Return what must hold. A request whose only broken part we have mended need not be refused:
    the headers are always ours, the path is when it names something that is there.
    """
    mended = {ParameterLocation.HEADER} | ({ParameterLocation.PATH} if path_is_known else set())
    parts = case.meta.components.items() if case.meta else ()
    broken = {place for place, part in parts if part.mode.is_negative}
    if broken and broken <= mended:
        return [check for check in CHECKS if check is not negative_data_rejection]
    return CHECKS


def fill(client: Any) -> None:
    """Give the server a config and jobs in several states."""
    data = {"name": "mine", "trainer": "fake_trainer", "data": {"steps": 3}}
    client.post("/api/configs", json=data)
    for provider in ("instant", "never", "never", "failing"):
        client.post(f"/api/cloud/{provider}/submit", json={"config_name": "mine"})
    client.post("/api/queue/process")
