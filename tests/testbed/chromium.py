"""A real Chromium, driven by Playwright, and axe-core's judgement of a page.

Words: a *complaint* is what a browser says aloud: a console error, an uncaught exception, a
failed request.
"""

from __future__ import annotations

import gc
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from .service import Missing

_FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--host-resolver-rules=MAP *.test 127.0.0.1",
    "--no-first-run",
]
_RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
_JUDGE = """async rules => (await axe.run(document, {runOnly: rules})).violations.map(
  found => ({id: found.id, impact: found.impact, nodes: found.nodes.map(n => n.target.join(" "))}))
"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the machine's Chromium, or Playwright's own where the machine has none.

    Raises Missing when neither exists.
    """
    found = shutil.which("chromium")
    with sync_playwright() as playwright:
        path = found or playwright.chromium.executable_path
        if not Path(path).exists():
            raise Missing("No Chromium: `apt-get install chromium`, or `make services`.")
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        browser.close()
    # Playwright's remains switch greenlets when they are collected. In the middle of `ast.parse`,
    # which pytest calls for late imports, that is fatal on Python before 3.11.5 (gh-106905).
    del browser, playwright
    gc.collect()


@dataclass
class Complaints:
    """Everything the browser complained about on one page, in order."""

    texts: list[str] = field(default_factory=list)

    def follow(self, page: Page) -> Page:
        """Listen to `page` from now on."""
        page.on("console", lambda m: m.type == "error" and self.texts.append(f"console: {m.text}"))
        page.on("pageerror", lambda error: self.texts.append(f"exception: {error}"))
        page.on("requestfailed", self._failed)
        return page

    def _failed(self, request: Any) -> None:
        # leaving a page aborts its event stream, a download aborts its navigation: both are well
        if request.failure != "net::ERR_ABORTED":
            self.texts.append(f"failed: {request.url} {request.failure}")


def axe_findings(page: Page, impacts: tuple[str, ...] = ("serious", "critical")) -> list[str]:
    """Return what axe-core finds on `page` with one of `impacts`: "rule: place, place".

    The driver evaluates it, so it also works under a policy that forbids foreign scripts.
    """
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    found = page.evaluate(_JUDGE, _RULES)
    return [
        f"{each['id']}: {', '.join(each['nodes'])}" for each in found if each["impact"] in impacts
    ]
