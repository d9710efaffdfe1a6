"""`/api/audit` as clients use it: filters, figures, checks, exports, and who may."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from st_audit import verifier

from st_core.actor import Actor, acting
from st_core.db import db, unit_of_work
from st_core.services import events
from tests.plugins.audit import logs

EVE = Actor("eve", 9, address="10.0.0.9", door="page", request_id="r-eve")


@pytest.fixture
def lead(app: Flask, as_user: Callable[..., Any]) -> Any:
    """Somebody who may read the log, in a log of a dozen entries."""
    client = as_user("lead")
    logs.write(app, 6)
    with app.app_context(), acting(EVE), unit_of_work():
        events.emit("auth.login_failure", subject=("user", "eve"), message="wrong password")
        events.emit("admin.config_changed", subject=("settings", "x"), before={"x": 1})
        events.emit("security.rate_limited", subject=("throttle", "login"))
    return client


def entries(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json["entries"]
    return found


def test_the_list_has_the_newest_first_and_a_true_total(app: Flask, lead: Any) -> None:
    everything = logs.rows(app)
    answer = lead.get("/api/audit?limit=3")
    assert [each["id"] for each in entries(answer)] == [row["number"] for row in everything[:-4:-1]]
    assert answer.json["total"] == len(everything)
    assert answer.json["has_more"] is True
    seen, cursor = [], None
    while True:
        page = lead.get(
            "/api/audit", query_string={"limit": 4, **({"cursor": cursor} if cursor else {})}
        )
        seen += [each["id"] for each in entries(page)]
        cursor = page.json["next"]
        if cursor is None:
            break
    assert seen == [row["number"] for row in reversed(everything)]
    assert entries(lead.get("/api/audit?offset=2&limit=1"))[0]["id"] == len(everything) - 2


def test_an_entry_says_everything(lead: Any) -> None:
    (entry,) = entries(lead.get("/api/audit?event_type=queue.paused&limit=1"))
    assert entry["actor_username"] == "ada"
    assert entry["before"] == {"paused": False}
    assert entry["details"]["a"] == "ä\u2028\x7f"
    assert lead.get(f"/api/audit/entries/{entry['id']}").json == entry
    assert lead.get("/api/audit/entries/4000").status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("event_type=queue.paused", 6),
        ("event_type=rate_limited", 1),
        ("event_type=auth.login.failed", 1),
        ("event_type=auth.login_failure", 1),
        ("event_type=admin.config_changed", 1),
        ("event_type=config.changed", 1),
        ("event_type=quota.changed", 0),
        ("actor_id=7", 6),
        ("actor_id=9&result=refused", 2),
        ("actor_id=9&result=done", 1),
        ("target_type=queue&target_id=q-3", 1),
        ("target_id=3", 0),
        ("since=2999-01-01T00:00:00Z", 0),
        ("until=2000-01-01", 0),
        ("q=eve wrong", 1),
        ("q=R-EVE", 3),
        ("q=10.0.0.9", 3),
        ("q=%25", 0),
    ],
)
def test_filters_find_what_they_say(lead: Any, query: str, found: int) -> None:
    answer = lead.get(f"/api/audit?{query}")
    assert len(entries(answer)) == answer.json["total"] == found


def test_an_unknown_kind_is_refused(lead: Any) -> None:
    answer = lead.get("/api/audit?event_type=no.such")
    assert answer.status_code == 400
    assert "types" in answer.json["detail"]
    assert lead.get("/api/audit?colour=red").status_code == 422
    assert lead.get("/api/audit?limit=501").status_code == 422


def test_times_bound_the_list(app: Flask, lead: Any) -> None:
    third = logs.rows(app)[2]["timestamp"]
    assert len(entries(lead.get(f"/api/audit?until={third}"))) == 2
    assert entries(lead.get(f"/api/audit?since={third}"))[-1]["timestamp"] == third


def test_a_person_s_entries_and_those_of_security_have_lists(lead: Any) -> None:
    assert {each["actor_id"] for each in entries(lead.get("/api/audit/user/9"))} == {9}
    kinds = {each["category"] for each in entries(lead.get("/api/audit/security"))}
    assert kinds <= {"auth", "security"}
    assert "auth" in kinds


def test_figures_count_by_kind_and_day(app: Flask, lead: Any, clock: Any) -> None:
    told = lead.get("/api/audit/stats").json
    assert told["by_type"]["queue.paused"] == 6
    assert told["total_entries"] == sum(told["by_type"].values()) == told["last_24h"]
    clock.advance(hours=25)
    assert lead.get("/api/audit/stats").json["last_24h"] == 0
    assert told["first_entry"] == logs.rows(app)[0]["timestamp"]


def test_kinds_have_names_for_people(lead: Any) -> None:
    kinds = {
        each["value"]: each["name"] for each in lead.get("/api/audit/types").json["event_types"]
    }
    assert kinds["auth.login.failed"] == "A sign-in failed"
    assert "auth.login_failure" not in kinds


def test_a_check_says_what_it_checked(app: Flask, lead: Any) -> None:
    whole = lead.get("/api/audit/verify").json
    assert whole["valid"] is True
    assert (whole["first_id"], whole["last_id"]) == (1, len(logs.rows(app)))
    part = lead.get("/api/audit/verify?start_id=3&end_id=5").json
    assert (part["valid"], part["entries_checked"]) == (True, 3)
    assert (part["first_id"], part["last_id"]) == (3, 5)
    assert lead.get("/api/audit/verify?start_id=5&end_id=3").status_code == 400
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(sa.text("UPDATE audit_entry SET actor_ip = '1.1.1.1' WHERE number = 4"))
    told = lead.get("/api/audit/verify").json
    assert (told["valid"], told["first_bad_id"], told["broken_links"][0]["id"]) == (False, 4, 4)
    assert lead.get("/api/audit/verify?start_id=5").json["valid"] is True


def test_an_anchor_kept_elsewhere_is_checked(app: Flask, lead: Any) -> None:
    anchor = lead.post("/api/audit/checkpoint").json
    assert anchor == lead.post("/api/audit/checkpoint").json, "nothing happened meanwhile"
    assert lead.post("/api/audit/verify", json={"anchors": [anchor]}).json["valid"] is True
    forged = {**anchor, "number": anchor["number"] + 1}
    refused = lead.post("/api/audit/verify", json={"anchors": [forged]})
    assert (refused.status_code, refused.json["code"]) == (400, "foreign_anchor")


def test_an_export_can_be_verified_with_the_public_key(lead: Any, app: Flask) -> None:
    pem = lead.get("/api/audit/public-key").text
    lines = lead.get("/api/audit/export").text.splitlines()
    told = logs.check_file(lines, pem)
    assert told.valid, told.findings
    assert logs.rows(app)[-1]["event_type"] == "audit.exported"
    assert told.last_number == len(logs.rows(app))
    assert lead.get("/api/audit/verifier.py").text.startswith('"""Check an exported audit log')


