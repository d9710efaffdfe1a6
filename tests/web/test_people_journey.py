"""People's own journeys through the pages, in a real browser, by the keyboard."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from st_core.testing.server import ServerProcess
from tests.exam import Exam
from tests.testbed.chromium import Complaints, axe_findings

from .conftest import PATIENCE_MS
from .places import ABOUT_PEOPLE, url
from .test_browser import LOOKS, SIDEWAYS

pytestmark = pytest.mark.slow
ADMIN = {"username": "ines", "email": "ines@meridian.example", "password": "correct horse battery"}
#: Pages that are read by who is not signed in.
DOORS = ("invitation", "reset-password")
_numbers = itertools.count(1)
#: What a page that lives on refusals makes a browser say aloud.
REFUSALS = ("status of 401", "status of 403", "status of 404", "status of 422")


@dataclass(frozen=True)
class Office:
    """A server, and its one administrator's browser: the cookies of a session that lasts."""

    server: ServerProcess
    cookies: dict[str, str]

    def admin(self) -> httpx.Client:
        """Return a client of the administrator, who writes as a page of ours does."""
        said = {"X-CSRF-Token": self.cookies["csrf_token"], "Origin": self.server.base_url}
        return self.server.client(cookies=self.cookies, headers=said)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A server with one administrator, for all journeys of this module."""
    server = ServerProcess(tmp_path_factory.mktemp("office"))
    server.configure({"rate_limit.calls": 0})
    try:
        with server.start().client() as client:
            made = client.post("/api/auth/setup/first-admin", json=ADMIN)
            assert made.status_code == 200, made.text
            client.get("/login", headers={"Accept": "text/html"})
            yield Office(server, dict(client.cookies))
    finally:
        server.clean()


@dataclass(frozen=True)
class Person:
    """Somebody with an account: its number, and what they sign in with."""

    number: int
    name: str
    entry: dict[str, str]


@pytest.fixture
def somebody(office: Office) -> Person:
    """A researcher who has no part in any other journey."""
    name = f"tomas{next(_numbers)}"
    entry = {"username": name, "email": f"{name}@meridian.example", "password": "another battery"}
    with office.admin() as admin:
        made = admin.post("/api/users", json=entry)
    assert made.status_code == 201, made.text
    return Person(made.json()["id"], name, entry)


@pytest.fixture
def visit(browser: Browser, office: Office) -> Iterator[Callable[..., Page]]:
    """Open a browser of one's own at a page; what it complains about fails the test."""
    contexts: list[BrowserContext] = []
    entered = office.cookies.items()
    complaints = Complaints()

    def open_(path: str, *, as_admin: bool = False) -> Page:
        here = office.server.base_url
        context = browser.new_context(base_url=here, reduced_motion="reduce")
        contexts.append(context)
        if as_admin:
            context.add_cookies(
                [{"name": name, "value": value, "url": here} for name, value in entered]
            )
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        complaints.follow(page)
        page.goto(path)
        page.locator("html[data-ready]").wait_for(state="attached")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert [text for text in complaints.texts if not any(word in text for word in REFUSALS)] == []


def sign_in(page: Page, who: dict[str, str]) -> None:
    """Type name and password, by the keyboard alone."""
    page.locator("#username").focus()
    page.keyboard.type(who["username"])
    page.keyboard.press("Tab")
    page.keyboard.type(who["password"])
    page.keyboard.press("Enter")


def step_to(page: Page, name: str) -> None:
    """Press Tab until a control of this name has the focus, then Enter."""
    for _ in range(120):
        page.keyboard.press("Tab")
        said = page.evaluate(
            "(at => at.getAttribute('aria-label') || at.textContent)(document.activeElement)"
        )
        if (said or "").strip().startswith(name):
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"no control {name!r} can be reached by Tab")


def press(page: Page, name: str) -> None:
    """Press a button by the keyboard."""
    page.get_by_role("button", name=name, exact=True).first.press("Enter")


