"""The ways in and the pages about people, as any browser gets them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from st_core.db import unit_of_work
from st_core.models import User
from st_core.services import provider_config, registries, sessions, users
from st_core.testing import people

from . import team
from .html import Document
from .test_pages import BROWSER, MOST_BYTES, MOST_STATEMENTS, read, statements, wrong_with

#: What a page of the administration is opened by, and who holds it by the guide.
ADMIN_PAGES = ("/admin/users", "/admin/levels", "/admin/levels/new", "/admin/auth")


@pytest.fixture
def ids(app: Flask) -> dict[str, int]:
    """The team's ids by user name."""
    return team.gather(app)


@pytest.fixture
def browse(app: Flask, ids: dict[str, int]) -> Callable[..., Any]:
    """Make clients that are signed in as somebody of the team."""

    def browse(name: str) -> Any:
        with app.app_context(), unit_of_work():
            token = sessions.create(ids[name])
        client = app.test_client()
        client.set_cookie("simpletuner_session", token)
        return client

    return browse


def test_a_page_without_a_session_leads_to_signing_in_and_back(
    app: Flask, ids: dict[str, int]
) -> None:
    client = app.test_client()
    answer = client.get("/jobs?status=failed", headers=BROWSER)
    assert answer.status_code == 302
    assert answer.location == "/login?next=/jobs?status%3Dfailed"
    page = read(client, answer.location)
    assert page.all("form", **{"data-entry": "/api/auth/login"})[0].attributes["data-then"] == (
        "/jobs?status=failed"
    )
    assert wrong_with(page) == []


def test_programs_and_the_api_are_not_sent_anywhere(app: Flask, ids: dict[str, int]) -> None:
    client = app.test_client()
    assert client.get("/api/cloud/jobs", headers=BROWSER).status_code == 401
    assert client.get("/jobs", headers={"Accept": "application/json"}).status_code == 401
    wrong_key = {**BROWSER, "Authorization": "Bearer st_wrong"}
    assert client.get("/jobs", headers=wrong_key).status_code == 401


def test_a_session_that_ended_says_so_on_the_sign_in_page(app: Flask, ids: dict[str, int]) -> None:
    client = app.test_client()
    client.set_cookie("simpletuner_session", "ended")
    answer = client.get("/jobs", headers=BROWSER)
    assert answer.location == "/login?next=/jobs&said=session_ended"
    assert "Your session has ended." in read(client, answer.location).text


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.test/",
        "//evil.test/",
        "/\\evil.test",
        "\\\\evil.test",
        "/jobs\r\nX: 1",
        "/\t/evil.test",
        "javascript:alert(1)",
        "/login?next=/jobs",
        "/api/auth/me",
        "jobs",
        "",
    ],
)
def test_after_signing_in_nobody_is_led_away_from_this_server(
    app: Flask, ids: dict[str, int], wanted: str
) -> None:
    answer = app.test_client().get("/login", query_string={"next": wanted}, headers=BROWSER)
    form = Document(answer.text).all("form", **{"data-entry": "/api/auth/login"})[0]
    assert form.attributes["data-then"] == "/"


def test_words_in_an_address_never_stand_on_the_sign_in_page(
    app: Flask, ids: dict[str, int]
) -> None:
    page = read(app.test_client(), "/login?error=Call+us+under+555&said=Enter+your+card")
    assert "555" not in page.text
    assert "card" not in page.text.replace("card-in", "")
    assert "The sign-in was not finished." in page.text


def test_forms_with_a_password_never_put_it_into_an_address(
    app: Flask, client: Any, ids: dict[str, int]
) -> None:
    for path in ("/login", "/invitation", "/reset-password"):
        page = read(app.test_client(), path)
        assert wrong_with(page) == []
        assert {form.attributes.get("method") for form in page.all("form")} == {"post"}


