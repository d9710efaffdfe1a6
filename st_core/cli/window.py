"""The page on this machine's screen: in a window of its own with the extra `desktop`, else in the
browser.

`python -m st_core.cli.window URL` is that window; closing it leaves the server running.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import webbrowser


def show(url: str) -> None:
    """Open `url` where a person sees it; without a screen nothing is opened."""
    if not has_screen():
        return
    if importlib.util.find_spec("webview") is None:
        webbrowser.open(url)
    else:
        subprocess.Popen([sys.executable, "-m", "st_core.cli.window", url], start_new_session=True)


def has_screen() -> bool:
    """Tell whether a window could show anything; without one a text browser would take the
    terminal.
    """
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def main(url: str) -> None:
    """Show `url` in a window until it is closed; in the browser when no window can be opened."""
    import webview  # the extra `desktop`

    try:
        webview.create_window("SimpleTuner", url, width=1440, height=900)
        webview.start()
    except webview.WebViewException:
        webbrowser.open(url)


if __name__ == "__main__":
    main(sys.argv[1])
