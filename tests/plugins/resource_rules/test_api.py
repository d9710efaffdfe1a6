"""`/api/users/resource-rules` and a level's rules: spellings and fields of the contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from st_core.db import db
from st_core.models import Event
from tests.plugins.resource_rules.conftest import GUIDE, URL


def named(client: Any, **query: Any) -> list[str]:
    return [rule["name"] for rule in client.get(URL, query_string=query).json["rules"]]


def level_id(client: Any, name: str) -> int:
    levels = client.get("/api/users/meta/levels").json["levels"]
    return next(level["id"] for level in levels if level["name"] == name)


def told(app: Flask) -> list[Event]:
    """Return the events of rules, the oldest first."""
    with app.app_context():
        query = select(Event).where(Event.name.startswith("resource_rule.")).order_by(Event.id)
        return list(db.session.scalars(query))


def test_a_rule_is_made_read_changed_and_deleted_with_an_event_for_each_change(
    app: Flask, admin: Any
) -> None:
    body = {"name": "t4", "resource_type": "hardware", "pattern": "gpu-t4*"}
    made = admin.post(URL, json=body)
    assert made.status_code == 201
    rule = made.json
    assert rule["created_by"]
    assert rule["created_at"]
    assert {name: rule[name] for name in (*body, "action", "priority", "description")} == {
        **body,
        "action": "allow",
        "priority": 0,
        "description": "",
    }
    one = f"{URL}/{rule['id']}"
    assert admin.get(one).json == rule
    changed = admin.put(one, json={"action": "deny", "priority": 7, "levels": ["lead"]})
    assert changed.json == {**rule, "action": "deny", "priority": 7, "levels": ["lead"]}
    assert admin.put(one, json={"priority": 7}).status_code == 200
    assert admin.delete(one).json == {"success": True}
    assert admin.get(one).status_code == 404
    assert [event.name for event in told(app)] == [
        "resource_rule.created",
        "resource_rule.updated",
        "resource_rule.deleted",
    ]
    assert told(app)[1].before == {"action": "allow", "priority": 0, "levels": []}
    assert told(app)[1].after == {"action": "deny", "priority": 7, "levels": ["lead"]}


def test_lists_are_filtered_by_type_and_name_the_levels(admin: Any, put: Any) -> None:
    put(*GUIDE)
    assert named(admin) == ["others", "team x", "any hardware", "t4", "v100"]
    assert named(admin, resource_type="hardware") == ["any hardware", "t4", "v100"]
    assert admin.get(URL, query_string={"resource_type": "colour"}).status_code == 422
    levels = {rule["name"]: rule["levels"] for rule in admin.get(URL).json["rules"]}
    assert levels["any hardware"] == ["lead"]


def test_rules_are_attached_to_levels_one_by_one_or_all_at_once(admin: Any, put: Any) -> None:
    first, second = put(*({"name": n, "resource_type": "config", "pattern": n} for n in ("a", "b")))
    of_lead = f"/api/users/levels/{level_id(admin, 'lead')}/rules"
    assert admin.get(of_lead).json == {"rules": []}
    for _ in range(2):  # one that is there already is fine
        assert admin.post(f"{of_lead}/{first}").json == {"success": True}
    assert [rule["id"] for rule in admin.get(of_lead).json["rules"]] == [first]
    assert admin.put(of_lead, json={"rule_ids": [second]}).json == {"success": True}
    assert [rule["id"] for rule in admin.get(of_lead).json["rules"]] == [second]
    assert admin.delete(f"{of_lead}/{second}").json == {"success": True}
    assert admin.delete(f"{of_lead}/{second}").json["code"] == "rule_not_attached"
    assert admin.put(of_lead, json={"rule_ids": [999]}).status_code == 404
    assert admin.get("/api/users/levels/999/rules").status_code == 404


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"name": ""}, 422),
        ({"name": "x" * 101}, 422),
        ({"resource_type": "gpu"}, 422),
        ({"action": "block"}, 422),
        ({"priority": 1001}, 422),
        ({"priority": True}, 422),
        ({"description": "x" * 501}, 422),
        ({"pattren": "x"}, 422),
        ({"pattern": "^(x$"}, 400),
        ({"levels": ["nobodies"]}, 400),
        ({"name": "taken"}, 409),
    ],
)
def test_what_cannot_be_set_is_refused_and_leaves_nothing(
    admin: Any, put: Any, wrong: dict[str, Any], status: int
) -> None:
    put({"name": "taken", "resource_type": "config", "pattern": "x"})
    body = {"name": "new", "resource_type": "config", "pattern": "x"}
    answer = admin.post(URL, json=body | wrong)
    assert answer.status_code == status, answer.text
    assert answer.json["code"]
    assert named(admin) == ["taken"]


def test_the_tester_names_the_deciding_rule(
    admin: Any, put: Any, as_user: Callable[..., Any]
) -> None:
    put(*GUIDE)
    as_user("researcher", "ada")
    asked = {"username": "Ada", "config_name": "team-y", "hardware": "t4"}
    found = admin.post(f"{URL}/test", json=asked).json
    assert (found["allowed"], found["rule"]) == (False, "others")
    assert [
        (each["resource_type"], each["effect"], each["rule"]) for each in found["findings"]
    ] == [
        ("config", "deny", "others"),
        ("hardware", "allow", "t4"),
    ]
    assert found["levels"] == ["researcher"]
    assert admin.post(f"{URL}/test", json={**asked, "config_name": "team-x-1"}).json["allowed"]
    as_lead = admin.post(f"{URL}/test", json={"levels": ["lead"], "hardware": "h100"}).json
    assert as_lead["findings"][0]["rule"] == "any hardware"
    as_admin = admin.post(f"{URL}/test", json={"levels": ["admin"]}).json
    assert as_admin["text"] == "Administrators pass every resource rule."
    assert admin.post(f"{URL}/test", json={"username": "nobody"}).status_code == 404


def test_only_who_manages_users_sets_or_reads_rules(as_user: Callable[..., Any], put: Any) -> None:
    (number,) = put({"name": "a", "resource_type": "config", "pattern": "a"})
    lead = as_user("lead")
    assert lead.get(URL).status_code == 403
    assert lead.delete(f"{URL}/{number}").status_code == 403
