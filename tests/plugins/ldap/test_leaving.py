"""People between their sign-ins: levels follow the directory, and who left is kept out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from st_core.contracts import SignedIn, Viewer
from st_core.db import db, unit_of_work
from st_core.models import ApiKey, Event, User
from st_core.services import (
    account_changes,
    api_keys,
    auth_providers,
    external_auth,
    level_grants,
    sessions,
)
from st_core.services.auth_providers import Wanted
from tests.plugins.ldap.conftest import Answer
from tests.testbed.service import free_ports
from tests.testbed.slapd import ORG, Slapd


@pytest.fixture
def come_in(app: Flask, slapd: Slapd, ask: Callable[..., Answer]) -> Iterator[Callable[[str], int]]:
    """Add somebody to the directory, sign them in, and return the user's id."""
    added: list[str] = []

    def enter(uid: str) -> int:
        added.append(slapd.add_person(uid))
        answer = ask(uid, f"{uid}-pw")
        assert isinstance(answer, SignedIn)
        with app.app_context():
            return external_auth.sign_in("dir", answer.person).id

    yield enter
    for dn in added:
        with slapd.admin() as directory:
            if directory.search(f"ou=people,{ORG}", f"({dn.split(',')[0]})"):
                directory.delete(dn)


def state(app: Flask, user_id: int) -> tuple[bool, list[str]]:
    with app.app_context():
        user = db.session.get_one(User, user_id)
        return user.is_active, sorted(level.name for level in user.levels)


def test_who_is_gone_is_deactivated_and_their_sessions_and_keys_end(
    app: Flask,
    slapd: Slapd,
    provide: Callable[..., None],
    org: dict[str, Any],
    come_in: Callable[[str], int],
    run_services_once: Callable[..., None],
) -> None:
    provide(org)
    stays, goes = come_in("stays"), come_in("goes")
    with app.app_context():
        with unit_of_work():
            token = sessions.create(goes, method="ldap")
        key_id = api_keys.create(goes, "k")[0].id
    slapd.remove(f"uid=goes,ou=people,{ORG}")
    run_services_once("ldap_leavers")
    assert state(app, stays) == (True, ["researcher"])
    assert state(app, goes)[0] is False
    with app.app_context():
        assert sessions.viewer_for(token) is None
        assert not db.session.get_one(ApiKey, key_id).is_active
        told = db.session.scalars(
            select(Event).where(Event.name == "user.updated", Event.subject_id == str(goes))
        ).all()[-1]
    assert (told.before, told.after) == ({"is_active": True}, {"is_active": False})
    assert (told.data["reason"], told.actor_name) == ("not there any more", "sign-in provider dir")


def test_who_is_disabled_in_the_directory_is_deactivated(
    app: Flask,
    slapd: Slapd,
    provide: Callable[..., None],
    corp: dict[str, Any],
    ask: Callable[..., Answer],
    run_services_once: Callable[..., None],
) -> None:
    provide(corp)
    ids = {}
    for name in ("alice", "bob"):
        answer = ask(name, f"{name}-pw")
        assert isinstance(answer, SignedIn)
        with app.app_context():
            ids[name] = external_auth.sign_in("dir", answer.person).id
    dn = "cn=Bob Smith,ou=Users,dc=corp,dc=com"
    try:
        with slapd.admin("dc=corp,dc=com") as directory:
            directory.modify(dn, {"userAccountControl": [("MODIFY_REPLACE", [514])]})
        run_services_once("ldap_leavers")
    finally:
        with slapd.admin("dc=corp,dc=com") as directory:
            directory.modify(dn, {"userAccountControl": [("MODIFY_REPLACE", [512])]})
    assert state(app, ids["alice"])[0] is True
    assert state(app, ids["bob"])[0] is False


def test_levels_follow_the_groups_without_a_sign_in_and_renaming_changes_nothing(
    app: Flask,
    slapd: Slapd,
    provide: Callable[..., None],
    org: dict[str, Any],
    come_in: Callable[[str], int],
    run_services_once: Callable[..., None],
) -> None:
    provide(org, level_mapping={"lead": ["resync-leads"]}, default_levels=["viewer"])
    person = come_in("moves")
    assert state(app, person) == (True, ["viewer"])
    group = slapd.set_members("resync-leads", [f"uid=moves,ou=people,{ORG}"])
    run_services_once("ldap_leavers")
    assert state(app, person) == (True, ["lead"])
    slapd.remove(group)
    with slapd.admin() as directory:
        directory.modify_dn(f"uid=moves,ou=people,{ORG}", "uid=moved")
    run_services_once("ldap_leavers")
    assert state(app, person) == (True, ["viewer"])
    slapd.remove(f"uid=moved,ou=people,{ORG}")


@pytest.mark.parametrize("wrong", ["away", "password", "base", "blind"])
def test_a_directory_that_cannot_say_for_sure_deactivates_nobody(
    app: Flask,
    admin: Viewer,
    slapd: Slapd,
    provide: Callable[..., None],
    org: dict[str, Any],
    come_in: Callable[[str], int],
    run_services_once: Callable[..., None],
    wrong: str,
) -> None:
    provide(org)
    people = [come_in("one"), come_in("two")]
    dead, _ = free_ports(2)
    change = {
        "away": {"server": f"ldaps://127.0.0.1:{dead}"},
        "password": {"bind_password": "wrong"},
        "base": {"user_search_base": f"ou=nowhere,{ORG}"},
        "blind": {"user_search_base": f"ou=services,{ORG}"},
    }[wrong]
    with app.app_context():
        auth_providers.change(admin, "dir", Wanted(config=org | change))
    run_services_once("ldap_leavers")
    assert all(state(app, each)[0] for each in people)


def test_the_last_administrator_stays(
    app: Flask,
    admin: Viewer,
    slapd: Slapd,
    provide: Callable[..., None],
    org: dict[str, Any],
    come_in: Callable[[str], int],
    run_services_once: Callable[..., None],
) -> None:
    provide(org)
    come_in("somebody")
    boss = come_in("boss")
    with app.app_context():
        level_grants.assign(admin, boss, "admin")
    with app.app_context(), unit_of_work():
        account_changes.turn(db.session.get_one(User, admin.user_id), active=False)
    slapd.remove(f"uid=boss,ou=people,{ORG}")
    run_services_once("ldap_leavers")
    assert state(app, boss)[0] is True


def test_a_run_that_finds_nothing_new_writes_nothing(
    app: Flask,
    provide: Callable[..., None],
    org: dict[str, Any],
    come_in: Callable[[str], int],
    run_services_once: Callable[..., None],
) -> None:
    from st_core.services import events

    provide(org)
    come_in("same")
    with app.app_context():
        before = events.head()
    run_services_once("ldap_leavers")
    with app.app_context():
        assert events.head() == before
