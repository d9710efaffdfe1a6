"""Outside providers: their records, and the people they vouch for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from st_core import secrets
from st_core.contracts import ExternalPerson, Viewer
from st_core.db import db, unit_of_work
from st_core.errors import Conflict, Malformed, NotAllowed, NotFound, SetTimeRule
from st_core.models import AuthProvider, Event, ExternalIdentity, Level, User
from st_core.services import (
    account_changes,
    auth_providers,
    external_auth,
    level_grants,
    level_mapping,
    sessions,
)
from st_core.services.auth_providers import Wanted
from tests.core.toy_idp import TOY

CANARY = "canary-3f9a"
MAPPING = {"lead": ["L"], "admin": ["A"]}


@pytest.fixture
def app(make_app: Callable[..., Flask], install_plugin: Callable[..., Path]) -> Flask:
    install_plugin("toy", TOY)
    return make_app(plugins=["toy"])


@pytest.fixture
def admin(app: Flask, viewer: Callable[..., Viewer]) -> Viewer:
    return viewer("admin", "root")


@pytest.fixture
def provide(app: Flask, admin: Viewer) -> Callable[..., None]:
    """Add a provider: `provide("toys", default_levels=["viewer"])`."""

    def make(name: str = "toys", **wanted: Any) -> None:
        wanted.setdefault("config", {"server": "here", "password": CANARY})
        with app.app_context():
            auth_providers.create(admin, name, "toy", Wanted(**wanted))

    return make


def person(subject: str = "1", **fields: Any) -> ExternalPerson:
    return ExternalPerson(issuer="toy", subject=subject, **{"username": "jane", **fields})


def enter(app: Flask, who: ExternalPerson, provider: str = "toys") -> dict[str, Any]:
    """Sign somebody in; return what their account is now."""
    with app.app_context():
        user = external_auth.sign_in(provider, who)
        return {
            "id": user.id,
            "username": user.username,
            "email": user.email,
            "verified": user.email_verified,
            "levels": sorted(level.name for level in user.levels),
            "provider": user.auth_provider,
        }


def told(app: Flask, name: str) -> list[Event]:
    with app.app_context():
        return list(db.session.scalars(select(Event).where(Event.name == name).order_by(Event.id)))


# ── records ───────────────────────────────────────────────────────────────────────────────────────


def test_a_secret_of_a_record_is_sealed_and_the_plugin_gets_it_open(
    app: Flask, provide: Callable[..., None]
) -> None:
    provide()
    with app.app_context():
        row = db.session.scalars(select(AuthProvider)).one()
        assert list(row.config["password"]) == ["sealed"]
        record = auth_providers.find("toys", "toy")
        assert record.config.password == CANARY  # type: ignore[attr-defined]
        assert CANARY not in repr(record)
        assert auth_providers.enabled("toy") == [record]
    (event,) = told(app, "provider.configured")
    assert CANARY not in str((event.before, event.after, event.message))


def test_a_change_keeps_the_secrets_it_leaves_out_and_null_takes_one_away(
    app: Flask, provide: Callable[..., None], admin: Viewer
) -> None:
    provide()

    def password(**config: Any) -> str:
        with app.app_context():
            auth_providers.change(
                admin, "toys", Wanted(config={"server": "here", "port": 2, **config})
            )
            record = auth_providers.find("toys")
            assert record.config.port == 2  # type: ignore[attr-defined]
            return str(record.config.password)  # type: ignore[attr-defined]

    assert password() == CANARY
    assert password(password="") == CANARY
    assert password(password="new") == "new"
    assert password(password=None) == ""


def test_a_kept_secret_is_not_sent_to_another_place(
    app: Flask, provide: Callable[..., None], admin: Viewer
) -> None:
    provide()
    with app.app_context():
        with pytest.raises(Malformed, match="password: give it again") as refused:
            auth_providers.change(admin, "toys", Wanted(config={"server": "mine"}))
        assert refused.value.fields[0]["path"] == "config.password"
        for given in ("again", None):
            wanted = Wanted(config={"server": f"mine {given}", "password": given})
            auth_providers.change(admin, "toys", wanted)


def test_a_change_that_changes_nothing_is_no_event(
    app: Flask, provide: Callable[..., None], admin: Viewer
) -> None:
    provide()
    with app.app_context():
        auth_providers.change(admin, "toys", Wanted(enabled=True, config={"server": "here"}))
    assert len(told(app, "provider.configured")) == 1


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"config": {"server": 5}}, "config.server"),
        ({"config": {}}, "config.server"),
        ({"config": {"server": "x", "sever": "y"}}, "config.sever"),
        ({"config": {"server": "x", "password": [CANARY]}}, "config.password"),
        ({"level_mapping": {"boss": ["A"]}}, "level_mapping"),
        ({"default_levels": ["boss"]}, "default_levels"),
        ({"default_levels": ["admin"]}, "default_levels"),
    ],
)
def test_what_is_wrong_in_a_record_is_named(
    provide: Callable[..., None], wanted: dict[str, Any], field: str
) -> None:
    with pytest.raises(Malformed) as refused:
        provide(**wanted)
    assert field in [each["path"] for each in refused.value.fields]
    assert CANARY not in str(refused.value.fields) + refused.value.detail


def test_an_unknown_kind_a_taken_name_and_an_unknown_name_are_refused(
    app: Flask, provide: Callable[..., None], admin: Viewer
) -> None:
    provide()
    with pytest.raises(SetTimeRule, match="already"):
        provide()
    with app.app_context():
        with pytest.raises(Malformed, match="There are: toy"):
            auth_providers.create(admin, "x", "tpy", Wanted(config={}))
        with pytest.raises(NotFound):
            auth_providers.change(admin, "nobody", Wanted())
        with pytest.raises(NotFound):
            auth_providers.find("toys", "ldap")


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"admin": ["A", "A"], "lead": "L"}, {"admin": ["A"], "lead": ["L"]}),
        ({"CN=A,DC=x": ["admin"], "L": ["lead", "viewer"]}, None),
        ({"lead": ["lead"]}, {"lead": ["lead"]}),
        (
            {"admin": ["lead"], "viewer": ["everybody"]},
            {"admin": ["lead"], "viewer": ["everybody"]},
        ),
        ({}, {}),
    ],
)
def test_level_mappings_are_read_in_both_orientations(given: Any, read: Any) -> None:
    levels = ["viewer", "researcher", "lead", "admin"]
    expected = {} if not given else read or {"admin": ["CN=A,DC=x"], "lead": ["L"], "viewer": ["L"]}
    assert level_mapping.normalised(given, levels) == expected


@pytest.mark.parametrize(
    "given", [{"admin": ["lead"]}, {"a": ["b"]}, {"": ["lead"]}, {"lead": [" "]}]
)
def test_a_level_mapping_that_says_nothing_clear_is_refused(given: Any) -> None:
    with pytest.raises(Malformed) as refused:
        level_mapping.normalised(given, ["viewer", "lead", "admin"])
    assert refused.value.fields[0]["path"] == "level_mapping"


def test_who_may_configure_but_is_no_administrator_cannot_make_one_by_a_provider(
    app: Flask, provide: Callable[..., None], viewer: Callable[..., Viewer]
) -> None:
    provide(level_mapping=MAPPING)
    enter(app, person(groups=("A",)))
    lead = viewer("lead")
    with app.app_context():
        with pytest.raises(NotAllowed):
            auth_providers.create(
                lead, "mine", "toy", Wanted(level_mapping=MAPPING, config={"server": "x"})
            )
        with pytest.raises(NotAllowed):
            auth_providers.change(lead, "toys", Wanted(config={"server": "mine", "password": "x"}))
        with pytest.raises(NotAllowed):
            auth_providers.delete(lead, "toys")


def test_switching_a_provider_off_ends_its_sessions_and_refuses_the_next(
    app: Flask, provide: Callable[..., None], admin: Viewer
) -> None:
    provide()
    who = enter(app, person())
    with app.app_context():
        record = auth_providers.find("toys")
        with unit_of_work():
            token = sessions.create(who["id"], method="oidc", provider_id=record.id)
        assert sessions.viewer_for(token) is not None
        auth_providers.change(admin, "toys", Wanted(enabled=False))
        assert sessions.viewer_for(token) is None
        assert auth_providers.enabled("toy") == []
        with unit_of_work(), pytest.raises(NotAllowed, match="switched off"):
            sessions.create(who["id"], method="oidc", provider_id=record.id)
    with pytest.raises(NotAllowed, match="switched off"):
        enter(app, person())
    with app.app_context():
        auth_providers.delete(admin, "toys")
    with pytest.raises(NotAllowed):
        enter(app, person())


def test_a_provider_whose_key_is_lost_is_left_out_and_others_go_on(
    app: Flask, provide: Callable[..., None], state_dir: Path
) -> None:
    provide()
    (state_dir / "secret.key").unlink()
    provide("others")
    with app.app_context():
        assert [record.name for record in auth_providers.enabled("toy")] == ["others"]
        with pytest.raises(secrets.SecretLost):
            auth_providers.find("toys")
        fingerprints = {
            row.name: auth_providers.described(row)["secrets"] for row in auth_providers.rows()
        }
    assert fingerprints["toys"] == {"password": "lost"}


# ── people ────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_person_gets_an_account_with_the_default_level(
    app: Flask, provide: Callable[..., None]
) -> None:
    provide()
    who = enter(app, person(email="jane@example.org", email_verified=True))
    assert (who["username"], who["email"], who["verified"]) == ("jane", "jane@example.org", True)
    assert (who["levels"], who["provider"]) == (["researcher"], "toy")
    assert enter(app, person())["id"] == who["id"]
    (made,) = [
        each for each in told(app, "admin.user_created") if each.subject_id == str(who["id"])
    ]
    assert made.actor_name == "sign-in provider toys"


def test_levels_follow_the_groups_at_every_sign_in_and_are_taken_away(
    app: Flask, provide: Callable[..., None]
) -> None:
    provide(level_mapping=MAPPING, default_levels=["viewer"])
    assert enter(app, person(groups=("L", "x")))["levels"] == ["lead"]
    assert enter(app, person(groups=("A", "L")))["levels"] == ["admin", "lead"]
    assert enter(app, person(groups=("l",)))["levels"] == ["viewer"]  # another group
    assert enter(app, person())["levels"] == ["viewer"]
    changed = [each.after for each in told(app, "admin.role_changed")]
    assert [each["levels"] for each in changed if each] == [["lead"], ["admin", "lead"], ["viewer"]]


def test_levels_given_by_hand_or_by_another_provider_stay(
    app: Flask, provide: Callable[..., None], admin: Viewer
) -> None:
    provide(level_mapping=MAPPING, default_levels=[])
    provide("others", level_mapping={"viewer": ["V"]}, default_levels=[])
    who = enter(app, person(groups=("L",)))
    with app.app_context():
        level_grants.assign(admin, who["id"], "researcher")
    assert enter(app, person(groups=("V",)), "others")["levels"] == ["lead", "researcher", "viewer"]
    assert enter(app, person())["levels"] == ["researcher", "viewer"]


def test_a_level_that_was_deleted_meanwhile_is_not_given(
    app: Flask, provide: Callable[..., None]
) -> None:
    with app.app_context(), unit_of_work():
        db.session.add(Level(name="guest", priority=1))
    provide(level_mapping={"guest": ["G"]}, default_levels=["viewer"])
    with app.app_context(), unit_of_work():
        db.session.delete(db.session.scalars(select(Level).where(Level.name == "guest")).one())
    assert enter(app, person(groups=("G",)))["levels"] == []


def test_nobody_is_linked_by_name_or_by_mail(
    app: Flask, provide: Callable[..., None], viewer: Callable[..., Viewer]
) -> None:
    jane = viewer("admin", "jane")
    provide()
    who = enter(app, person(email="JANE@example.org", email_verified=True))
    assert who["id"] != jane.user_id
    assert (who["username"], who["levels"]) == ("jane-2", ["researcher"])
    assert who["email"].endswith("@no-mail.invalid")
    assert not who["verified"]


@pytest.mark.parametrize(
    "fields", [{"email": "x@example.org"}, {"email": "nonsense", "email_verified": True}, {}]
)
def test_an_address_is_taken_only_when_vouched_for(
    app: Flask, provide: Callable[..., None], fields: dict[str, Any]
) -> None:
    provide()
    assert enter(app, person(**fields))["email"].endswith("@no-mail.invalid")


def test_a_new_verified_address_is_taken_over_later_and_one_that_is_gone_stays(
    app: Flask, provide: Callable[..., None]
) -> None:
    provide()
    enter(app, person())
    enter(app, person(email="a@example.org", email_verified=True, display_name="Jane\x00 D."))
    assert enter(app, person(email="b@example.org"))["email"] == "a@example.org"


@pytest.mark.parametrize(
    ("wanted", "made"),
    [
        ("jane.doe@corp.com", "jane-doe"),
        ("CORP\\jane", "CORP-jane"),
        ("Ömer", "Omer"),
        ("", "user"),
        ("<script>", "script"),
        ("x" * 300, "x" * 50),
        ("root", "root-2"),
        ("ROOT", "ROOT-2"),
    ],
)
def test_names_are_made_to_fit(
    app: Flask, provide: Callable[..., None], wanted: str, made: str
) -> None:
    provide()
    assert enter(app, person(username=wanted))["username"] == made


def test_without_provisioning_only_those_who_were_here_before_come_in(
    app: Flask, provide: Callable[..., None], admin: Viewer
) -> None:
    provide()
    who = enter(app, person())
    with app.app_context():
        auth_providers.change(admin, "toys", Wanted(auto_create_users=False))
    assert enter(app, person())["id"] == who["id"]
    with pytest.raises(NotAllowed) as refused:
        enter(app, person("2"))
    assert refused.value.code == "account_not_provisioned"
    with app.app_context():
        assert db.session.scalar(select(func.count(ExternalIdentity.id))) == 1


def test_a_deactivated_person_does_not_come_in_and_nothing_of_them_changes(
    app: Flask, provide: Callable[..., None], admin: Viewer
) -> None:
    provide(level_mapping=MAPPING)
    who = enter(app, person())
    with app.app_context():
        account_changes.set_active(admin, who["id"], False)
    with pytest.raises(NotAllowed) as refused:
        enter(app, person(groups=("A",), display_name="New"))
    assert refused.value.code == "account_inactive"
    with app.app_context():
        user = db.session.get_one(User, who["id"])
        assert ([level.name for level in user.levels], user.display_name) == (["researcher"], None)


def test_the_last_administrator_stays_one_when_the_group_is_gone(
    app: Flask, make_app: Callable[..., Flask], provide: Callable[..., None], admin: Viewer
) -> None:
    provide(level_mapping=MAPPING, default_levels=["viewer"])
    who = enter(app, person(groups=("A",)))
    with app.app_context(), unit_of_work():
        db.session.delete(db.session.get_one(User, admin.user_id))
    assert enter(app, person())["levels"] == ["admin", "viewer"]
    enter(app, person("2", username="other", groups=("A",)))
    assert enter(app, person())["levels"] == ["viewer"]
    assert who["levels"] == ["admin"]


def test_nobody_but_an_administrator_comes_in_before_there_is_one(
    app: Flask, provide: Callable[..., None], admin: Viewer
) -> None:
    provide(level_mapping=MAPPING)
    with app.app_context(), unit_of_work():
        db.session.delete(db.session.get_one(User, admin.user_id))
    with pytest.raises(NotAllowed) as refused:
        enter(app, person())
    assert refused.value.code == "first_account_must_be_admin"
    assert enter(app, person(groups=("A",)))["levels"] == ["admin"]


def test_two_first_sign_ins_at_once_make_one_account(
    app: Flask, provide: Callable[..., None], database: Any
) -> None:
    provide()
    found: list[dict[str, Any]] = []
    threads = [
        threading.Thread(target=lambda: found.append(enter(app, person()))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len({each["id"] for each in found}) == 1


def test_a_record_of_the_file_cannot_be_changed_here(
    app: Flask, provide: Callable[..., None], admin: Viewer
) -> None:
    provide()
    with app.app_context():
        with unit_of_work():
            db.session.scalars(select(AuthProvider)).one().managed_by = "file"
        for attempt in (
            lambda: auth_providers.change(admin, "toys", Wanted(enabled=False)),
            lambda: auth_providers.delete(admin, "toys"),
        ):
            with pytest.raises(Conflict, match="configuration file"):
                attempt()
