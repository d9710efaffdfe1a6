"""Every page in a real browser, and what pages do while they are open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from st_core.testing.server import ServerProcess
from tests.exam import Exam
from tests.testbed.chromium import axe_findings

from .conftest import Trained
from .places import ABOUT_PEOPLE, PLACES, url

pytestmark = pytest.mark.slow
LOOKS = [(1440, 900, "light"), (390, 844, "dark"), (1440, 900, "dark"), (390, 844, "light")]
SIDEWAYS = "document.documentElement.scrollWidth > innerWidth"
NEVER = {"provider": "never", "trainer": "fake_trainer", "config": {"steps": 3}}


def test_axe_finds_nothing_serious_on_any_page_in_any_look(
    trained: Trained, open_page: Callable[..., Page], exam: Exam
) -> None:
    looks = LOOKS[: exam.count("looks of each page", 1, 4)]
    page = open_page(trained.server, "/jobs")
    wrong: dict[str, list[str]] = {}
    for name in PLACES:
        if name == "nothing":  # answers 404, which a browser complains about
            continue
        if name in ABOUT_PEOPLE:  # judged in test_people_journey, where there are people
            continue
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(url(name, trained.job))
        for width, height, mode in looks:
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=mode, reduced_motion="reduce")  # type: ignore[arg-type]
            found = axe_findings(page)
            if page.evaluate(SIDEWAYS):
                found.append("scrolls sideways")
            if found:
                wrong[f"{name} {width} {mode}"] = found
    assert wrong == {}


def test_pages_read_without_scripts(trained: Trained, open_page: Callable[..., Page]) -> None:
    page = open_page(trained.server, f"/jobs/{trained.job}", java_script_enabled=False)
    expect(page.locator("h1")).to_have_text("digits")
    expect(page.locator(".log")).to_contain_text("finished")
    expect(page.locator(".pygal-chart")).to_have_count(2)
    assert page.locator("#job-samples img").count() >= 2
    page.goto("/jobs?status=completed")
    expect(page.locator("#rows tr")).to_have_count(1)
    page.goto("/configs/digits?view=json")
    assert '"steps": 1000' in page.locator("#json").input_value()


def test_form_and_json_are_two_views_of_one_draft(
    trained: Trained, open_page: Callable[..., Page]
) -> None:
    page = open_page(trained.server, "/configs/digits")
    page.locator("#f-steps").fill("77")
    page.get_by_role("link", name="JSON", exact=True).click()
    draft = page.locator("#json")
    assert '"steps": 77' in draft.input_value()
    draft.fill(draft.input_value().replace('"seed": 0', '"seed": 5'))
    page.get_by_role("link", name="Form", exact=True).click()
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


def test_a_config_goes_out_as_a_zip_and_comes_back(
    trained: Trained, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    with trained.server.client() as client:
        body = {"name": "traveller", "trainer": "tiny_trainer", "data": {"steps": 5}}
        assert client.post("/api/configs", json=body).status_code == 201
    page = open_page(trained.server, "/configs/traveller", accept_downloads=True)
    page.get_by_role("button", name="More actions").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Export as zip").click()
    path = tmp_path / "traveller.zip"
    download.value.save_as(path)
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Delete config…").click()
    page.get_by_role("button", name="Delete config", exact=True).click()
    page.wait_for_url("**/configs")
    page.get_by_role("button", name="Import").click()
    page.get_by_label("File").set_input_files(path)
    page.locator("#import").get_by_role("button", name="Import").click()
    expect(page.get_by_text("Imported traveller.")).to_be_visible()
    expect(page.get_by_role("link", name="traveller", exact=True)).to_be_visible()


def test_a_list_lives_and_outlives_a_lost_connection(
    server: Callable[..., ServerProcess], open_page: Callable[..., Page]
) -> None:
    running = server(plugins=["zoo", "tiny_trainer"]).start()
    page = open_page(running, "/jobs", may_complain=True)
    expect(page.locator("[data-live-state]")).to_have_text("Live")
    with running.client() as client:
        client.post("/api/cloud/jobs/submit", json={**NEVER, "name": "first"})
        expect(page.locator("#rows tr")).to_have_count(1)
        client.post("/api/cloud/jobs/submit", json={**NEVER, "name": "second"})
        expect(page.locator("#job-2")).to_have_class("fresh")
        page.locator("#job-1").hover()
        client.post("/api/cloud/jobs/submit", json={**NEVER, "name": "third"})
        expect(page.get_by_role("button", name="1 new job")).to_be_visible()
        expect(page.locator("#rows tr")).to_have_count(2)
        page.get_by_role("button", name="1 new job").click()
        expect(page.locator("#rows tr").first).to_contain_text("third")
    page.mouse.move(0, 0)
    running.kill()
    expect(page.locator("[data-live-state]")).to_have_text("Reconnecting")
    expect(page.locator("#toasts")).to_contain_text("Connection lost")
    running.start()
    with running.client() as client:
        client.post("/api/cloud/jobs/submit", json={**NEVER, "name": "meanwhile"})
    expect(page.locator("[data-live-state]")).to_have_text("Live")
    expect(page.locator("#toasts")).not_to_contain_text("Connection lost")
    expect(page.locator("#rows")).to_contain_text("meanwhile")


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
    trained: Trained, open_page: Callable[..., Page]
) -> None:
    page = open_page(trained.server, "/configs")
    options = page.locator("#palette").get_by_role("option")
    page.keyboard.press("Control+k")
    page.keyboard.type("digits")
    expect(options.filter(has_text=f"job {trained.job}")).to_be_visible()
    expect(options.filter(has_text="revision")).to_be_visible()
    page.keyboard.press("Control+a")
    page.keyboard.type("queue")
    expect(options.first).to_contain_text("Job Queue")
    page.keyboard.press("Control+a")
    page.keyboard.type("nothing like this")
    expect(page.locator(".palette-none")).to_be_visible()
    page.keyboard.press("Control+a")
    page.keyboard.type("submit")
    expect(options.first).to_contain_text("Submit a job")
    page.keyboard.press("Enter")
    page.wait_for_url("**/jobs/new")


def test_limits_priorities_and_settings_change_through_the_api(
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
