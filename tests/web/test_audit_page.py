"""The page Audit Log in a real browser: a check stays, says what is wrong, and speaks up."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from st_core.testing.server import ServerProcess
from tests.testbed.chromium import axe_findings

pytestmark = pytest.mark.slow
LOOKS = [(1440, 900, "light"), (390, 844, "dark"), (1440, 900, "dark"), (390, 844, "light")]
SIDEWAYS = "document.documentElement.scrollWidth > innerWidth"
CHANGED = 4


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server whose log has some entries."""
    started = ServerProcess(tmp_path_factory.mktemp("state"))
    try:
        with started.start().client() as client:
            for number in range(8):
                client.post("/api/auth/api-keys", json={"name": f"key-{number}-of-8"})
        yield started
    finally:
        started.clean()


@pytest.fixture
def tampered(server: ServerProcess) -> Iterator[None]:
    """Somebody changed entry 4 behind the server's back, for the time of a test."""
    change(server.state_dir, "actor_username || '!'")
    yield
    change(server.state_dir, "rtrim(actor_username, '!')")


def change(state_dir: Path, value: str) -> None:
    (path,) = state_dir.glob("*.db")
    with closing(sqlite3.connect(path)) as connection, connection:
        sql = f"UPDATE audit_entry SET actor_username = {value} WHERE number = {CHANGED}"
        connection.execute(sql)


def test_a_check_by_keyboard_stays_on_the_page_and_is_read_aloud(
    server: ServerProcess, open_page: Callable[..., Page]
) -> None:
    page = open_page(server, "/audit?q=key")
    told = page.get_by_role("status").filter(has=page.locator("dl"))
    expect(page.locator("#check")).to_be_empty()
    page.get_by_label("First entry to check").focus()
    page.keyboard.type("2")
    page.keyboard.press("Tab")
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    expect(told.get_by_role("heading")).to_have_text("The chain is intact")
    expect(told).to_contain_text("4 in 0.")
    expect(told).to_contain_text("2 to 5")
    expect(page.get_by_label("Last entry to check")).to_be_focused()
    assert page.url.endswith("/audit?q=key"), "the filter stays"
    page.get_by_label("Last entry to check").fill("1")
    page.get_by_role("button", name="Verify the chain").click()
    expect(page.get_by_role("status").get_by_role("alert")).to_contain_text("turn it round")


def test_a_broken_chain_names_the_first_bad_entry_and_leads_there(
    server: ServerProcess, open_page: Callable[..., Page], tampered: None
) -> None:
    page = open_page(server, "/audit")
    page.get_by_role("button", name="Verify the chain").click()
    told = page.locator("#check")
    expect(told.get_by_role("heading")).to_have_text("The chain is broken")
    expect(told).to_contain_text(f"entry {CHANGED} was not written by this server")
    told.get_by_role("link", name=str(CHANGED)).first.click()
    expect(page.get_by_role("region", name=f"Entry {CHANGED}")).to_be_visible()


def test_a_check_reads_without_scripts(
    server: ServerProcess, open_page: Callable[..., Page]
) -> None:
    page = open_page(server, "/audit", java_script_enabled=False)
    page.get_by_role("button", name="Verify the chain").click()
    expect(page.locator("#check")).to_contain_text("The chain is intact")


def test_axe_finds_nothing_on_checks_of_any_outcome(
    server: ServerProcess, open_page: Callable[..., Page], tampered: None
) -> None:
    page, wrong = open_page(server, "/audit"), {}
    for query in ("check=1", "check=1&end_id=2&entry=4", "check=1&start_id=9&end_id=2"):
        page.goto(f"/audit?{query}")
        for width, height, mode in LOOKS:
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=mode, reduced_motion="reduce")  # type: ignore[arg-type]
            found = axe_findings(page, ("minor", "moderate", "serious", "critical"))
            if page.evaluate(SIDEWAYS):
                found.append("scrolls sideways")
            if found:
                wrong[f"{query} {width} {mode}"] = found
    assert wrong == {}


def test_an_export_holds_what_the_filters_in_force_let_through(
    server: ServerProcess, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    page = open_page(
        server, "/audit?event_type=api_key.created&since=2020-01-31 00:00&q=key-3-of-8"
    )
    with page.expect_download() as saved:
        page.get_by_role("link", name="Export CSV").click()
    saved.value.save_as(tmp_path / "taken.csv")
    lines = (tmp_path / "taken.csv").read_text().splitlines()
    assert saved.value.suggested_filename.endswith(".csv")
    assert len(lines) == 2, "a heading and one entry"
    assert "key-3-of-8" in lines[1]