def test_a_server_without_accounts_offers_to_make_the_first_administrator(
    make_app: Callable[..., Flask],
) -> None:
    client = make_app().test_client()
    here = read(client, "/first-run")
    assert not here.all("input", name="code")
    assert wrong_with(here) == []
    elsewhere = {"Host": "trainer.internal", **BROWSER}
    answer = client.get("/jobs", headers=elsewhere)
    assert (answer.status_code, answer.location) == (302, "/first-run")
    assert client.get("/login", headers=elsewhere).location == "/first-run"
    page = Document(client.get("/first-run", headers=elsewhere).text)
    assert page.all("input", name="code")
    assert wrong_with(page) == []


def test_with_accounts_the_first_run_page_leads_to_signing_in(
    app: Flask, ids: dict[str, int]
) -> None:
    assert app.test_client().get("/first-run", headers=BROWSER).location == "/login"


def test_every_page_about_people_is_whole_small_and_within_the_policy(
    browse: Callable[..., Any], ids: dict[str, int]
) -> None:
    client = browse("ines")
    paths = [*ADMIN_PAGES, "/profile", "/admin/orgs", "/admin/orgs/1", "/admin/levels/1"]
    paths += [f"/admin/users/{user_id}" for user_id in ids.values()]
    paths += ["/admin/users?q=nobody", "/admin/users?level=viewer&active=any&sort=-last_login_at"]
    wrong = {path: found for path in paths if (found := wrong_with(read(client, path)))}
    assert wrong == {}


@pytest.mark.parametrize("name", ["lead", "researcher", "viewer"])
def test_administration_shows_to_those_who_administer(
    app: Flask, as_user: Callable[..., Any], name: str
) -> None:
    client = as_user(name)
    page = read(client, "/profile")
    assert 'id="nav-admin"' not in page.text
    assert ("/admin/orgs" in page.links) == (name == "lead")
    for path in ADMIN_PAGES:
        assert client.get(path, headers=BROWSER).status_code == 403


def test_each_place_of_the_administration_has_its_own_permission(app: Flask) -> None:
    user_id = people.make_user(app, "researcher", "deputy")
    page = read(_granted(app, user_id, "admin.users"), "/profile")
    assert "/admin/users" in page.links
    assert not page.links & {"/admin/levels", "/admin/auth", "/admin/setup", "/plugins"}


def _granted(app: Flask, user_id: int, permission: str) -> Any:
    from st_core.models import PermissionOverride

    with app.app_context(), unit_of_work():
        users.db.session.add(PermissionOverride(user_id=user_id, permission=permission))
    return people.client_of(app, user_id)


def test_the_list_of_users_finds_by_name_level_source_and_state(
    browse: Callable[..., Any],
) -> None:
    client = browse("ines")

    def found(query: str) -> set[str]:
        page = read(client, f"/admin/users?{query}")
        return {name for name, _ in team.PEOPLE.values() if f">{name}</a>" in page.text}

    assert found("q=TOMAS") == {"Tomas Lindqvist"}
    assert found("q=meridian.example&level=researcher") == {"Tomas Lindqvist", "Mei Tanaka"}
    assert found("active=no") == {"Lena Roth"}
    assert found("source=service") == set()
    assert (
        "Nobody with level Viewer, state Active." in read(client, "/admin/users?level=viewer").text
    )


def test_the_list_of_users_goes_on_to_the_next_page_in_order(
    app: Flask, browse: Callable[..., Any]
) -> None:
    client = browse("ines")
    with app.app_context(), unit_of_work():
        users.db.session.add_all(
            User(username=f"worker{n:02}", email=f"worker{n:02}@example.org") for n in range(40)
        )
    first = read(client, "/admin/users")
    assert "1 to 25 of 45" in first.text
    second = read(client, "/admin/users?page=2")
    assert "26 to 45 of 45" in second.text
    shown = [page.text.count('sub truncate">worker') for page in (first, second)]
    assert shown == [20, 20]
    assert "worker39" in second.text