def test_by_keyboard_second_factor_key_and_the_end_of_another_session(
    office: Office, somebody: Person, visit: Callable[..., Page]
) -> None:
    elsewhere = visit("/login")
    sign_in(elsewhere, somebody.entry)
    elsewhere.wait_for_url("**/jobs")

    page = visit("/profile")
    expect(page).to_have_url(f"{office.server.base_url}/login?next=/profile")
    sign_in(page, {**somebody.entry, "password": "not this one"})
    expect(page.get_by_text("Invalid username or password")).to_be_visible()
    page.locator("#username").fill("")
    page.locator("#password").fill("")
    sign_in(page, somebody.entry)
    page.wait_for_url("**/profile")

    codes = _set_up_second_factor(page)
    assert len(codes) == 10
    step_to(page, "Account of")
    page.locator(".account + .dropdown-menu").get_by_role("button", name="Sign out").press("Enter")
    expect(page.get_by_text("You are signed out.")).to_be_visible()

    page.goto("/login?next=/profile")
    page.locator("html[data-ready]").wait_for(state="attached")
    sign_in(page, somebody.entry)
    expect(page.locator("#code")).to_be_focused()
    page.keyboard.type(codes[0])
    page.keyboard.press("Enter")
    page.wait_for_url("**/profile")
    expect(page.get_by_text("9 recovery codes are left")).to_be_visible()

    key = _make_key(page)
    with httpx.Client(base_url=office.server.base_url, trust_env=False) as program:
        me = program.get("/api/auth/me", headers={"Authorization": f"Bearer {key}"})
        assert me.json()["username"] == somebody.name

    expect(page.locator("#sessions tbody tr")).to_have_count(2)
    step_to(page, "End the session of")
    expect(page.locator("#sessions tbody tr")).to_have_count(1)
    elsewhere.goto("/jobs")
    expect(elsewhere.get_by_text("Your session has ended.")).to_be_visible()


def _set_up_second_factor(page: Page) -> list[str]:
    """Switch the second factor on as a person with an app would; return the recovery codes."""
    page.locator("html[data-ready]").wait_for(state="attached")
    press(page, "Set it up")
    picture = page.get_by_alt_text("QR code of the key below")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.complete && image.naturalWidth > 0")
    assert axe_findings(page) == []
    secret = page.locator("[data-secret]").inner_text().replace(" ", "")
    page.locator("#f-code").fill(pyotp.TOTP(secret).now())
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    codes = page.locator("#recovery [data-once-text]").inner_text().split()
    press(page, "I have it")
    expect(page.locator("#factor")).to_contain_text("On")
    return codes


def _make_key(page: Page) -> str:
    page.locator("html[data-ready]").wait_for(state="attached")
    press(page, "Make a key")
    page.locator("#k-name").focus()
    page.keyboard.type("nightly")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="The new API key")).to_be_visible()
    key = page.locator("#new-key [data-once-text]").inner_text()
    assert axe_findings(page) == []
    press(page, "I have it")
    expect(page.locator("#keys")).to_contain_text("nightly")
    assert key not in page.content()
    return key


def test_an_administrator_makes_a_user_and_an_override_holds_at_once(
    somebody: Person, visit: Callable[..., Page]
) -> None:
    theirs = visit("/login")
    sign_in(theirs, somebody.entry)
    theirs.wait_for_url("**/jobs")
    expect(theirs.get_by_role("link", name="Settings")).to_have_count(0)

    page = visit("/admin/users", as_admin=True)
    expect(page.locator("#users")).to_be_visible()
    page.locator("html[data-ready]").wait_for(state="attached")
    page.get_by_role("link", name=somebody.name, exact=True).press("Enter")
    page.wait_for_url("**/admin/users/*")
    page.locator("html[data-ready]").wait_for(state="attached")
    press(page, "Add an override")
    page.locator("#o-name").select_option("admin.config")
    page.locator("#o-granted").press("Enter")
    page.get_by_role("button", name="Set the override").press("Enter")
    expect(page.locator("#overrides")).to_contain_text("admin.config")
    expect(page.locator("#permissions")).to_contain_text("granted here")

    theirs.goto("/jobs")
    expect(theirs.get_by_role("link", name="Settings")).to_have_count(1)
    page.get_by_role("button", name="Remove the override of admin.config").press("Enter")
    expect(page.locator("#overrides")).to_contain_text("None:")
    theirs.goto("/admin/settings")
    expect(theirs.get_by_role("heading", name="You may not see this")).to_be_visible()


def test_a_new_user_is_made_and_deactivated_with_the_numbers_shown(
    visit: Callable[..., Page],
) -> None:
    name = f"mei{next(_numbers)}"
    page = visit("/admin/users", as_admin=True)
    expect(page.locator("#users")).to_be_visible()
    page.locator("html[data-ready]").wait_for(state="attached")
    press(page, "Add a user")
    page.locator("#a-username").fill("me")
    page.locator("#a-email").fill(f"{name}@meridian.example")
    press(page, "Add the user")
    expect(page.locator("#a-username")).to_have_attribute("aria-invalid", "true")
    page.locator("#a-username").fill(name)
    press(page, "Add the user")
    page.wait_for_url("**/admin/users/*")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    page.locator("html[data-ready]").wait_for(state="attached")
    press(page, f"Deactivate {name}…")
    expect(page.locator("#ask")).to_contain_text("Ends 0 sessions and stops 0 keys at once.")
    page.locator("#ask [data-yes]").press("Enter")
    expect(page.locator("#person-head")).to_contain_text("Deactivated")


