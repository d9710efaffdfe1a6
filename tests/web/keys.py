"""Hands that only know a keyboard: they reach everything by Tab, and never touch the mouse."""

from __future__ import annotations

import re

from playwright.sync_api import Page

MOST_TABS = 150
FOCUSED = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return "";
  const label = e.labels?.[0]?.firstChild?.textContent || "";
  const words = e.getAttribute("aria-label") || e.textContent || "";
  return [words, label, e.id, e.getAttribute("name") || ""]
    .map(word => word.trim().replace(/\\s+/g, " ")).join(" | ");
}"""


def focused(page: Page) -> str:
    """Return what has the focus: its words, its label, its id, its name."""
    found: str = page.evaluate(FOCUSED)
    return found


def tab_to(page: Page, wanted: str) -> None:
    """Press Tab until what has the focus matches the pattern `wanted`.

    Raises AssertionError when a whole round of the page has nothing like it, or when the focus is
    somewhere it cannot be seen.
    """
    seen = []
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        seen.append(focused(page))
        if re.search(wanted, seen[-1]):
            visible = page.evaluate(
                "() => document.activeElement.checkVisibility({visibilityProperty: true})"
            )
            assert visible, f"{seen[-1]!r} has the focus but cannot be seen"
            return
    raise AssertionError(f"Tab never reaches {wanted!r}; it goes through {seen}")


def go(page: Page, wanted: str, key: str = "Enter") -> None:
    """Reach something by Tab and press it."""
    tab_to(page, wanted)
    page.keyboard.press(key)


def fill(page: Page, wanted: str, text: str) -> None:
    """Reach a field by Tab and write `text` in the place of what it holds."""
    tab_to(page, wanted)
    page.keyboard.press("Control+a")
    page.keyboard.type(text)
