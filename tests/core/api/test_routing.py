"""Declarations: what a route says of itself is checked at the start and is all that opens it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Blueprint, Flask, Response

from st_core.api import routing
from st_core.api.routing import PUBLIC, SIGNED_IN, Raw, page, route
from st_core.api.schemas.kinds import Body, Query, Success
from st_core.errors import PluginError

KNOWN = frozenset({"queue.view", "queue.manage"})


def app_with(*declare: Callable[[Blueprint], Any]) -> Flask:
    """Return a bare app with one blueprint per declaration."""
    app = Flask("routes", static_folder=None)
    for number, one in enumerate(declare):
        blueprint = Blueprint(f"b{number}", __name__)
        one(blueprint)
        app.register_blueprint(blueprint)
    return app


def simple(path: str, permission: Any = SIGNED_IN, **options: Any) -> Callable[[Blueprint], Any]:
    """Return a declaration of a route that answers `Success`."""

    def declare(blueprint: Blueprint) -> None:
        @route(
            blueprint, path, permission=permission, summary="s", answers={200: Success}, **options
        )
        def view(**_path: Any) -> Success:
            return Success()

    return declare


def test_a_route_that_declares_nothing_stops_the_start() -> None:
    app = app_with(lambda blueprint: blueprint.add_url_rule("/bare", "bare", lambda: "open"))
    with pytest.raises(PluginError, match=r"/bare .* declares no permission"):
        routing.check(app, KNOWN)


def test_a_permission_nobody_registered_stops_the_start() -> None:
    app = app_with(simple("/a", ("queue.view", "queue.vew")))
    with pytest.raises(PluginError, match=r"unknown permission queue\.vew"):
        routing.check(app, KNOWN)


@pytest.mark.parametrize(
    ("one", "other"),
    [("/jobs/<name>", "/jobs/<job_id>"), ("/jobs", "/jobs"), ("/n/<int:a>", "/n/<int(max=9):b>")],
)
def test_two_routes_for_the_same_addresses_stop_the_start(one: str, other: str) -> None:
    with pytest.raises(PluginError, match="belongs to both"):
        routing.check(app_with(simple(one), simple(other)), KNOWN)


def test_the_same_address_with_another_method_or_kind_is_another_route() -> None:
    app = app_with(
        simple("/jobs/<name>"),
        simple("/jobs/<name>", methods=["POST"]),
        simple("/jobs/<int:number>"),
        simple("/jobs/new"),
    )
    routing.check(app, KNOWN)


def test_all_aliases_of_a_handler_are_one_declaration() -> None:
    app = app_with(simple(["/api/one", "/api/two"], PUBLIC))  # type: ignore[arg-type]
    found = {path: declared for _, path, declared in routing.operations(app)}
    assert set(found) == {"/api/one", "/api/two"}
    assert found["/api/one"] is found["/api/two"]
    assert found["/api/one"].is_open


def test_a_view_gets_what_it_declared_and_answers_with_models_status_and_headers() -> None:
    class Asked(Query):
        several: list[str] = []

    class Sent(Body):
        number: int = 0

    def declare(blueprint: Blueprint) -> None:
        @route(
            blueprint,
            "/api/echo/<name>",
            methods=["POST"],
            permission=PUBLIC,
            summary="s",
            query=Asked,
            body=Sent,
            answers={202: Success},
        )
        def view(name: str, query: Asked, body: Sent) -> Any:
            told = f"{name} {','.join(query.several)} {body.number}"
            return Success(), 202, {"X-Told": told}

        @route(
            blueprint,
            "/api/text",
            permission=PUBLIC,
            summary="s",
            answers={200: (Success, Raw("text/plain", "words"))},
        )
        def text() -> Response:
            return Response("words", mimetype="text/plain")

    client = app_with(declare).test_client()
    answer = client.post("/api/echo/ann?several=a,b&several=c", json={"number": 5})
    assert (answer.status_code, answer.json) == (202, {"success": True})
    assert answer.headers["X-Told"] == "ann a,b,c 5"
    assert client.get("/api/text").data == b"words"


def test_pages_are_declared_too_and_stay_out_of_the_document() -> None:
    def declare(blueprint: Blueprint) -> None:
        @page(blueprint, "/somewhere", permission=("queue.view", "queue.manage"))
        def somewhere() -> str:
            return "here"

    app = app_with(declare)
    routing.check(app, KNOWN)
    (declared,) = (item[2] for item in routing.operations(app))
    assert declared.page
    assert declared.permissions == ("queue.view", "queue.manage")
