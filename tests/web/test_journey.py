"""The whole journey by keyboard, in a real browser, against a real server that really trains."""

from __future__ import annotations

import os
import signal
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from st_core.testing.server import ServerProcess
from tests.journeys.training import Training
from tests.testbed.chromium import Complaints

from .keys import fill, go, tab_to

pytestmark = pytest.mark.slow
PATIENCE_MS = 120_000
#: What the form is told: long enough to be held on the way, short enough to end soon after.
FIELDS = {
    "f-steps": "400",
    "f-batch_size": "64",
    "f-width": "64",
    "f-blocks": "1",
    "f-sample_every": "50",
    "f-final_samples": "10",
    "f-checkpoint_every": "50",
}


def test_from_a_config_to_its_checkpoint_without_a_mouse(
    server: Callable[..., ServerProcess], browser: Browser
) -> None:
    running = server().start()
    context = browser.new_context(
        base_url=running.base_url, accept_downloads=True, reduced_motion="reduce"
    )
    page, complaints = context.new_page(), Complaints()
    complaints.follow(page)
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page.goto("/")
    make_a_config(page)
    with held_at(60, Training(running, "1")):
        submit_it(page)
        watch_and_cancel(page)
    expect_cancelled(page)
    resume_and_finish(page)
    look_at_a_sample(page)
    download_the_checkpoint(page)
    # the config that was refused on purpose is the one thing a browser complains about
    assert [text for text in complaints.texts if "status of 400" not in text] == []
    context.close()


@contextmanager
def held_at(step: int, training: Training) -> Iterator[None]:
    """Let the trainer stand still from `step` on, so that however slowly somebody goes by Tab, they
    come before its end.
    """

    def hold() -> None:
        training.is_at(step)
        os.kill(training.trainer(), signal.SIGSTOP)

    with ThreadPoolExecutor(1) as beside:
        holding = beside.submit(hold)
        yield
        holding.result()
    os.kill(training.trainer(), signal.SIGCONT)


def make_a_config(page: Page) -> None:
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.wait_for_url("**/configs")
    go(page, r"^Make a config")
    page.wait_for_url("**/configs/new**")
    fill(page, r"\| name \| name$", "my-digits")
    for name, value in FIELDS.items():
        fill(page, rf"\| {name} \|", value)
    expect(page.locator("[data-gates]")).to_contain_text("queued")
    fill(page, r"\| f-guidance \|", "200")
    expect(page.locator("#f-guidance-e")).to_contain_text("20")
    page.keyboard.press("Control+s")
    expect(page.get_by_role("alert")).to_contain_text("Not saved: 1 problem")
    go(page, r"^Guidance \|")
    page.keyboard.press("Control+a")
    page.keyboard.type("2")
    page.keyboard.press("Control+s")
    page.wait_for_url("**/configs/my-digits")
    expect(page.get_by_role("heading", level=1)).to_have_text("my-digits")


def submit_it(page: Page) -> None:
    page.keyboard.press("c")
    page.wait_for_url("**/jobs/new")
    tab_to(page, r"\| source \| source$")
    page.keyboard.type("my-")
    expect(page.locator("#source")).to_have_value("config:my-digits")
    expect(page.locator("[data-gates]")).to_contain_text("Starts when it is its turn")
    page.keyboard.press("Control+s")
    page.wait_for_url("**/jobs/1")


def watch_and_cancel(page: Page) -> None:
    page.evaluate("window.untouched = true")
    expect(page.locator("#job-head .pill")).to_have_text("Running")
    expect(page.locator("[data-live-state]")).to_have_text("Live")
    expect(page.locator("#job-checkpoints")).to_contain_text("50")
    expect(page.locator("#job-progress")).to_contain_text("of 400")
    expect(page.locator(".log")).to_contain_text("step 50/400")
    go(page, r"^Cancel job")
    expect(page.get_by_role("dialog")).to_contain_text("Cancel job 1, my-digits?")
    assert page.evaluate("document.activeElement.textContent") == "Keep it running"
    go(page, r"^Cancel job")


def expect_cancelled(page: Page) -> None:
    expect(page.locator("#job-head .pill")).to_have_text("Cancelled")
    assert page.evaluate("window.untouched"), "the page was loaded again instead of living on"


def resume_and_finish(page: Page) -> None:
    go(page, r"^Resume from \d+")
    expect(page.locator("#job-head .pill")).to_have_text("Completed")
    expect(page.locator("#job-attempts")).to_contain_text("Attempt 2, completed")
    expect(page.locator("#job-attempts")).to_contain_text("Attempt 1, cancelled")
    assert page.evaluate("window.untouched"), "the page was loaded again instead of living on"


def look_at_a_sample(page: Page) -> None:
    expect(page.locator("#job-samples img")).to_have_count(6)
    go(page, r"^Sample at step 0|step 0 ")
    viewer = page.get_by_role("dialog")
    expect(viewer).to_contain_text("Sample at step 0")
    page.keyboard.press("ArrowRight")
    expect(viewer).to_contain_text("2 of 6")
    assert page.locator("#viewer img").evaluate("img => img.complete && img.naturalWidth") > 0
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()


def download_the_checkpoint(page: Page) -> None:
    tab_to(page, r"^Download checkpoint 400")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    with zipfile.ZipFile(Path(download.value.path())) as archive:
        names = archive.namelist()
    assert any(name.endswith("model.safetensors") for name in names), names
