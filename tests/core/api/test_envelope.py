"""Errors have one shape, bodies are read as promised, every answer carries its headers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Blueprint, Flask

from st_core.api.routing import SIGNED_IN, route
from st_core.api.schemas.kinds import Success

OLD_CLIENTS_READ = {"error", "message", "details"}
PROBLEM = {"type", "title", "detail", "code", "request_id"} | OLD_CLIENTS_READ


def assert_is_problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.mimetype == "application/problem+json"
    body: dict[str, Any] = json.loads(answer.get_data())
    assert set(body) - {"errors"} == PROBLEM
    assert (body["code"], body["error"]) == (code, code)
    assert body["detail"] == body["message"] != ""
    assert "status" not in body
    assert body["request_id"] == answer.headers["X-Request-ID"]
    return body


def test_a_missing_job_is_a_problem_with_its_own_code(client: Any) -> None:
    assert_is_problem(client.get("/api/cloud/jobs/999"), 404, "job_not_found")
    assert_is_problem(client.get("/api/cloud/jobs/none"), 404, "job_not_found")
    assert_is_problem(client.get(f"/api/cloud/jobs/{'9' * 60}"), 404, "job_not_found")


def test_an_unknown_path_and_a_wrong_method_are_problems(client: Any) -> None:
    assert_is_problem(client.get("/api/nowhere"), 404, "not_found")
    answer = client.delete("/api/queue/stats")
    body = assert_is_problem(answer, 405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]
    assert "GET" in body["detail"]


def test_a_query_that_does_not_fit_names_every_parameter_and_its_value(client: Any) -> None:
    answer = client.get("/api/cloud/jobs?limit=9999&offset=-1&statsu=failed")
    body = assert_is_problem(answer, 422, "validation_error")
    told = {error["path"]: error["message"] for error in body["errors"]}
    assert set(told) == {"limit", "offset", "statsu"}
    assert "9999" in told["limit"]


def test_a_body_that_does_not_fit_names_every_field(client: Any) -> None:
    answer = client.post(
        "/api/queue/concurrency", json={"max_concurrent": 0, "user_max_concurrent": "many"}
    )
    body = assert_is_problem(answer, 422, "validation_error")
    assert {error["path"] for error in body["errors"]} == {"max_concurrent", "user_max_concurrent"}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[1, 2]",
        b'"text"',
        b"\xff\xfe",
        b'{"max_concurrent": NaN}',
        b'{"max_concurrent": 1e999}',
        b'{"name": "\\u0000"}',
        b'{"name": "\\ud800"}',
        b'{"a": ' * 2000 + b"1" + b"}" * 2000,
        b'{"a": ' * 70 + b"1" + b"}" * 70,
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_no_usable_json_object_is_refused_and_never_breaks(
    client: Any, body: bytes
) -> None:
    answer = client.post("/api/queue/concurrency", data=body)
    assert answer.status_code == 422
    assert answer.json["code"] in ("invalid_payload", "validation_error")


@pytest.mark.parametrize(
    "path", ["/api/configs/a%00b", "/api/cloud/jobs?q=%00", "/api/cloud/jobs/%00"]
)
def test_a_nul_character_in_the_address_is_refused(client: Any, path: str) -> None:
    assert client.get(path).status_code == 422


@pytest.mark.parametrize("kind", [None, "application/x-www-form-urlencoded", "text/plain"])
def test_a_program_may_send_json_under_any_content_type(
    as_user: Callable[..., Any], kind: str | None
) -> None:
    answer = as_user("admin").post(
        "/api/queue/concurrency", data='{"max_concurrent": 7}', content_type=kind
    )
    assert answer.json["max_concurrent"] == 7


def test_an_empty_body_is_an_empty_object(client: Any) -> None:
    assert client.post("/api/queue/concurrency").status_code == 200


def test_a_body_over_the_limit_is_refused(make_app: Callable[..., Flask]) -> None:
    client = make_app(plugins=["zoo"], server__max_body_bytes=2000).test_client()
    answer = client.post("/api/queue/concurrency", data=b" " * 3000)
    assert_is_problem(answer, 413, "body_too_large")


def test_an_unexpected_error_tells_the_request_id_and_nothing_else(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(plugins=["zoo"], prepare=False)
    blueprint = Blueprint("boom", __name__)

    @route(blueprint, "/api/boom", permission=SIGNED_IN, summary="Break", answers={200: Success})
    def boom() -> Success:
        raise ValueError("the password is swordfish")

    app.register_blueprint(blueprint)
    from st_core.boot import prepare

    prepare(app)
    answer = app.test_client().get("/api/boom", headers={"X-Request-ID": "abc-1"})
    body = assert_is_problem(answer, 500, "internal_error")
    assert body["request_id"] == "abc-1"
    assert "swordfish" not in answer.get_data(as_text=True)
    assert "ValueError" not in answer.get_data(as_text=True)
    assert "swordfish" in caplog.text


@pytest.mark.parametrize("given", ["abc-123", "A" * 64, "550e8400-e29b-41d4-a716-446655440000"])
def test_a_sane_request_id_is_kept(client: Any, given: str) -> None:
    assert client.get("/health", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "A" * 65, "with space", "<script>", "é"])
def test_any_other_request_id_is_replaced(client: Any, given: str) -> None:
    made = client.get("/health", headers={"X-Request-ID": given}).headers["X-Request-ID"]
    assert made not in ("", given)


@pytest.mark.parametrize("path", ["/health", "/api/cloud/jobs", "/api/nowhere", "/nowhere"])
def test_every_answer_carries_the_security_headers(client: Any, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "Strict-Transport-Security" not in headers


def test_hsts_is_sent_when_the_deployment_says_so(make_app: Callable[..., Flask]) -> None:
    client = make_app(plugins=["zoo"], tls__hsts=True).test_client()
    assert "max-age" in client.get("/health").headers["Strict-Transport-Security"]


def test_api_answers_are_not_stored_by_anybody(client: Any) -> None:
    assert client.get("/api/cloud/jobs").headers["Cache-Control"] == "no-store"