def test_axe_finds_nothing_serious_on_any_page_about_people(
    somebody: Person, visit: Callable[..., Page], exam: Exam
) -> None:
    page = visit("/login")
    doors = ["/login", "/login?error=x", "/invitation#a", "/reset-password#a", *map(url, DOORS)]
    wrong = _judged(page, doors, exam)
    page.goto("/login")
    page.locator("html[data-ready]").wait_for(state="attached")
    sign_in(page, ADMIN)
    page.wait_for_url("**/jobs")
    places = [url(name) for name in ABOUT_PEOPLE if name not in DOORS]
    places += [f"/admin/users/{somebody.number}", "/admin/auth/new?kind=oidc&preset=keycloak"]
    wrong |= _judged(page, places, exam)
    assert wrong == {}


def _judged(page: Page, places: list[str], exam: Exam) -> dict[str, list[str]]:
    """Return what axe and the eye of a ruler find on each page, per look."""
    wrong: dict[str, list[str]] = {}
    for place in places:
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(place)
        for width, height, mode in LOOKS[: exam.count("looks of each page about people", 1, 4)]:
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=mode, reduced_motion="reduce")  # type: ignore[arg-type]
            found = axe_findings(page)
            if page.evaluate(SIDEWAYS):
                found.append("scrolls sideways")
            if found:
                wrong[f"{place} {width} {mode}"] = found
    return wrong


def test_an_invitation_makes_an_account_once_and_its_token_is_told_to_nobody(
    office: Office, visit: Callable[..., Page]
) -> None:
    name = f"mei{next(_numbers)}"
    page = visit("/admin/users", as_admin=True)
    expect(page.locator("#users")).to_be_visible()
    page.locator("html[data-ready]").wait_for(state="attached")
    press(page, "Invite")
    page.locator("#i-email").fill(f"{name}@meridian.example")
    press(page, "Make the invitation")
    expect(page.get_by_role("heading", name="The invitation link")).to_be_visible()
    link = page.locator("#invited [data-once-text]").inner_text()
    press(page, "I have it")
    expect(page.locator("#invitations")).to_contain_text(f"{name}@meridian.example")

    theirs = visit(link.removeprefix(office.server.base_url))
    requests: list[str] = []
    theirs.on("request", lambda sent: requests.append(f"{sent.url} {sent.headers}"))
    expect(theirs.locator("[data-link-for]")).to_have_text(f"{name}@meridian.example")
    assert theirs.url == f"{office.server.base_url}/invitation"
    theirs.locator("#username").fill(name)
    theirs.locator("#password").fill("a third battery")
    theirs.keyboard.press("Enter")
    theirs.wait_for_url("**/jobs")
    token = link.partition("#")[2]
    assert not [one for one in requests if token in one]
    assert token not in office.server.output()

    again = visit(link.removeprefix(office.server.base_url))
    expect(again.get_by_text("This link does not hold")).to_be_visible()
    expect(again.locator("#username")).to_be_hidden()


def test_a_reset_link_sets_a_new_password_and_ends_every_session(
    office: Office, somebody: Person, visit: Callable[..., Page]
) -> None:
    theirs = visit("/login")
    sign_in(theirs, somebody.entry)
    theirs.wait_for_url("**/jobs")
    page = visit("/admin/users", as_admin=True)
    expect(page.locator("#users")).to_be_visible()
    page.get_by_role("link", name=somebody.name, exact=True).click()
    page.locator("html[data-ready]").wait_for(state="attached")
    press(page, "More actions")
    press(page, "Make a reset link")
    expect(page.get_by_role("heading", name="The reset link")).to_be_visible()
    link = page.locator("#reset-link [data-once-text]").inner_text()
    press(page, "I have it")

    reset = visit(link.removeprefix(office.server.base_url))
    expect(reset.locator("[data-link-for]")).to_have_text(somebody.name)
    reset.locator("#new_password").fill("yet another battery")
    reset.keyboard.press("Enter")
    expect(reset.get_by_text("The new password is set.")).to_be_visible()
    sign_in(reset, {**somebody.entry, "password": "yet another battery"})
    reset.wait_for_url("**/jobs")
    theirs.goto("/jobs")
    expect(theirs.get_by_text("Your session has ended.")).to_be_visible()


