"""Set-up: the first administrator, by place or by code, exactly one; and what a laptop keeps."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from st_core import boot
from st_core.db import db, unit_of_work
from st_core.models import Config, Event, Job, OneTimeLink, User
from st_core.services import api_keys, setup, users
from st_core.testing.work import submit_job
from tests.core.browsers import PASSWORD, Browser
from tests.core.processes import Nursery

FIRST = {"email": "ada@example.org", "username": "ada", "password": PASSWORD}
PATH = "/api/auth/setup/first-admin"
CODE = re.compile(r"\b(?:[2-9A-HJKMNP-Z]{4}-){3}[2-9A-HJKMNP-Z]{4}\b")


@pytest.fixture
def app(make_app: Callable[..., Flask], database: object) -> Flask:
    """A fresh server on each kind of database."""
    return make_app(plugins=["zoo"])


def machine(app: Flask) -> Any:
    """Return a program at the server's own machine."""
    return app.test_client()


def new_code(app: Flask) -> str:
    with app.app_context():
        return setup.make_code()


def test_at_this_machine_the_first_admin_needs_no_code(app: Flask) -> None:
    client = machine(app)
    answer = client.post(PATH, json=FIRST)
    assert answer.status_code == 200
    assert answer.json["user"]["username"] == "ada"
    assert answer.json["user"]["is_admin"] is True
    assert "Max-Age=2592000" in "".join(answer.headers.getlist("Set-Cookie"))
    assert client.get("/api/auth/check").json["via"] == "session"
    assert machine(app).get("/api/auth/me").status_code == 401
    status = client.get("/api/auth/setup/status").json
    assert (status["needs_setup"], status["has_admin"], status["user_count"]) == (False, True, 1)


def test_from_elsewhere_it_takes_the_code_and_the_code_works_once(app: Flask) -> None:
    code = new_code(app)
    browser = Browser(app).visit()
    for wrong in (None, "", "AAAA-BBBB-CCCC-DDDD", code[:-1]):
        answer = browser.post(PATH, FIRST | {"code": wrong})
        assert (answer.status_code, answer.json["code"]) == (403, "setup_code_invalid")
    assert browser.get("/api/auth/check").status_code == 403
    sloppy = code.lower().replace("-", " ")
    assert browser.post(PATH, FIRST | {"code": sloppy}).status_code == 200
    assert browser.get("/api/auth/me").json["username"] == "ada"
    again = Browser(app).visit().post(PATH, FIRST | {"username": "eve", "code": code})
    assert (again.status_code, again.json["code"]) == (409, "already_set_up")


def test_a_code_ends_after_a_day_and_when_a_newer_one_is_made(app: Flask, clock: Any) -> None:
    old, new = new_code(app), new_code(app)
    browser = Browser(app).visit()
    assert browser.post(PATH, FIRST | {"code": old}).status_code == 403
    clock.advance(hours=25)
    assert browser.post(PATH, FIRST | {"code": new}).status_code == 403


def test_codes_cannot_be_guessed_for_long(app: Flask) -> None:
    code = new_code(app)
    browser = Browser(app).visit()
    wrong = FIRST | {"code": "AAAA-BBBB-CCCC-DDDD"}
    codes = [browser.post(PATH, wrong).status_code for _ in range(11)]
    assert codes == [403] * 10 + [429]
    assert browser.post(PATH, FIRST | {"code": code}).status_code == 429


def test_a_proxy_on_this_machine_needs_the_code_too(app: Flask) -> None:
    headers = {"X-Forwarded-For": "203.0.113.9"}
    assert machine(app).post(PATH, json=FIRST, headers=headers).status_code == 403


