"""`simpletuner auth orgs …` against a real server: organisations, teams and members."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.core.cli.conftest import Ended

Run = Callable[..., Ended]


@pytest.fixture
def orgs(run: Run) -> Run:
    """Run `simpletuner auth orgs …`."""
    return lambda *words: run("auth", "orgs", *words)


@pytest.fixture
def lab(orgs: Run) -> Any:
    """An organisation that is deleted when the test is done with it."""
    made = orgs("create", "--name", "The Lab", "--slug", "lab", "--format", "json")
    assert made.code == 0, made.err
    number = str(made.json["id"])
    yield number
    orgs("delete", number, "-f")


@pytest.fixture
def me(run: Run) -> str:
    """The user number of the local owner, whom the commands act as."""
    return str(run("auth", "users", "me", "--format", "json").json["id"])


def test_an_organisation_is_made_listed_changed_and_deleted(orgs: Run, lab: str) -> None:
    listed = orgs("list", "-o", "slug,team_count", "--format", "json").json
    assert listed["organizations"] == [{"slug": "lab", "team_count": 0}]
    assert orgs("list").out.split("\t")[:3] == [lab, "The Lab", "lab"]
    changed = orgs(
        "update", lab, "--name", "Our Lab", "--settings", '{"colour": "blue"}', "--inactive"
    )
    assert (changed.code, "Our Lab" in changed.out) == (0, True)
    shown = orgs("get", lab, "--format", "json").json
    assert (shown["is_active"], shown["settings"]) == (False, {"colour": "blue"})
    assert orgs("list", "--format", "json").json["organizations"] == []
    assert len(orgs("list", "--include-inactive", "--format", "json").json["organizations"]) == 1
    gone = orgs("delete", lab, "--force")
    assert (gone.code, "0 jobs stay" in gone.err) == (0, True)
    assert orgs("get", lab).code != 0


def test_teams_and_their_members(orgs: Run, lab: str, me: str) -> None:
    made = orgs("team-create", lab, "--name", "NLP Team", "--slug", "nlp", "--format", "json")
    team = str(made.json["id"])
    assert orgs("teams", lab, "-o", "slug").out.strip() == "nlp"
    joined = orgs("team-add-member", lab, team, "--user-id", me, "--role", "lead")
    assert (joined.code, "joined the team as lead" in joined.err) == (0, True)
    again = orgs("team-add-member", lab, team, "--user-id", me)
    assert (again.code != 0, "already" in again.err) == (True, True)
    assert orgs("team-set-role", lab, team, "--user-id", me, "--role", "admin").code == 0
    assert orgs("team-members", lab, team, "-o", "user_id,role").out.split() == [me, "admin"]
    assert orgs("members", lab, "-o", "user_id,role").out.split() == [me, "member"]
    assert "NLP" in orgs("team-update", lab, team, "--description", "words").out
    assert orgs("team-get", lab, team, "--format", "json").json["description"] == "words"
    assert orgs("team-remove-member", lab, team, "--user-id", me).code == 0
    assert orgs("team-remove-member", lab, team, me).code != 0
    assert orgs("team-delete", lab, team, "-f").code == 0
    assert orgs("teams", lab, "--format", "json").json["teams"] == []


def test_somebody_joins_and_leaves_an_organisation(orgs: Run, lab: str, me: str) -> None:
    assert "joined" in orgs("add-member", lab, me).err
    assert orgs("remove-member", lab, me).code == 0
    assert orgs("members", lab, "--format", "json").json["members"] == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("create", "--name", "X", "--slug", "Not A Slug"), "slug"),
        (("create", "--name", "X", "--slug", "x", "--settings", "no json"), "not JSON"),
        (("create", "--name", "X"), "--slug"),
        (("team-remove-member", "1", "1"), "USER_ID"),
        (("get", "999"), "no organisation 999"),
        (("delete", "999"), "--force"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(orgs: Run, words: tuple[str, ...], told: str) -> None:
    ended = orgs(*words)
    assert ended.code != 0
    assert told in ended.err
    assert "Traceback" not in ended.err
