"""A page, read as a browser would: its elements, links, and what a strict policy would refuse."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


@dataclass
class Element:
    """One start tag."""

    tag: str
    attributes: dict[str, str]


@dataclass
class Document(HTMLParser):
    """A parsed page; `unclosed` names elements whose end tag is missing or in the wrong place."""

    text: str
    elements: list[Element] = field(default_factory=list)
    inline_scripts: list[str] = field(default_factory=list)
    unclosed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[str] = []
        self.feed(self.text)
        self.close()
        self.unclosed += self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element, and that it is open."""
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that closes itself, as in SVG."""
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """Close an element; whatever is still open inside of it was forgotten."""
        if tag not in self._open:
            self.unclosed.append(f"/{tag}")
            return
        while (inner := self._open.pop()) != tag:
            self.unclosed.append(inner)

    def handle_data(self, data: str) -> None:
        """Keep what stands inside a script element."""
        if self._open and self._open[-1] == "script" and data.strip():
            self.inline_scripts.append(data)

    def all(self, tag: str, **attributes: Any) -> list[Element]:
        """Return the elements with this tag and these attributes."""
        return [
            one
            for one in self.elements
            if one.tag == tag and all(one.attributes.get(k) == v for k, v in attributes.items())
        ]

    @property
    def links(self) -> set[str]:
        """Return where the page's links lead, on this server."""
        found = {one.attributes.get("href", "") for one in self.all("a")}
        found |= {one.attributes.get("src", "") for one in self.elements}
        found |= {one.attributes.get("href", "") for one in self.all("link")}
        return {link.split("#")[0] for link in found if link.startswith("/")}

    @property
    def refused_by_policy(self) -> list[str]:
        """Return what a policy without inline styles, scripts and foreign hosts refuses."""
        found = [f"script: {text[:40]}" for text in self.inline_scripts]
        for one in self.elements:
            found += [
                f"{one.tag} {name}"
                for name, value in one.attributes.items()
                if name == "style"
                or name.startswith("on")
                or (name in ("src", "href") and value.startswith(("http:", "https:", "//")))
            ]
            found += [one.tag] if one.tag == "style" else []
        return found

    @property
    def doubled_ids(self) -> list[str]:
        """Return the ids that more than one element has."""
        ids = [one.attributes["id"] for one in self.elements if "id" in one.attributes]
        return sorted({one for one in ids if ids.count(one) > 1})
