"""`simpletuner auth users rules …` against a real server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .conftest import Ended

pytestmark = pytest.mark.slow
RULES = ("auth", "users", "rules")


def test_a_rule_is_made_attached_tried_changed_and_deleted(run: Callable[..., Ended]) -> None:
    def rules(*words: str) -> Ended:
        ended = run(*RULES, *words)
        assert ended.code == 0, ended.err
        return ended

    made = rules(
        "create", "--name", "team x", "--type", "config", "--pattern", "team-x-*", "-f", "json"
    )
    number = str(made.json["id"])
    levels = run("auth", "users", "levels", "list", "-f", "json").json["levels"]
    lead = str(next(level["id"] for level in levels if level["name"] == "lead"))
    rules("assign", lead, number)
    listed = rules("list", "--type", "config", "-f", "json").json["rules"]
    assert [(rule["name"], rule["levels"]) for rule in listed] == [("team x", ["lead"])]
    tried = rules("test", "--levels", "lead", "--config", "team-y", "-f", "json").json
    assert (tried["allowed"], tried["rule"]) == (False, "no rule for config fits")
    changed = rules("update", number, "--pattern", "team-*", "--mode", "shadow", "-f", "json").json
    assert (changed["pattern"], changed["mode"], changed["levels"]) == (
        "team-*",
        "shadow",
        ["lead"],
    )
    rules("remove", lead, number)
    rules("delete", number, "--force")
    assert rules("list", "-f", "json").json["rules"] == []


def test_what_cannot_be_set_is_said_in_one_line(run: Callable[..., Ended]) -> None:
    wrong = ("--name", "x", "--type", "config", "--pattern", "^(x$")
    ended = run(*RULES, "create", *wrong)
    assert ended.code != 0
    assert "no regular expression" in ended.err
