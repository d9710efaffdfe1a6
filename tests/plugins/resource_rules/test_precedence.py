"""Guide section 9: each row of its tables, each line of the precedence, decided purely."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from st_resource_rules import deciding
from st_resource_rules.document import Document

from tests.plugins.resource_rules.conftest import GUIDE


def says(rules: list[dict[str, Any]], levels: list[str], **asked: Any) -> dict[str, str]:
    """Return what comes out in force, by type."""
    document = Document.model_validate({"rules": rules}).model_dump()
    found = deciding.decide(document, {"levels": levels, **asked})
    return {
        each.details["resource_type"]: f"{each.effect} by {each.rule}"
        for each in found
        if not each.shadow
    }


def rule(kind: str, pattern: str, action: str = "allow", **more: Any) -> dict[str, Any]:
    name = more.pop("name", f"{action} {pattern}")
    given = {"name": name, "resource_type": kind, "pattern": pattern, "action": action}
    return {**given, "levels": ["researcher"], **more}


@pytest.mark.parametrize(
    ("kind", "pattern", "value", "matches"),
    [
        ("config", "team-x-*", "team-x-1", True),
        ("config", "team-x-*", "team-y-1", False),
        ("config", "production-*", "production-flux", True),
        ("hardware", "gpu-a100*", "gpu-a100-80gb", True),
        ("hardware", "gpu-a100*", "a100-80gb", True),
        ("hardware", "a100*", "gpu-a100-80gb", True),
        ("hardware", "*-80gb", "a100-80gb", True),
        ("hardware", "*-80gb", "gpu-h100-80gb", True),
        ("hardware", "*-80gb", "a100-40gb", False),
        ("provider", "replicate", "replicate", True),
        ("provider", "runpod", "replicate", False),
        ("config", "^team-[xy]-", "team-y-3", True),
        ("config", "Team-X-*", "team-x-1", False),
    ],
)
def test_patterns_of_the_guide_match_what_they_say(
    kind: str, pattern: str, value: str, matches: bool
) -> None:
    assert deciding.fits(kind, pattern, value) is matches


@pytest.mark.parametrize(
    ("levels", "asked", "outcome"),
    [
        (["researcher"], {"config_name": "team-x-7"}, "allow by team x"),
        (["researcher"], {"config_name": "team-y-7"}, "deny by others"),
        (["researcher"], {"config_name": None}, "deny by others"),
        (["lead"], {"config_name": "team-y-7"}, None),
    ],
)
def test_team_isolation_of_the_guide(
    levels: list[str], asked: dict[str, Any], outcome: str | None
) -> None:
    assert says(list(GUIDE), levels, **asked).get("config") == outcome


@pytest.mark.parametrize(
    ("levels", "hardware", "outcome"),
    [
        (["researcher"], "gpu-t4-16gb", "allow by t4"),
        (["researcher"], "t4", "allow by t4"),
        (["researcher"], "v100-32gb", "allow by v100"),
        (["researcher"], "a100-80gb", "deny by no rule for hardware fits"),
        (["researcher"], None, "deny by no rule for hardware fits"),
        (["lead"], "a100-80gb", "allow by any hardware"),
        (["researcher", "lead"], "a100-80gb", "allow by any hardware"),
        (["viewer"], "a100-80gb", None),
        (["admin"], "a100-80gb", None),
        (["researcher", "admin"], "a100-80gb", None),
    ],
)
def test_hardware_restrictions_of_the_guide(
    levels: list[str], hardware: str | None, outcome: str | None
) -> None:
    assert says(list(GUIDE), levels, hardware=hardware).get("hardware") == outcome


def test_any_matching_allow_wins_over_every_deny_whatever_the_priorities() -> None:
    rules = [
        rule("provider", "*", "deny", priority=1000),
        rule("provider", "local*", priority=0),
        rule("provider", "local_gpu", "deny", priority=500),
    ]
    assert says(rules, ["researcher"], provider="local_gpu")["provider"] == "allow by allow local*"


def test_rules_of_a_type_without_a_match_deny_and_say_what_is_allowed() -> None:
    document = {"rules": [rule("provider", "runpod", mode="enforce")]}
    (found,) = deciding.decide(document, {"levels": ["researcher"], "provider": "local_gpu"})
    assert (found.effect, found.rule) == ("deny", "no rule for provider fits")
    assert "'local_gpu'" in found.text
    assert "runpod" in found.text


def test_types_without_a_rule_for_the_person_are_open_and_a_rule_without_level_governs_nobody() -> (
    None
):
    rules = [rule("hardware", "t4*"), rule("provider", "runpod", levels=[])]
    asked = {"config_name": "x", "provider": "local_gpu", "hardware": "t4"}
    assert says(rules, ["researcher"], **asked) == {"hardware": "allow by allow t4*"}


@pytest.mark.parametrize(
    ("path", "outcome"),
    [
        (None, None),
        ("/data/team-x/run", "allow by allow /data/team-x/*"),
        ("/data//team-x/run", "allow by allow /data/team-x/*"),
        ("/data/team-x/../prod/run", "deny by no rule for output_path fits"),
        ("//data/team-x/run", "allow by allow /data/team-x/*"),
        ("file:///data/prod/run", "deny by no rule for output_path fits"),
    ],
)
def test_output_paths_are_compared_without_detours(path: str | None, outcome: str | None) -> None:
    found = says([rule("output_path", "/data/team-x/*")], ["researcher"], output_path=path)
    assert found.get("output_path") == outcome


def test_a_rule_in_shadow_is_recorded_where_it_would_change_the_answer_and_never_acts() -> None:
    rules = [rule("provider", "local*"), rule("hardware", "t4*", mode="shadow")]
    document = Document.model_validate({"rules": rules}).model_dump()
    asked = {"levels": ["researcher"], "provider": "local_gpu", "hardware": "a100"}
    found = deciding.decide(document, asked)
    assert [(each.effect, each.shadow) for each in found] == [("allow", False), ("deny", True)]
    assert deciding.decide(document, {**asked, "hardware": "t4"})[1:] == []


def test_a_shadow_rule_beside_one_in_force_is_reckoned_with_it() -> None:
    rules = [rule("hardware", "t4*"), rule("hardware", "a100*", mode="shadow")]
    document = Document.model_validate({"rules": rules}).model_dump()
    found = deciding.decide(document, {"levels": ["researcher"], "hardware": "a100"})
    assert [(each.effect, each.rule, each.shadow) for each in found] == [
        ("deny", "no rule for hardware fits", False),
        ("allow", "allow a100*", True),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"pattern": "^(flux$"},
        {"pattern": ""},
        {"pattern": "x" * 201},
        {"action": "maybe"},
        {"resource_type": "colour"},
        {"priority": 1001},
        {"priority": True},
        {"levles": []},
        {"name": " "},
    ],
)
def test_a_document_with_something_wrong_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Document.model_validate({"rules": [rule("config", "x") | wrong]})


def test_two_rules_of_one_name_are_refused() -> None:
    with pytest.raises(ValidationError, match="two rules are called"):
        Document.model_validate({"rules": [rule("config", "x"), rule("config", "x")]})