def test_a_filtered_export_holds_what_fits(lead: Any) -> None:
    lines = lead.get("/api/audit/export?actor_id=9").text.splitlines()
    assert [json.loads(line).get("actor_id") for line in lines[1:]] == [9, 9, 9]
    files = verifier.Files(
        verifier.read_keys(lead.get("/api/audit/public-key").text), filtered=True
    )
    files.read(lines)
    assert files.end().valid


def test_no_cell_of_a_csv_is_a_formula(lead: Any, app: Flask) -> None:
    for begin in "=+-@\t\r":
        with app.app_context(), unit_of_work():
            events.emit("queue.paused", subject=("queue", "q"), message=f"{begin}SUM(A1)")
    answer = lead.get("/api/audit/export?format=csv")
    assert answer.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert len(rows) == len(logs.rows(app))
    cells = [cell for row in rows for cell in row.values()]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert [row["message"] for row in rows[-7:-1]] == [f"'{b}SUM(A1)" for b in "=+-@\t\r"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/audit"),
        ("GET", "/api/audit/stats"),
        ("GET", "/api/audit/types"),
        ("GET", "/api/audit/verify"),
        ("POST", "/api/audit/verify"),
        ("GET", "/api/audit/user/1"),
        ("GET", "/api/audit/security"),
        ("GET", "/api/audit/export"),
        ("GET", "/api/audit/export-config"),
        ("POST", "/api/audit/export-config"),
        ("POST", "/api/audit/checkpoint"),
        ("GET", "/api/audit/public-key"),
    ],
)
def test_the_log_is_for_those_who_may(
    app: Flask, as_user: Callable[..., Any], method: str, path: str
) -> None:
    researcher, lead = as_user("researcher"), as_user("lead")
    assert researcher.open(path, method=method).status_code == 403
    assert lead.open(path, method=method).status_code == 200
    assert app.test_client().open(path, method=method).status_code == 401


def test_the_token_of_the_webhook_is_kept_sealed(app: Flask, lead: Any) -> None:
    given = {"webhook_url": "https://siem.example.org/in", "auth_token": "s3cret-token"}
    told = lead.post("/api/audit/export-config", json=given).json
    assert (told["auth_token"], told["has_auth_token"]) == (None, True)
    assert told == {**lead.get("/api/audit/export-config").json}
    assert "s3cret-token" not in json.dumps(logs.rows(app))
    assert "s3cret-token" not in json.dumps(logs.rows(app, "audit_sink", "name"))
    kept = lead.post("/api/audit/export-config", json={"security_only": True, "auth_token": None})
    assert (kept.json["has_auth_token"], kept.json["security_only"]) == (True, True)
    assert kept.json["webhook_url"] == given["webhook_url"]
    gone = lead.post("/api/audit/export-config", json={"webhook_url": None}).json
    assert (gone["webhook_url"], gone["has_auth_token"]) == (None, False)


@pytest.mark.parametrize(
    "url",
    ["http://169.254.169.254/", "https://10.0.0.1/", "ftp://example.org/", "https://u:p@x.org/"],
)
def test_the_webhook_goes_nowhere_inside(lead: Any, url: str) -> None:
    answer = lead.post("/api/audit/export-config", json={"webhook_url": url})
    assert (answer.status_code, answer.json["code"]) == (422, "destination_refused")
