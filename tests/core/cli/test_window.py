"""`simpletuner server --webui` shows the page where a person sees it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

WINDOW = """
class WebViewException(Exception): pass
def create_window(title, url, **size): {create}
def start(): pass
"""


@pytest.fixture
def browser(tmp_path: Path) -> Path:
    """A browser that only writes down what it was asked to open."""
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\necho "browser $1" >> {tmp_path}/opened\n')
    script.chmod(0o755)
    return script


def opened(tmp_path: Path, browser: Path, start: Sequence[str], **env: str) -> str:
    """Run `start` on a machine with a screen, and return what it opened."""
    note = tmp_path / "opened"
    given = {**os.environ, "DISPLAY": ":99", "BROWSER": f"{browser} %s", **env}
    process = subprocess.Popen([sys.executable, *start], env=given, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until and not (note.exists() and note.read_text()):
            time.sleep(0.05)
        return note.read_text().strip()
    finally:
        process.terminate()
        process.wait()


SHOW = ("-c", "from st_core.cli.window import show; show('http://127.0.0.1:8080')")


def stand_in(tmp_path: Path, create: str) -> str:
    """Put a `webview` on the path whose toolkit makes a window as `create` says."""
    folder = tmp_path / "library"
    folder.mkdir()
    (folder / "webview.py").write_text(WINDOW.format(create=create))
    return str(folder)


def test_without_the_extra_the_default_browser_opens_the_page(
    tmp_path: Path, browser: Path
) -> None:
    state = {"SIMPLETUNER_STATE_DIR": str(tmp_path / "state")}
    server = ("-m", "st_core.cli", "server", "--port", "0", "--webui")
    assert opened(tmp_path, browser, server, **state).startswith("browser http://127.0.0.1:")


def test_with_the_extra_the_page_has_a_window_of_its_own(tmp_path: Path, browser: Path) -> None:
    note = str(tmp_path / "opened")
    library = stand_in(tmp_path, f"open({note!r}, 'w').write('window ' + title + ' ' + url)")
    assert opened(tmp_path, browser, SHOW, PYTHONPATH=library) == (
        "window SimpleTuner http://127.0.0.1:8080"
    )


def test_a_window_that_cannot_open_falls_back_to_the_browser(tmp_path: Path, browser: Path) -> None:
    library = stand_in(tmp_path, "raise WebViewException('no toolkit')")
    assert opened(tmp_path, browser, SHOW, PYTHONPATH=library) == ("browser http://127.0.0.1:8080")


def test_without_a_screen_nothing_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    from st_core.cli import window

    if sys.platform != "linux":
        pytest.fail("this test describes Linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert window.has_screen() is False
