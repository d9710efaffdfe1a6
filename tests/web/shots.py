"""Pictures of every page, wide and narrow, light and dark, to be looked at by a person.

`python -m tests.web.shots [--url URL] [--only job,queue] [--job 1] [--quick]` writes them to
`tests/_shots/`. Without `--url` it starts a server of its own and lets it run the sample job
first.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from playwright.sync_api import Browser

from st_core.testing.server import ServerProcess
from tests.testbed.chromium import Complaints, axe_findings, chromium

from . import finished
from .places import PLACES, url

FOLDER = Path(__file__).parents[1] / "_shots"
WIDTHS = {1440: "", 390: "-390"}
QUICK = [("light", 1440), ("dark", 390)]
FAMILIES = {
    "system-ui": "Inter",
    "sans-serif": "Inter",
    "ui-monospace": "JetBrains Mono",
    "monospace": "JetBrains Mono",
}


def take(
    browser: Browser, base_url: str, names: Sequence[str], job: str, *, quick: bool = False
) -> Iterator[str]:
    """Take the pictures; yield what is wrong: complaints, axe, sideways scrolling."""
    FOLDER.mkdir(exist_ok=True)
    looks = [(mode, width) for mode in ("light", "dark") for width in WIDTHS]
    for name in names:
        for mode, width in QUICK if quick else looks:
            label = f"{name}-{mode}{WIDTHS[width]}"
            for problem in _shot(browser, base_url + url(name, job), label, mode, width):
                yield f"{label}: {problem}"


def _shot(browser: Browser, address: str, label: str, mode: str, width: int) -> list[str]:
    context = browser.new_context(
        viewport={"width": width, "height": 900 if width > 390 else 844},
        color_scheme=mode,  # type: ignore[arg-type]
        reduced_motion="reduce",
    )
    page, complaints = context.new_page(), Complaints()
    complaints.follow(page)
    page.goto(address)
    page.locator("body").wait_for()
    page.wait_for_timeout(400)
    page.screenshot(path=FOLDER / f"{label}.png", full_page=True)
    problems = [one for one in complaints.texts if "404" not in one or "nothing" not in label]
    problems += axe_findings(page)
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        problems.append(f"scrolls sideways: {page.evaluate(WIDE)}")
    context.close()
    return problems


WIDE = """[...document.querySelectorAll('main *')].filter(e =>
  e.getBoundingClientRect().right > innerWidth + 1
  && !e.closest('.table-wrap, .log, .diff, .tabs, pre, .command'))
  .slice(0, 4).map(e => e.tagName + '.' + (e.getAttribute('class') || ''))"""


@contextlib.contextmanager
def desktop_fonts() -> Iterator[None]:
    """Let `system-ui` and `ui-monospace` mean good fonts, as on a desktop.

    They are those of Debian's fonts-inter and fonts-jetbrains-mono.
    """
    alias = "".join(
        f'<match target="pattern"><test name="family"><string>{generic}</string></test>'
        f'<edit name="family" mode="assign" binding="strong"><string>{family}</string></edit>'
        "</match>"
        for generic, family in FAMILIES.items()
    )
    with tempfile.TemporaryDirectory() as folder:
        conf = Path(folder) / "fonts.conf"
        conf.write_text(
            '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
            f"<include>/etc/fonts/fonts.conf</include>{alias}</fontconfig>"
        )
        os.environ["FONTCONFIG_FILE"] = str(conf)
        yield
        del os.environ["FONTCONFIG_FILE"]


def main() -> int:
    """Take the pictures that the command line asks for; 1 when a page has a problem."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--url", default="")
    arguments.add_argument("--only", default="")
    arguments.add_argument("--job", default="1")
    arguments.add_argument("--quick", action="store_true", help="two looks of the four")
    asked = arguments.parse_args()
    names = [name for name in PLACES if not asked.only or name in asked.only.split(",")]
    with contextlib.ExitStack() as stack:
        base_url = asked.url
        if not base_url:
            state = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            server = ServerProcess(state).start()
            stack.callback(server.clean)
            finished.run_sample(server.client())
            base_url = server.base_url
        stack.enter_context(desktop_fonts())
        browser = stack.enter_context(chromium())
        problems = list(take(browser, base_url, names, asked.job, quick=asked.quick))
    print(f"{len(names)} pages in {FOLDER}, {len(problems)} problems", *problems, sep="\n  ")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