def test_a_foreign_page_cannot_set_the_server_up(app: Flask) -> None:
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    answer = machine(app).post(PATH, json=FIRST, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (403, "cross_origin")


@pytest.mark.parametrize(
    "wrong",
    [
        {"username": "ad"},
        {"username": "a d a"},
        {"password": "short"},
        {"email": "no address"},
        {"username": "x" * 51},
    ],
)
def test_what_does_not_fit_is_refused_and_set_up_stays_open(
    app: Flask, wrong: dict[str, str]
) -> None:
    client = machine(app)
    assert client.post(PATH, json=FIRST | wrong).status_code == 422
    assert client.get("/api/auth/setup/status").json["needs_setup"] is True


def test_deactivating_the_last_admin_does_not_reopen_set_up(app: Flask) -> None:
    client = machine(app)
    client.post(PATH, json=FIRST)
    with app.app_context(), unit_of_work():
        db.session.query(User).one().is_active = False
    stranger = machine(app)
    assert stranger.get("/api/auth/setup/status").json["needs_setup"] is False
    assert stranger.post(PATH, json=FIRST | {"username": "eve"}).status_code == 409
    with app.app_context(), pytest.raises(setup.Conflict):
        setup.make_code()


def test_of_many_at_one_moment_in_two_processes_exactly_one_becomes_admin(
    app: Flask, processes: Nursery
) -> None:
    script = Path(__file__).with_name("first_admins.py")
    with app.app_context():
        url = db.engine.url.render_as_string(hide_password=False)
    told = processes.run(script, 2, 4, url=url)
    answers = sorted(status for each in told for status in each)
    assert answers == [200] + [409] * 7
    with app.app_context():
        assert db.session.scalar(select(func.count(User.id))) == 1
        made = db.session.query(Event).filter_by(name="admin.user_created").all()
        assert len([each for each in made if "first administrator" in each.message]) == 1


# ── what a laptop keeps ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("by_code", [False, True])
def test_a_used_laptop_keeps_jobs_configs_and_keys(app: Flask, by_code: bool) -> None:
    laptop = machine(app)
    job_id = submit_job(app)
    laptop.post("/api/configs", json={"name": "mine", "trainer": "fake_trainer", "config": {}})
    with app.app_context():
        owner_id = users.local_owner().id
        _, key = api_keys.create(owner_id, "cron")
        configs = db.session.query(Config).count()
    browser = Browser(app).visit()
    if by_code:
        answer = browser.post(PATH, FIRST | {"code": new_code(app)})
    else:
        browser.address = "127.0.0.1"
        answer = browser.post(PATH, FIRST)
    assert answer.status_code == 200
    assert answer.json["user"]["id"] == owner_id
    assert str(browser.get("/api/cloud/jobs").json["jobs"][0]["job_id"]) == job_id
    with app.app_context():
        assert db.session.get_one(Job, int(job_id)).user_id == owner_id
        assert db.session.query(Config).count() == configs
        made = db.session.query(Event).filter_by(name="admin.user_created")
        event = made.order_by(Event.id.desc()).first()
        assert event is not None
        assert (event.before or {})["username"] != "ada"
        assert (event.after or {})["username"] == "ada"
    me = machine(app).get("/api/auth/me", headers={"X-API-Key": key})
    assert me.json["username"] == "ada"


def test_the_owner_who_makes_an_account_for_themselves_keeps_everything_too(app: Flask) -> None:
    laptop = machine(app)
    job_id = submit_job(app)
    assert (
        laptop.post("/api/users", json={"username": "robot", "is_service": True}).status_code == 201
    )
    body = FIRST | {"is_admin": True}
    without = {name: value for name, value in body.items() if name != "password"}
    assert laptop.post("/api/users", json=without).status_code == 409
    made = laptop.post("/api/users", json=body)
    assert made.status_code == 201
    browser = Browser(app)
    browser.sign_in("ada")
    with app.app_context():
        assert db.session.get_one(Job, int(job_id)).user_id == made.json["id"]
        assert db.session.query(User).filter_by(is_local_owner=True).count() == 0
    assert str(browser.get("/api/cloud/jobs").json["jobs"][0]["job_id"]) == job_id


def test_in_mode_local_this_machine_acts_as_the_first_admin_again(
    make_app: Callable[..., Flask], database: Any
) -> None:
    url = database.fresh(["zoo"])
    team = make_app(plugins=["zoo"], database_url=url)
    machine(team).post(PATH, json=FIRST)
    assert machine(team).get("/api/auth/me").status_code == 401
    local = make_app(plugins=["zoo"], database_url=url, auth__mode="local")
    me = machine(local).get("/api/auth/me").json
    assert (me["username"], me["is_admin"]) == ("ada", True)
    with local.app_context():
        assert db.session.query(User).count() == 1


def test_in_mode_local_a_setting_names_the_person_at_this_machine(
    make_app: Callable[..., Flask], database: Any
) -> None:
    from st_core.testing import people

    url = database.fresh(["zoo"])
    team = make_app(plugins=["zoo"], database_url=url)
    machine(team).post(PATH, json=FIRST)
    people.make_user(team, "lead", "lea")
    options = {"database_url": url, "auth__mode": "local"}
    local = make_app(plugins=["zoo"], auth__local_user="Lea", **options)
    assert machine(local).get("/api/auth/me").json["username"] == "lea"
    wrong = make_app(plugins=["zoo"], auth__local_user="nobody", **options)
    answer = machine(wrong).get("/api/auth/me")
    assert (answer.status_code, answer.json["code"]) == (401, "unknown_local_user")


# ── the code on the console ───────────────────────────────────────────────────────────────────────


def test_the_console_shows_one_code_and_it_works(
    make_app: Callable[..., Flask], capsys: pytest.CaptureFixture[str]
) -> None:
    app = make_app(plugins=["zoo"])
    boot.boot(app)
    (code,) = CODE.findall(capsys.readouterr().err)
    with app.app_context():
        setup.announce()  # another process of the same server
        stored = "|".join(str(vars(row)) for row in db.session.query(OneTimeLink))
        told = "|".join(str(vars(row)) for row in db.session.query(Event))
    assert CODE.findall(capsys.readouterr().err) == []
    assert code not in stored + told
    assert Browser(app).visit().post(PATH, FIRST | {"code": code}).status_code == 200


def test_a_log_that_is_collected_never_holds_the_code(
    make_app: Callable[..., Flask], capsys: pytest.CaptureFixture[str]
) -> None:
    app = make_app(plugins=["zoo"], logging__format="json")
    boot.boot(app)
    printed = capsys.readouterr()
    assert CODE.findall(printed.err + printed.out) == []
    assert "flask st setup-code" in printed.err


@pytest.mark.parametrize("mode", ["local", "auto"])
def test_no_code_is_printed_where_none_is_needed(
    make_app: Callable[..., Flask], capsys: pytest.CaptureFixture[str], mode: str
) -> None:
    app = make_app(plugins=["zoo"], auth__mode=mode)
    machine(app).post(PATH, json=FIRST)
    boot.boot(app)
    assert CODE.findall(capsys.readouterr().err) == []
