"""Every page in a real browser, and what pages do while they are open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from st_core.testing.server import ServerProcess
from tests.testbed.chromium import Complaints, axe_findings

from .finished import run_sample
from .places import PLACES, url

pytestmark = pytest.mark.slow
PATIENCE_MS = 60_000
LOOKS = [(1440, 900, "light"), (1440, 900, "dark"), (390, 844, "light"), (390, 844, "dark")]
SIDEWAYS = "document.documentElement.scrollWidth > innerWidth"
NEVER = {"provider": "never", "trainer": "fake_trainer", "config": {"steps": 3}}


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open pages of a server: `open_page(server, "/jobs")`; complaints fail the test at its end."""
    contexts: list[BrowserContext] = []
    complaints = Complaints()

    def open_(
        running: ServerProcess, path: str, *, may_complain: bool = False, **options: object
    ) -> Page:
        context = browser.new_context(base_url=running.base_url, **options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        if not may_complain:
            complaints.follow(page)
        page.goto(path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints.texts == []


def test_axe_finds_nothing_serious_on_any_page_in_any_look(
    server: Callable[..., ServerProcess], open_page: Callable[..., Page]
) -> None:
    running = server().start()
    with running.client() as client:
        job = run_sample(client)
    page = open_page(running, "/jobs")
    wrong: dict[str, list[str]] = {}
    for name in PLACES:
        if name == "nothing":  # answers 404, which a browser complains about
            continue
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(url(name, job))
        for width, height, mode in LOOKS:
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=mode, reduced_motion="reduce")  # type: ignore[arg-type]
            found = axe_findings(page)
            if page.evaluate(SIDEWAYS):
                found.append("scrolls sideways")
            if found:
                wrong[f"{name} {width} {mode}"] = found
    assert wrong == {}


def test_a_new_job_appears_by_itself_and_waits_while_somebody_reads(
    server: Callable[..., ServerProcess], open_page: Callable[..., Page]
) -> None:
    running = server(plugins=["zoo", "tiny_trainer"]).start()
    with running.client() as client:
        client.post("/api/cloud/jobs/submit", json={**NEVER, "name": "first"})
        page = open_page(running, "/jobs")
        expect(page.locator("[data-live-state]")).to_have_text("Live")
        client.post("/api/cloud/jobs/submit", json={**NEVER, "name": "second"})
        expect(page.locator("#rows tr")).to_have_count(2)
        expect(page.locator("#job-2")).to_have_class("fresh")
        page.locator("#job-1").hover()
        client.post("/api/cloud/jobs/submit", json={**NEVER, "name": "third"})
        expect(page.get_by_role("button", name="1 new job")).to_be_visible()
        expect(page.locator("#rows tr")).to_have_count(2)
        page.get_by_role("button", name="1 new job").click()
        expect(page.locator("#rows tr").first).to_contain_text("third")


def test_a_lost_connection_is_said_and_what_happened_meanwhile_is_caught_up(
    server: Callable[..., ServerProcess], open_page: Callable[..., Page]
) -> None:
    running = server(plugins=["zoo", "tiny_trainer"]).start()
    page = open_page(running, "/jobs", may_complain=True)
    expect(page.locator("[data-live-state]")).to_have_text("Live")
    running.kill()
    expect(page.locator("[data-live-state]")).to_have_text("Reconnecting")
    expect(page.locator("#toasts")).to_contain_text("Connection lost")
    running.start()
    with running.client() as client:
        client.post("/api/cloud/jobs/submit", json={**NEVER, "name": "meanwhile"})
    expect(page.locator("[data-live-state]")).to_have_text("Live")
    expect(page.locator("#toasts")).not_to_contain_text("Connection lost")
    expect(page.locator("main")).to_contain_text("meanwhile")


def test_without_a_free_stream_the_page_asks_every_few_seconds(
    server: Callable[..., ServerProcess], open_page: Callable[..., Page]
) -> None:
    running = server(plugins=["zoo", "tiny_trainer"], server__stream_limit=1).start()
    first = open_page(running, "/jobs")
    expect(first.locator("[data-live-state]")).to_have_text("Live")
    page = open_page(running, "/jobs", may_complain=True)
    expect(page.locator("[data-live-state]")).to_contain_text("Checking")
    with running.client() as client:
        client.post("/api/cloud/jobs/submit", json={**NEVER, "name": "seen-anyway"})
    expect(page.locator("main")).to_contain_text("seen-anyway")


def test_the_palette_finds_jobs_configs_pages_and_actions(
    server: Callable[..., ServerProcess], open_page: Callable[..., Page]
) -> None:
    running = server(plugins=["zoo", "tiny_trainer"]).start()
    with running.client() as client:
        client.post("/api/cloud/jobs/submit", json={**NEVER, "name": "portrait-lora"})
    page = open_page(running, "/configs")
    page.keyboard.press("Control+k")
    options = page.get_by_role("option")
    page.keyboard.type("portrait")
    expect(options.first).to_contain_text("portrait-lora")
    page.keyboard.press("Control+a")
    page.keyboard.type("digits")
    expect(options.filter(has_text="digits").first).to_be_visible()
    page.keyboard.press("Control+a")
    page.keyboard.type("submit")
    expect(options.first).to_contain_text("Submit a job")
    page.keyboard.press("Enter")
    page.wait_for_url("**/jobs/new")
    page.keyboard.press("Control+k")
    page.keyboard.type("nothing like this")
    expect(page.locator(".palette-none")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()


def test_pages_read_without_scripts(
    server: Callable[..., ServerProcess], open_page: Callable[..., Page]
) -> None:
    running = server().start()
    with running.client() as client:
        job = run_sample(client)
    page = open_page(running, f"/jobs/{job}", java_script_enabled=False)
    expect(page.locator("h1")).to_have_text("digits")
    expect(page.locator(".log")).to_contain_text("finished")
    expect(page.locator(".pygal-chart")).to_have_count(2)
    assert page.locator("#job-samples img").count() >= 2
    assert page.locator("main button:visible:not(.dropdown *)").count() >= 0
    page.goto("/jobs?status=completed")
    expect(page.locator("#rows tr")).to_have_count(1)
    page.goto("/configs/digits?view=json")
    expect(page.locator("#json")).to_contain_text('"steps": 1000')


def test_form_and_json_are_two_views_of_one_draft(
    server: Callable[..., ServerProcess], open_page: Callable[..., Page]
) -> None:
    running = server().start()
    page = open_page(running, "/configs/digits")
    page.locator("#f-steps").fill("77")
    page.get_by_role("link", name="JSON").click()
    draft = page.locator("#json")
    assert '"steps": 77' in draft.input_value()
    draft.fill(draft.input_value().replace('"seed": 0', '"seed": 5'))
    page.get_by_role("link", name="Form").click()
    expect(page.locator("#f-seed")).to_have_value("5")
    expect(page.locator("[data-changes]")).to_contain_text('"steps": 77')
    expect(page.locator("[data-dirty-words]")).to_have_text("2 unsaved changes.")
    page.get_by_role("button", name="Put back Length to 1000").click()
    expect(page.locator("[data-dirty-words]")).to_have_text("1 unsaved change.")
    page.get_by_role("button", name="Save as revision 2").click()
    expect(page.get_by_text("Saved as revision 2.")).to_be_visible()
    page.goto("/configs/digits/revisions/2")
    expect(page.locator(".diff").first).to_contain_text('"seed": 5')
    page.goto("/configs/digits/revisions/1")
    page.get_by_role("button", name="Restore revision 1").click()
    expect(page.get_by_text("Revision 1 was saved as revision 3.")).to_be_visible()


def test_limits_settings_and_priorities_change_through_the_api(
    server: Callable[..., ServerProcess], open_page: Callable[..., Page]
) -> None:
    running = server(plugins=["zoo", "tiny_trainer"]).start()
    with running.client() as client:
        client.post("/api/queue/pause")
        client.post("/api/cloud/jobs/submit", json={**NEVER, "name": "waiting"})
        page = open_page(running, "/queue", may_complain=True)
        expect(page.locator("#queue-waiting")).to_contain_text("The queue is paused.")
        page.get_by_label("At the same time, everyone").fill("900")
        page.get_by_role("button", name="Save limits").click()
        expect(page.locator("#l-max_concurrent-e")).to_contain_text("100")
        page.get_by_label("At the same time, everyone").fill("7")
        page.get_by_role("button", name="Save limits").click()
        expect(page.get_by_text("Limits saved.")).to_be_visible()
        assert client.get("/api/queue/concurrency").json()["max_concurrent"] == 7
        page.get_by_role("button", name="Priority 30 of job 1, change").click()
        page.get_by_label("New priority").fill("45")
        page.keyboard.press("Enter")
        expect(page.locator("#queue-waiting")).to_contain_text("by hand")
        page.get_by_role("button", name="Let the queue go on").click()
        expect(page.locator("#queue-active")).to_contain_text("waiting")
        page.goto("/admin/settings")
        page.get_by_label("jobs.max_attempts").fill("5")
        page.keyboard.press("Control+s")
        expect(page.get_by_text("Saved. It holds from the next request on.")).to_be_visible()
        found = client.get("/api/settings").json()["settings"]
        assert next(one for one in found if one["key"] == "jobs.max_attempts")["value"] == 5


def test_a_config_goes_out_as_a_zip_and_comes_back(
    server: Callable[..., ServerProcess], open_page: Callable[..., Page], tmp_path: Path
) -> None:
    running = server().start()
    page = open_page(running, "/configs/digits", accept_downloads=True)
    page.get_by_role("button", name="More actions").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Export as zip").click()
    path = tmp_path / "digits.zip"
    download.value.save_as(path)
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Delete config…").click()
    page.get_by_role("button", name="Delete config", exact=True).click()
    page.wait_for_url("**/configs")
    page.get_by_role("button", name="Import").click()
    page.get_by_label("File").set_input_files(path)
    page.locator("#import").get_by_role("button", name="Import").click()
    expect(page.get_by_text("Imported digits.")).to_be_visible()
    expect(page.get_by_role("link", name="digits", exact=True)).to_be_visible()