@pytest.mark.parametrize(
    "path", ["/admin/users", "/admin/levels", "/admin/auth", "/admin/orgs", "/login"]
)
def test_a_list_about_people_costs_ten_statements_whatever_its_length(
    app: Flask, browse: Callable[..., Any], path: str
) -> None:
    client = browse("ines") if path != "/login" else app.test_client()
    client.get(path, headers=BROWSER)
    with app.app_context(), unit_of_work():
        users.db.session.add_all(
            User(username=f"worker{n:02}", email=f"worker{n:02}@example.org") for n in range(40)
        )
    client.get(path, headers=BROWSER)
    with statements(app) as seen:
        page = read(client, path)
    assert len(seen) <= MOST_STATEMENTS, "\n".join(seen)
    assert len(page.text.encode()) <= MOST_BYTES


def test_a_person_shows_where_each_permission_comes_from(
    browse: Callable[..., Any], ids: dict[str, int]
) -> None:
    page = read(browse("ines"), f"/admin/users/{ids['tomas']}")
    assert "granted here" in page.text
    assert "denied here, against Researcher" in page.text
    assert "from Researcher" in page.text
    assert page.all(
        "button", **{"data-act": f"/api/users/{ids['tomas']}/permissions/config.create"}
    )


def test_a_credential_older_than_ninety_days_is_marked_stale(
    browse: Callable[..., Any], ids: dict[str, int]
) -> None:
    page = read(browse("ines"), f"/admin/users/{ids['tomas']}")
    assert page.text.count("s-warn") == 1
    assert "112 days" in page.text
    assert "Stale: the same value for too long." in page.text


def test_what_pages_say_is_what_the_server_decides(app: Flask, ids: dict[str, int]) -> None:
    from st_core.services import permission_sources

    with app.app_context():
        for user_id in ids.values():
            user = users.db.session.get_one(User, user_id)
            viewer = users.viewer_of(user, "session")
            told = {one.permission.name: one.holds for one in permission_sources.explain(user)}
            assert told == {name: viewer.may(name) for name in told}


def test_a_user_nobody_has_is_a_page_that_is_not_there(browse: Callable[..., Any]) -> None:
    read(browse("ines"), "/admin/users/4711", status=404)
    read(browse("ines"), "/admin/levels/4711", status=404)
    read(browse("ines"), "/admin/orgs/4711", status=404)
    read(browse("ines"), "/admin/auth/nobody", status=404)


def test_a_lead_sees_the_own_organisation_and_no_other(
    app: Flask, browse: Callable[..., Any]
) -> None:
    from st_core.models import Org

    with app.app_context(), unit_of_work():
        users.db.session.add(Org(name="Elsewhere", slug="elsewhere"))
    client = browse("ravi")
    page = read(client, "/admin/orgs")
    assert "Meridian Labs" in page.text
    assert "Elsewhere" not in page.text
    read(client, "/admin/orgs/2", status=404)


def test_the_page_about_signing_in_leads_to_stale_credentials(
    browse: Callable[..., Any], ids: dict[str, int]
) -> None:
    page = read(browse("ines"), "/admin/auth")
    assert "Stale" in page.text
    assert "2 credentials, the oldest 112 days old" in page.text
    assert f"/admin/users/{ids['tomas']}" in page.links


@pytest.mark.parametrize("kind", ["oidc", "ldap"])
def test_the_form_of_a_provider_is_drawn_from_its_kind(
    make_app: Callable[..., Flask], kind: str
) -> None:
    app = make_app([kind])
    client = app.test_client()
    with app.app_context():
        known = registries.auth_kinds()[kind]
    names = {f"config.{name}" for name in known.config.model_fields}
    secrets = {f"config.{name}" for name in provider_config.secret_fields(known)}
    for query in ["", *(f"&preset={preset}" for preset in known.presets)]:
        page = read(client, f"/admin/auth/new?kind={kind}{query}")
        assert wrong_with(page) == []
        controls = {one.attributes.get("name", ""): one for one in page.elements}
        assert names <= set(controls)
        assert {controls[name].attributes["type"] for name in secrets} == {"password"}
