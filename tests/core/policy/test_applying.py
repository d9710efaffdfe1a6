"""Planned, tested and put in force: all of it or nothing, and the same tree comes out again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from st_core.contracts import Viewer
from st_core.db import db
from st_core.errors import Conflict, NotAllowed, SetTimeRule
from st_core.models import Event
from st_core.services import events
from st_core.services.policy_parts import applying, planning
from tests.core.policy import conftest as world
from tests.core.policy.conftest import FILES, TESTS


def told(app: Flask, since: int = 0) -> list[str]:
    with app.app_context():
        query = select(Event.name).where(Event.id > since).order_by(Event.id)
        return list(db.session.scalars(query))


def head(app: Flask) -> int:
    with app.app_context():
        return events.head()


def planned(app: Flask, given: dict[str, str]) -> planning.Plan:
    with app.app_context():
        return planning.plan(applying.CONSOLE, world.read(given))


def test_export_wipe_apply_gives_the_same_tree(app: Flask, database: Any) -> None:
    world.put(app, FILES)
    before, tree = world.digest(app), world.exported(app)
    world.put(
        app,
        {
            "resource_rules.yaml": "rules: []",
            "orgs.yaml": "orgs: []",
            "levels.yaml": "levels:\n"
            + "\n".join(FILES["levels.yaml"].splitlines()[2:4])
            + "\n  - {name: lead, priority: 30}\n  - {name: admin, priority: 100}",
        },
    )
    assert world.in_force(app, "orgs") == {"orgs": []}
    assert world.digest(app) != before
    world.put(app, tree)
    assert world.digest(app) == before
    assert world.exported(app) == tree


def test_the_same_tree_comes_out_of_another_server(
    app: Flask, make_app: Callable[..., Flask]
) -> None:
    world.put(app, FILES)
    other = make_app(plugins=world.PLUGINS)
    world.put(other, world.exported(app))
    assert world.digest(other) == world.digest(app)
    assert world.exported(other) == world.exported(app)


def test_applying_what_is_in_force_changes_nothing(app: Flask) -> None:
    world.put(app, FILES)
    before = head(app)
    assert not world.put(app, world.exported(app)).changes_anything
    assert not world.put(app, FILES).changes_anything
    assert head(app) == before


def test_each_change_is_an_event_and_the_whole_is_one(app: Flask) -> None:
    world.put(app, FILES)
    before = head(app)
    world.put(app, {"orgs.yaml": "orgs: [{slug: ops, name: Operations}]"})
    names = told(app, before)
    assert names == ["org.deleted", "org.updated", "policy.applied"]


def test_a_part_that_is_left_out_stays(app: Flask) -> None:
    world.put(app, FILES)
    world.put(app, {"orgs.yaml": "orgs: []"})
    assert len(world.in_force(app, "resource_rules")["rules"]) == 2


def test_a_plan_names_what_changes_and_writes_nothing(app: Flask) -> None:
    world.put(app, FILES)
    before = head(app)
    changed = FILES["resource_rules.yaml"].replace("team-x-*", "team-z-*")
    found = planned(
        app, {"resource_rules.yaml": changed, "orgs.yaml": "orgs: [{slug: ops, name: Ops}]"}
    )
    text = planning.text_of(found)
    assert '~ rules[team x].pattern: "team-x-*" -> "team-z-*"' in text
    assert "- orgs[ml-research]" in text
    assert "! the organisation ml-research ends with its teams and memberships" in text
    assert "history: of 0 submissions of the last 30 days" in text
    assert head(app) == before


def test_a_plan_says_what_it_would_have_done(
    app: Flask, as_user: Callable[..., Any], run_job: Callable[..., str]
) -> None:
    client = as_user("researcher", "ada")
    body = {"provider": "instant", "trainer": "fake_trainer", "config": {"steps": 1}}
    for _ in range(2):
        assert client.post("/api/cloud/jobs/submit", json=body).status_code == 201
    rule = (
        "rules: [{name: slow only, resource_type: provider, pattern: slow, levels: [researcher]}]"
    )
    text = planning.text_of(planned(app, {"resource_rules.yaml": rule}))
    assert (
        "of 2 submissions of the last 30 days, 2 would have come out otherwise: 2 refused" in text
    )
    assert "ada: admitted -> refused" in text


def test_cases_run_first_and_a_failing_one_stops_everything(app: Flask) -> None:
    world.put(app, {**FILES, "tests.yaml": TESTS})
    before = world.digest(app)
    open_to_all = "rules: []"
    with pytest.raises(SetTimeRule, match="Contractors run no A100") as caught:
        world.put(app, {"resource_rules.yaml": open_to_all, "tests.yaml": TESTS})
    assert caught.value.code == "policy_tests_failed"
    assert world.digest(app) == before
    other_rule = TESTS.replace("[no a100]", "[no h100]")
    with pytest.raises(SetTimeRule, match="but not by no h100"):
        world.put(app, {**FILES, "tests.yaml": other_rule})


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("levels.yaml", "levels: [{name: admin, priority: 100}]", "system_level"),
        ("levels.yaml", FILES["levels.yaml"].replace("30,", "31,"), "system_level"),
        (
            "levels.yaml",
            FILES["levels.yaml"].replace("job.submit", "job.sbmit"),
            "unknown_permission",
        ),
        (
            "resource_rules.yaml",
            FILES["resource_rules.yaml"].replace("[contractor]", "[nobody]"),
            "unknown_level",
        ),
    ],
)
def test_what_one_part_refuses_leaves_every_part_as_it_was(
    app: Flask, name: str, text: str, code: str
) -> None:
    before, events_before = world.digest(app), head(app)
    with pytest.raises(SetTimeRule) as caught:
        world.put(app, {**FILES, name: text})
    assert caught.value.code == code
    assert caught.value.detail.startswith(name.removesuffix(".yaml"))
    assert (world.digest(app), head(app)) == (before, events_before)


def test_a_plan_that_is_out_of_date_is_refused(app: Flask) -> None:
    found = planned(app, {"orgs.yaml": "orgs: []"})
    world.put(app, FILES)
    with app.app_context():
        tree = world.read({"orgs.yaml": "orgs: []"})
        with pytest.raises(Conflict) as caught:
            applying.apply(applying.CONSOLE, tree, expected=found.digest_before)
    assert caught.value.code == "policy_changed"


def test_nobody_puts_more_in_force_than_they_may(app: Flask, viewer: Callable[..., Viewer]) -> None:
    some = Viewer(1, "sam", "Sam", frozenset({"admin.config"}))
    for name in FILES:
        with app.app_context(), pytest.raises(NotAllowed):
            applying.apply(some, world.read({name: FILES[name].replace(", contractor", "")}))
    with app.app_context(), pytest.raises(NotAllowed):
        planning.plan(viewer("lead"), world.read({}))


def test_it_holds_from_the_next_submission_on(app: Flask, as_user: Callable[..., Any]) -> None:
    client = as_user("researcher")
    body = {"provider": "instant", "trainer": "fake_trainer", "config": {"steps": 1}}
    assert client.post("/api/cloud/jobs/submit", json=body).status_code == 201
    world.put(app, FILES)
    assert client.post("/api/cloud/jobs/submit", json=body).status_code == 403
