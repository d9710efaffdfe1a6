"""Callers from an internal network are let in with one level, and nobody else is
(`st_identify_request`)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from st_core import boot
from st_core.db import db, unit_of_work
from st_core.errors import ConfigError
from st_core.models import Event, Level, PermissionOverride, User
from st_core.services import users
from st_core.testing import people

from .conftest import GUIDE, GUIDE_FILE, INSIDE, OUTSIDE, calls

JOBS = "/api/cloud/jobs"


def the_user(app: Flask) -> User:
    with app.app_context():
        return db.session.scalars(select(User).where(User.auth_provider == "network")).one()


def change_user(app: Flask, **columns: Any) -> None:
    with app.app_context(), unit_of_work():
        user = db.session.scalars(select(User).where(User.auth_provider == "network")).one()
        for name, value in columns.items():
            setattr(user, name, value)


def test_the_configuration_of_the_guide_works_as_printed(
    make_app: Callable[..., Flask], state_dir: Path
) -> None:
    (state_dir / "simpletuner-enterprise.yaml").write_text(GUIDE_FILE)
    app = make_app()
    people.make_user(app, "admin", "boss")
    through_nginx = calls(app, "127.0.0.1")
    vpn = {"X_Real_IP": INSIDE, "X_Forwarded_For": INSIDE}
    world = {"X_Real_IP": OUTSIDE, "X_Forwarded_For": OUTSIDE}
    assert through_nginx(JOBS, **vpn).status_code == 200
    assert through_nginx(JOBS, **world).status_code == 401
    assert through_nginx("/health", **world).status_code == 200
    assert through_nginx("/api/cloud/metrics/prometheus", **world).status_code == 200


def test_an_internal_caller_is_a_viewer_of_its_own_kind(app: Flask) -> None:
    answer = calls(app)("/api/auth/me")
    assert answer.status_code == 200
    assert answer.json["username"] == "internal-network"
    with app.app_context():
        known = set(answer.json["permissions"])
    assert known == {"job.view.own", "config.view"}


@pytest.mark.parametrize("level", ["researcher", "lead"])
def test_the_configured_level_is_what_internal_callers_get(
    make_trusting: Callable[..., Flask], level: str
) -> None:
    app = make_trusting(network__bypass_level=level)
    held = set(calls(app)("/api/auth/me").json["permissions"])
    with app.app_context():
        row = db.session.scalars(select(Level).where(Level.name == level)).one()
        expected = users.rights.of_level(row)
    assert held == expected - {"api.keys.own"}


def test_nobody_who_is_let_in_by_place_can_make_a_key_to_stay(
    make_trusting: Callable[..., Flask],
) -> None:
    call = calls(make_trusting(network__bypass_level="lead"))
    answer = call("/api/auth/api-keys", "POST", json={"name": "stay"})
    assert answer.status_code in (403, 404, 405)


@pytest.mark.parametrize("level", ["admin", "Admin", "ADMIN"])
def test_the_level_admin_stops_the_start(make_app: Callable[..., Flask], level: str) -> None:
    with pytest.raises(ConfigError, match=r"network\.bypass_level.*refused"):
        make_app(plugins=["network_trust"], **GUIDE, network__bypass_level=level)


def test_a_level_that_does_not_exist_stops_the_start_and_those_that_do_are_named(
    make_app: Callable[..., Flask],
) -> None:
    with pytest.raises(ConfigError, match="viewer, researcher, lead, admin"):
        make_app(plugins=["network_trust"], **GUIDE, network__bypass_level="veiwer")


def test_a_level_of_ones_own_that_may_everything_stops_the_start(
    make_app: Callable[..., Flask], database: Any
) -> None:
    app = make_app(plugins=["network_trust"])
    with app.app_context(), unit_of_work():
        db.session.add(Level(name="root", priority=90, permissions=["*"]))
    with pytest.raises(ConfigError, match="holds every permission"):
        make_app(
            plugins=["network_trust"],
            database_url=database.urls[0],
            **GUIDE,
            network__bypass_level="root",
        )


def test_whatever_the_row_was_given_the_configured_level_is_the_most(app: Flask) -> None:
    call = calls(app)
    before = call("/api/auth/me").json["permissions"]
    with app.app_context(), unit_of_work():
        user = db.session.scalars(select(User).where(User.auth_provider == "network")).one()
        user.levels = list(db.session.scalars(select(Level)))
        db.session.add(PermissionOverride(user_id=user.id, permission="admin.users"))
    after = call("/api/auth/me").json
    assert (sorted(after["permissions"]), after["is_admin"]) == (sorted(before), False)
    assert call("/api/queue/pause", "POST", json={}).status_code == 403


def test_a_permission_that_is_denied_is_gone_from_the_next_request_on(app: Flask) -> None:
    call = calls(app)
    assert "config.view" in call("/api/auth/me").json["permissions"]
    with app.app_context(), unit_of_work():
        user = db.session.scalars(select(User).where(User.auth_provider == "network")).one()
        db.session.add(PermissionOverride(user_id=user.id, permission="config.view", granted=False))
    assert "config.view" not in call("/api/auth/me").json["permissions"]


def test_deactivating_the_system_user_ends_it_at_once_and_a_restart_does_not_undo_that(
    app: Flask, make_app: Callable[..., Flask]
) -> None:
    call = calls(app)
    assert call(JOBS).status_code == 200
    change_user(app, is_active=False)
    assert call(JOBS).status_code == 401
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    again = make_app(plugins=["network_trust", "zoo"], database_url=url, **GUIDE)
    assert calls(again)(JOBS).status_code == 401


def test_another_level_in_the_configuration_changes_the_row_and_is_told(
    app: Flask, make_app: Callable[..., Flask]
) -> None:
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    again = make_app(
        plugins=["network_trust", "zoo"], database_url=url, **GUIDE, network__bypass_level="lead"
    )
    with again.app_context():
        told = db.session.scalars(select(Event).where(Event.name == "admin.role_changed")).one()
    assert (told.before, told.after) == ({"levels": ["viewer"]}, {"levels": ["lead"]})
    assert "admin.approve" in calls(again)("/api/auth/me").json["permissions"]


def test_the_system_user_is_one_row_that_cannot_sign_in(app: Flask) -> None:
    user = the_user(app)
    assert (user.is_service, user.password_hash, user.is_local_owner) == (True, None, False)
    boot.prepare(app)
    assert the_user(app).id == user.id


def test_a_person_of_that_name_stays_who_they_are(make_app: Callable[..., Flask]) -> None:
    app = make_app(plugins=["network_trust", "zoo"])
    people.make_user(app, "admin", "Internal-Network")
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    again = make_app(plugins=["network_trust", "zoo"], database_url=url, **GUIDE)
    assert the_user(again).username == "internal-network-2"
    assert calls(again)("/api/auth/me").json["username"] == "internal-network-2"


def test_a_server_that_nobody_has_an_account_on_lets_no_network_in(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(plugins=["network_trust", "zoo"], **GUIDE)
    answer = calls(app)(JOBS)
    assert (answer.status_code, answer.json["code"]) == (403, "setup_required")
    assert app.test_client().get("/api/auth/me").json["is_admin"], "the owner is still the owner"


@pytest.mark.parametrize(
    "settings",
    [{"network__bypass_auth_for_internal": False}, {"network__internal_networks": []}],
)
def test_without_the_bypass_an_internal_caller_is_nobody(
    make_trusting: Callable[..., Flask], settings: dict[str, Any]
) -> None:
    assert calls(make_trusting(**settings))(JOBS).status_code == 401


SPOOFED = [
    {"X_Forwarded_For": INSIDE},
    {"X_Real_IP": INSIDE},
    {"X_Forwarded_For": INSIDE, "X_Real_IP": INSIDE},
    {"X_Forwarded_For": "127.0.0.1", "X_Real_IP": "127.0.0.1"},
    {"Forwarded": f"for={INSIDE}"},
    {"X_Client_IP": INSIDE, "True_Client_IP": INSIDE, "CF_Connecting_IP": INSIDE},
    {"X_Forwarded_Host": "localhost", "X_Forwarded_Proto": "https"},
]


@pytest.mark.parametrize("headers", SPOOFED, ids=lambda headers: "+".join(headers))
@pytest.mark.parametrize("peer", [OUTSIDE, "172.16.0.1", "2001:db8::1", "10.11.0.1"])
def test_an_address_that_is_only_claimed_lets_nobody_in(
    app: Flask, peer: str, headers: dict[str, str]
) -> None:
    if peer == "10.11.0.1" and INSIDE in headers.values() and "X_Client_IP" not in headers:
        headers = {name: f"{value}, {OUTSIDE}" for name, value in headers.items()}
    answer = calls(app, peer)(JOBS, **headers)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Forwarded_For": f"{INSIDE}, {OUTSIDE}", "X_Real_IP": OUTSIDE},
        {"X_Forwarded_For": f"{INSIDE}, {OUTSIDE}"},
        {"X_Forwarded_For": f"{INSIDE}, {OUTSIDE}, 10.0.0.5", "X_Real_IP": "10.0.0.5"},
        {"X_Forwarded_For": OUTSIDE, "X_Real_IP": INSIDE},
        {"X_Forwarded_For": INSIDE, "X_Real_IP": OUTSIDE},
        {"X_Forwarded_For": f"{INSIDE}, unknown"},
        {"X_Forwarded_For": f"{INSIDE}, _hidden, 10.0.0.5"},
        {"X_Forwarded_For": f"{INSIDE},"},
        {"X_Forwarded_For": ""},
        {"X_Forwarded_For": "127.0.0.1", "X_Real_IP": "127.0.0.1"},
        {"Forwarded": f"for={INSIDE}"},
        {},
    ],
    ids=str,
)
def test_a_chain_through_a_trusted_proxy_that_does_not_end_inside_lets_nobody_in(
    app: Flask, headers: dict[str, str]
) -> None:
    assert calls(app, "10.0.0.5")(JOBS, **headers).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [{"X_Forwarded_For": "10.10.9.9"}, {"X_Real_IP": OUTSIDE}, {"Via": "1.1 proxy"}],
    ids=str,
)
def test_an_internal_address_that_forwards_for_others_lets_none_of_them_in(
    app: Flask, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    assert calls(app)(JOBS, **headers).status_code == 401
    assert f"Auth not bypassed for IP {INSIDE}" in caplog.text
    with app.app_context():
        assert calls  # nobody was recorded
        found = db.session.scalars(select(Event).where(Event.address == "10.10.9.9")).all()
    assert found == []


def test_an_old_http_that_names_no_proxy_lets_nobody_in(app: Flask) -> None:
    client = app.test_client()
    for protocol, status in (("HTTP/1.0", 401), ("HTTP/1.1", 200)):
        environ = {"REMOTE_ADDR": INSIDE, "SERVER_PROTOCOL": protocol}
        assert client.get(JOBS, environ_overrides=environ).status_code == status


@pytest.mark.parametrize("forwarded", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("internal", [[], ["127.0.0.0/8", "::1"]])
def test_nobody_becomes_the_local_owner_through_a_trusted_proxy(
    make_app: Callable[..., Flask], forwarded: str, internal: list[str]
) -> None:
    trusting = GUIDE | {"network__internal_networks": internal}
    app = make_app(plugins=["network_trust", "zoo"], **trusting, auth__mode="local")
    spoof = {"X_Forwarded_For": forwarded, "X_Real_IP": forwarded, "X_Forwarded_Host": "localhost"}
    answer = calls(app, "127.0.0.1")("/api/auth/me", **spoof)
    if internal:
        assert answer.json["username"] == "internal-network"
    else:
        assert answer.status_code == 401
    assert calls(app, "127.0.0.1")("/api/auth/me").json["is_admin"]


def test_a_key_still_says_who_somebody_is_and_a_wrong_one_falls_back_to_nothing(
    app: Flask,
) -> None:
    key = people.client_of(app, people.make_user(app, "lead", "leah")).api_key
    call = calls(app)
    assert call("/api/auth/me", Authorization=f"Bearer {key}").json["username"] == "leah"
    wrong = call(JOBS, Authorization="Bearer st_" + 32 * "x")
    assert (wrong.status_code, wrong.json["code"]) == (401, "invalid_token")
    assert call(JOBS, Authorization="Basic eDp5").status_code == 401


FOREIGN = [
    ({"Origin": "https://evil.example", "Sec_Fetch_Site": "cross-site"}, 403),
    ({"Origin": "null"}, 403),
    ({"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"}, 403),
    ({"Sec_Fetch_Site": "same-site"}, 403),
    ({"Sec_Fetch_Site": "same-origin"}, 200),
    ({}, 200),
]


@pytest.mark.parametrize(("headers", "status"), FOREIGN, ids=str)
def test_a_foreign_page_in_an_internal_browser_reads_nothing(
    app: Flask, headers: dict[str, str], status: int
) -> None:
    assert calls(app)(JOBS, **headers).status_code == status


def test_a_page_writes_only_with_our_token(make_trusting: Callable[..., Flask]) -> None:
    app = make_trusting(network__bypass_level="lead")
    client = app.test_client()
    client.set_cookie("csrf_token", "ours", domain="localhost")
    environ = {"REMOTE_ADDR": INSIDE}
    ours = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    body = {"name": "mine", "config": {}}
    codes = [
        client.post("/api/configs", json=body, headers=headers, environ_overrides=environ).json[
            "code"
        ]
        for headers in (
            ours,
            ours | {"X-CSRF-Token": "theirs"},
            ours | {"X-CSRF-Token": "ours", "Origin": "http://evil.test"},
        )
    ]
    assert codes == ["csrf_failed", "csrf_failed", "cross_origin"]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8080", 200),
        ("10.0.0.5:8080", 200),
        ("[fd00::5]:8080", 200),
        ("trainer", 200),
        ("trainer.internal", 200),
        ("Trainer.Internal:443", 200),
        ("trainer.example.org", 200),
        ("evil.example", 401),
        ("evil.test:8080", 401),
        ("trainer.internal.evil.example", 401),
        ("10.0.0.5.nip.io", 401),
        ("localhost.", 401),
        ("xtrainer.example.org", 401),
        ("10.0.0.5@evil.example", 401),
    ],
)
def test_a_foreign_name_pointed_here_gets_nothing(
    make_trusting: Callable[..., Flask], host: str, status: int
) -> None:
    app = make_trusting(network__bypass_hosts=["Trainer.example.org"])
    assert calls(app, host=host)(JOBS).status_code == status
    through = calls(app, "127.0.0.1", host=host)
    assert through(JOBS, X_Forwarded_For=INSIDE).status_code == status
    claimed = through(JOBS, X_Forwarded_For=INSIDE, X_Forwarded_Host="localhost")
    assert claimed.status_code == (200 if status == 200 else 401)


def test_a_proxy_that_renames_the_host_says_what_it_was(app: Flask) -> None:
    call = calls(app, "127.0.0.1", host="app")
    given = {"X_Forwarded_For": INSIDE, "X_Forwarded_Proto": "https"}
    page = {"Origin": "https://trainer.internal", "Sec_Fetch_Site": "same-origin"}
    right = call(JOBS, **given, **page, X_Forwarded_Host="trainer.internal")
    assert right.status_code == 200
    assert call(JOBS, **given, **page, X_Forwarded_Host="evil.example").status_code == 401
    assert call(JOBS, **given, **page).status_code == 403


def test_the_airflow_function_of_the_guide_polls_without_a_token_from_inside(
    make_app: Callable[..., Flask], run_job: Callable[..., str]
) -> None:
    app = make_app(plugins=["network_trust", "zoo"])
    people.make_user(app, "admin", "boss")
    job_id = run_job(app=app, provider="instant")
    with app.app_context(), unit_of_work():
        db.session.add(Level(name="poller", priority=5, permissions=["job.view.all"]))
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    polling = GUIDE | {"network__bypass_level": "poller"}
    again = make_app(plugins=["network_trust", "zoo"], database_url=url, **polling)
    inside, outside = calls(again), calls(again, OUTSIDE)
    assert inside(f"{JOBS}/{job_id}").json["status"] == "completed"
    assert inside(f"{JOBS}/{job_id}", "DELETE").status_code == 403
    assert inside("/api/configs").status_code == 403
    assert outside(f"{JOBS}/{job_id}").status_code == 401


def test_a_viewer_by_network_sees_no_more_than_viewers_do(
    make_trusting: Callable[..., Flask], run_job: Callable[..., str]
) -> None:
    app = make_trusting()
    job_id = run_job(app=app, provider="instant")
    assert calls(app)(f"{JOBS}/{job_id}").status_code == 404
    assert calls(app)(JOBS).json["jobs"] == []


def test_events_of_an_internal_caller_carry_the_true_address(
    make_trusting: Callable[..., Flask],
) -> None:
    app = make_trusting(network__bypass_level="lead")
    made = calls(app, "127.0.0.1")(
        "/api/configs",
        "POST",
        json={"name": "mine", "trainer": "fake_trainer"},
        X_Forwarded_For=INSIDE,
    )
    assert made.status_code in (200, 201), made.text
    with app.app_context():
        told = db.session.scalars(select(Event).where(Event.name == "config.created")).all()[-1]
    assert (told.actor_name, told.address) == ("internal-network", INSIDE)


def test_the_log_tells_of_an_address_at_once_and_then_once_a_minute(
    app: Flask, caplog: pytest.LogCaptureFixture, clock: Any
) -> None:
    caplog.set_level(logging.INFO)
    call = calls(app, "127.0.0.1")
    for _ in range(5):
        call(JOBS, X_Real_IP=INSIDE)
    call(JOBS, X_Real_IP="10.10.7.7")
    clock.advance(minutes=1)
    call(JOBS, X_Real_IP=INSIDE)
    told = [each.getMessage() for each in caplog.records if "Auth bypassed" in each.getMessage()]
    assert told == [
        f"Auth bypassed for IP {INSIDE}: GET {JOBS}, as viewer",
        f"Auth bypassed for IP 10.10.7.7: GET {JOBS}, as viewer",
        f"Auth bypassed for IP {INSIDE}: GET {JOBS}, as viewer (4 more before)",
    ]


def test_uses_are_recorded_once_an_hour_with_their_number(
    app: Flask, run_services_once: Callable[..., None], clock: Any
) -> None:
    call = calls(app)
    for count, after in ((3, 0), (2, 30), (1, 60)):
        clock.advance(minutes=after)
        for _ in range(count):
            call(JOBS)
        run_services_once("network_trust.record")
    assert recorded(app) == [(INSIDE, 3), (INSIDE, 3)]


def test_what_is_not_recorded_yet_is_recorded_at_the_end(
    app: Flask, run_services_once: Callable[..., None]
) -> None:
    for _ in range(2):
        calls(app)(JOBS)
        run_services_once("network_trust.record")
    assert recorded(app) == [(INSIDE, 1)]
    boot.shut_down(app)
    assert recorded(app) == [(INSIDE, 1), (INSIDE, 1)]


def recorded(app: Flask) -> list[tuple[str, int]]:
    """Return (address, requests) of what the journal knows."""
    with app.app_context():
        rows = db.session.scalars(
            select(Event).where(Event.name == "network_trust.auth_bypassed").order_by(Event.id)
        )
        return [(row.address or "", row.data["requests"]) for row in rows]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"network__trusted_proxies": ["10.0.0.0/33"]}, r"network\.trusted_proxies: '10.0.0.0/33'"),
        ({"network__trusted_proxies": ["nginx"]}, r"network\.trusted_proxies: 'nginx'"),
        ({"network__internal_networks": ["10.10.1.2/16"]}, "host bits"),
        ({"network__internal_networks": ["0.0.0.0/0"]}, "every address"),
        ({"network__internal_networks": ["::/0"]}, "every address"),
        ({"network__bypass_hosts": ["*.example.org"]}, r"network\.bypass_hosts"),
        ({"network__bypass_hosts": ["https://trainer"]}, r"network\.bypass_hosts"),
        ({"network__trust_proxy_headers": "perhaps"}, r"network\.trust_proxy_headers"),
    ],
)
def test_what_cannot_be_read_stops_the_start_with_its_key(
    make_app: Callable[..., Flask], settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        make_app(plugins=["network_trust"], prepare=False, **GUIDE | settings)


def test_a_key_that_the_guide_does_not_know_stops_the_start(
    make_app: Callable[..., Flask], state_dir: Path
) -> None:
    (state_dir / "simpletuner-enterprise.yaml").write_text("network:\n  trusted_proxy: [x]\n")
    with pytest.raises(ConfigError, match=r"mean 'network\.trusted_proxies'"):
        make_app(plugins=["network_trust"], prepare=False)
