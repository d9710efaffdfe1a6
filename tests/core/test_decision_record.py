"""The record of decisions: found again, decided again to the same answer, and asked what would have
been under other documents."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.cli import ScriptInfo
from sqlalchemy import update

from st_core.cli.state import st
from st_core.db import db, unit_of_work
from st_core.models import Decision
from tests.core import ruler
from tests.core.ruler import rule

RULES = ruler.documents(
    gatekeeper=[rule("no vanishing", "deny", provider="vanishing")],
    quartermaster=[
        rule("two at most", "block", active_at_least=2),
        rule("one, said in shadow", "block", active_at_least=1, mode="shadow"),
    ],
    adviser=[rule("slow is asked", "require_approval", provider="slow")],
)


@pytest.fixture
def app(make_app: Callable[..., Flask], install_plugin: Callable[..., Path]) -> Flask:
    install_plugin("ruler", ruler.SOURCE)
    return make_app(plugins=["zoo", "ruler"], **RULES)


@pytest.fixture
def people(as_user: Callable[..., Any]) -> dict[str, Any]:
    return {"ada": as_user("researcher", "ada"), "bob": as_user("researcher", "bob")}


@pytest.fixture
def admin(as_user: Callable[..., Any]) -> Any:
    return as_user("admin", "root")


def submit(client: Any, provider: str = "never", **body: Any) -> int:
    asked = {"trainer": "fake_trainer", "config": {"steps": 3}} | body
    return int(client.post(f"/api/cloud/{provider}/submit", json=asked).status_code)


@pytest.fixture
def past(people: dict[str, Any]) -> None:
    """Ada: two admitted, one refused for room, one for access; Bob: one asked, one admitted."""
    codes = [submit(people["ada"], each) for each in ("never", "never", "never", "vanishing")]
    assert codes == [201, 201, 429, 403]
    assert [submit(people["bob"], each) for each in ("slow", "never")] == [202, 201]


@pytest.mark.usefixtures("past")
def test_decisions_are_found_by_job_person_outcome_policy_and_page(admin: Any) -> None:
    def numbers(query: str = "") -> list[int]:
        answer = admin.get(f"/api/decisions{query}")
        assert answer.status_code == 200, answer.json
        return [one["id"] for one in answer.json["decisions"]]

    assert numbers() == [6, 5, 4, 3, 2, 1]
    assert numbers("?outcome=refused") == [4, 3]
    assert numbers("?policy=adviser") == [6, 5, 2, 1]
    first = admin.get("/api/decisions/1").json
    assert numbers(f"?job_id={first['job_id']}") == [1]
    assert numbers(f"?user_id={first['user_id']}") == [4, 3, 2, 1]
    page = admin.get("/api/decisions?limit=4").json
    assert [one["id"] for one in page["decisions"]] == [6, 5, 4, 3]
    assert numbers(f"?limit=4&cursor={page['next']}") == [2, 1]
    assert first["documents"]["quartermaster"]["rules"][0]["name"] == "two at most"
    for wrong in ("?outcome=lost", "?policy=nobody"):
        assert admin.get(f"/api/decisions{wrong}").status_code == 422


@pytest.mark.usefixtures("past")
def test_the_page_lists_them_and_opens_one_with_its_replay(admin: Any) -> None:
    listed = admin.get("/decisions?outcome=refused&policy=gatekeeper").get_data(as_text=True)
    assert "no vanishing says deny." in listed
    assert "/decisions/4" in listed
    assert "/decisions/1" not in listed
    assert "/decisions/1" in admin.get("/decisions").get_data(as_text=True)
    opened = admin.get("/decisions/4").get_data(as_text=True)
    assert "Decided again from its record just now: the same answer." in opened


@pytest.mark.usefixtures("past")
def test_others_see_what_was_decided_about_their_own(people: dict[str, Any]) -> None:
    found = people["bob"].get("/api/decisions").json["decisions"]
    assert [one["id"] for one in found] == [6, 5]
    assert people["bob"].get("/api/decisions/5").status_code == 200
    assert people["bob"].post("/api/decisions/5/replay").json["same"] is True
    for what in ("/api/decisions/1", "/decisions/1"):
        assert people["bob"].get(what).status_code == 404
    assert people["bob"].post("/api/decisions/1/replay").status_code == 404


@pytest.mark.usefixtures("past")
def test_every_decision_comes_out_again_as_it_was_recorded(app: Flask, admin: Any) -> None:
    for number in range(1, 7):
        again = admin.post(f"/api/decisions/{number}/replay").json
        assert again["same"] is True, again
        assert again["outcome"] == admin.get(f"/api/decisions/{number}").json["outcome"]
    told = _replay(app)
    assert "6 decisions made again, 6 the same" in told.stderr


def test_two_policies_with_equal_documents_are_told_apart(
    make_app: Callable[..., Flask], install_plugin: Callable[..., Path]
) -> None:
    install_plugin("ruler", ruler.SOURCE)
    client = make_app(plugins=["zoo", "ruler"]).test_client()
    assert submit(client) == 201
    assert set(client.get("/api/decisions/1").json["documents"]) == set(ruler.NAMES)
    assert client.post("/api/decisions/1/replay").json["same"] is True


@pytest.mark.usefixtures("past")
def test_a_record_that_was_changed_comes_out_otherwise(app: Flask, admin: Any) -> None:
    with app.app_context(), unit_of_work():
        row = db.session.get_one(Decision, 3)
        answers = [{**one, "facts": {"active": 0}} for one in row.answers]
        db.session.execute(update(Decision).where(Decision.id == 3).values(answers=answers))
        db.session.execute(update(Decision).where(Decision.id == 4).values(outcome="admitted"))
    again = admin.post("/api/decisions/3/replay").json
    assert again["same"] is False
    assert [one["policy"] for one in again["differences"]] == ["quartermaster"]
    assert admin.post("/api/decisions/4/replay").json["differences"][0]["policy"] == "outcome"
    assert "comes out otherwise" in admin.get("/decisions/3").get_data(as_text=True)
    told = _replay(app)
    assert told.exit_code == 1
    assert "6 decisions made again, 4 the same, 2 otherwise" in told.stderr


def _replay(app: Flask) -> Any:
    info = ScriptInfo(create_app=lambda: app, set_debug_flag=False)
    command = st.get_command(st.make_context("st", ["--help"], resilient_parsing=True), "decisions")
    assert command is not None
    return CliRunner().invoke(command, ["replay"], obj=info)


@pytest.mark.usefixtures("past")
def test_what_another_document_would_have_done_is_told_per_person_and_with_money(
    admin: Any,
) -> None:
    def ask(policy: str, *rules: dict[str, Any], **more: Any) -> Any:
        body = {"policy": policy, "document": {"rules": list(rules)}} | more
        return admin.post("/api/policy/what-if", json=body)

    none = ask("quartermaster").json
    assert (none["considered"], none["changed"], none["total"]["admitted"]) == (6, 1, 1)
    assert [one["user"] for one in none["people"]] == ["ada"]
    assert none["examples"][0]["before"] == "refused"
    hard = ask("quartermaster", rule("nobody", "block")).json
    assert (hard["changed"], hard["total"]["refused"]) == (4, 4)
    assert {one["user"]: one["refused"] for one in hard["people"]} == {"ada": 2, "bob": 2}
    milder = ask("gatekeeper").json
    assert milder["changed"] == 1  # nobody else had been asked about it
    asks = ask("adviser", rule("all", "require_approval")).json
    assert (asks["total"]["asked"], asks["total"]["refused"]) == (3, 0)
    assert asks["reconstructed"] >= 2  # the two refused before the adviser was asked
    assert any("worked out afterwards" in note for note in asks["notes"])
    wrong = ask("adviser", rule("", "shout"))
    assert wrong.status_code == 422
    assert wrong.json["errors"][0]["path"].startswith("document.rules.0")
    assert ask("nobody").status_code == 422


@pytest.mark.usefixtures("past")
def test_the_same_document_would_have_done_the_same(admin: Any) -> None:
    for one in admin.get("/api/policy/documents").json["policies"]:
        body = {"policy": one["policy"], "document": one["document"]}
        assert admin.post("/api/policy/what-if", json=body).json["changed"] == 0


@pytest.mark.usefixtures("past")
def test_rules_in_shadow_change_nothing_and_are_reported(admin: Any) -> None:
    rules = admin.get("/api/policy/shadow").json["rules"]
    assert [(one["rule"], one["refused"], one["people"]) for one in rules] == [
        ("one, said in shadow", 2, ["ada"])
    ]
    page = admin.get("/admin/what-if").get_data(as_text=True)
    assert "one, said in shadow" in page
    assert "What it would have done: Adviser" in page