def test_what_is_dangerous_asks_once_more_who_it_is_and_then_goes_on(
    office: Office, visit: Callable[..., Page]
) -> None:
    page = visit("/admin/auth/new?kind=oidc", as_admin=True)
    expect(page.locator("#p-name")).to_be_visible()
    _forget_the_proof(office.server)
    page.locator("html[data-ready]").wait_for(state="attached")
    page.locator("#p-name").fill("keycloak")
    page.locator("#f-issuer").fill("https://keycloak.example.com/realms/one")
    page.locator("#f-client_id").fill("simpletuner")
    page.locator("#f-client_secret").fill("a secret that is never shown")
    page.locator("[data-mapping-group]").fill("ml-admins")
    press(page, "Add the provider")
    expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    page.locator("#confirm-value").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#confirm")).to_contain_text("not the right one")
    page.locator("#confirm-value").fill(ADMIN["password"])
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/auth/keycloak")
    expect(page.locator("[data-mapping-group]").first).to_have_value("ml-admins")
    expect(page.locator("#f-client_secret")).to_have_value("")
    assert "a secret that is never shown" not in page.content()
    page.locator("html[data-ready]").wait_for(state="attached")
    press(page, "Test keycloak")
    expect(page.locator("[data-test-steps] .bad").first).to_be_visible()


def _forget_the_proof(server: ServerProcess) -> None:
    """Let it be longer than ten minutes ago that anybody proved to be there."""
    path = server.state_dir / "app.db"
    with sqlite3.connect(path, timeout=30) as database:
        database.execute("UPDATE session SET confirmed_at = NULL")


def test_an_organisation_with_a_team_and_its_lead_is_made_on_the_page(
    office: Office, somebody: Person, visit: Callable[..., Page]
) -> None:
    with office.admin() as admin:  # a try before may have left its own
        for left in admin.get("/api/orgs").json()["organizations"]:
            assert admin.delete(f"/api/orgs/{left['id']}").is_success
    page = visit("/admin/orgs", as_admin=True)
    expect(page.get_by_text("No organisation yet")).to_be_visible()
    page.locator("html[data-ready]").wait_for(state="attached")
    press(page, "Make an organisation")
    page.locator("#o-name").fill("Meridian Labs")
    page.locator("#o-slug").fill("meridian")
    press(page, "Make it")
    page.get_by_role("link", name="Meridian Labs").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Meridian Labs")
    page.locator("html[data-ready]").wait_for(state="attached")
    press(page, "Make a team")
    page.locator("#t-name").fill("Speech")
    page.locator("#t-slug").fill("speech")
    page.locator("#add-team").get_by_role("button", name="Make the team").press("Enter")
    expect(page.locator("#teams")).to_contain_text("Speech")
    page.locator("#join").select_option(label=somebody.name)
    page.get_by_role("button", name="Add to Meridian Labs").press("Enter")
    expect(page.locator("#members li")).to_have_count(1)
    page.locator("#teams").get_by_label("Role", exact=True).select_option("lead")
    page.get_by_role("button", name="Add to Speech").press("Enter")
    role = page.get_by_label(f"Role of {somebody.name} in Speech")
    expect(role).to_have_value("lead")
    role.select_option("member")
    expect(page.get_by_text(f"{somebody.name} has another role.")).to_be_visible()
    assert axe_findings(page) == []
    page.goto(f"/admin/users/{somebody.number}")
    expect(page.locator("#places")).to_contain_text("Speech")


def test_a_level_of_the_system_gets_more_and_keeps_what_it_has(
    somebody: Person, visit: Callable[..., Page]
) -> None:
    page = visit("/admin/levels", as_admin=True)
    page.get_by_role("link", name="Researcher").press("Enter")
    expect(page.locator("input[value='job.submit']")).to_be_disabled()
    page.locator("html[data-ready]").wait_for(state="attached")
    page.locator("input[value='quota.view']").check()
    press(page, "Save the level")
    expect(page.locator("#levels")).to_be_visible()
    page.goto(f"/admin/users/{somebody.number}")
    page.locator("#permissions").get_by_text("Quotas", exact=False).first.click()
    expect(page.locator("#permissions li", has_text="quota.view")).to_contain_text(
        "from Researcher"
    )
    expect(page.locator("#permissions li", has_text="job.submit")).to_contain_text(
        "from Researcher"
    )
