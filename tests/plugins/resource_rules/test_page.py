"""The page Rules reads without scripts: filters, whom rules govern, the form, the tester."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.plugins.resource_rules.conftest import GUIDE


def shown(client: Any, query: str = "", status: int = 200) -> str:
    answer = client.get(f"/admin/rules?{query}", headers={"Accept": "text/html"})
    assert answer.status_code == status
    return str(answer.text)


def test_without_rules_it_says_what_they_are_and_how_to_make_one(admin: Any) -> None:
    text = shown(admin)
    assert "everybody may use everything" in text
    assert "simpletuner auth users rules create" in text


def test_it_lists_rules_and_says_when_one_governs_nobody(admin: Any, put: Any) -> None:
    put(*GUIDE, {"name": "idle", "resource_type": "provider", "pattern": "runpod"})
    text = shown(admin)
    assert "1 to 6 of 6" in text
    assert "Nobody: no level has it" in text
    assert "any hardware" not in shown(admin, "resource_type=config")
    assert "1 to 1 of 1" in shown(admin, "level=-")
    assert "1 to 1 of 1" in shown(admin, "action=deny")
    assert "No rule matches" in shown(admin, "q=nothing-like-this")


def test_the_form_shows_a_rule_and_the_tester_names_the_one_that_decides(
    admin: Any, put: Any
) -> None:
    (number, *_) = put(*GUIDE)
    assert "Change team x" in shown(admin, f"edit={number}")
    assert "Make a rule" in shown(admin, "edit=new")
    shown(admin, "edit=999", status=404)
    assert "May not run it: others" in shown(admin, "who=researcher&config_name=y&hardware=t4")
    assert "May run it" in shown(admin, "who=lead&hardware=a100")
    assert "there is no user" in shown(admin, "who=nobody")


def test_the_page_is_for_those_who_manage_users(as_user: Callable[..., Any]) -> None:
    shown(as_user("lead"), status=403)


def test_a_long_list_has_pages(admin: Any, put: Any) -> None:
    put(
        *(
            {"name": f"rule {number:03}", "resource_type": "config", "pattern": "x"}
            for number in range(60)
        )
    )
    first = shown(admin, "resource_type=config")
    assert "rule 049" in first
    assert "rule 050" not in first
    assert "resource_type=config&amp;page=2" in first
    assert "rule 059" in shown(admin, "resource_type=config&page=2")
