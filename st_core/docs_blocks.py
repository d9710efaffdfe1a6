"""Generated blocks in the documentation: put there by `flask st docs`, compared by a test and
`flask st check`.

A *block* stands between `<!-- generated: name -->` and `<!-- end generated -->` in a README. Names:
`hooks`, `settings`, `settings core`, `settings <plugin>`, `commands`, `exit codes`.
"""

from __future__ import annotations

import re
from pathlib import Path

from flask import Flask

from .cli.outcome import exit_code_markdown
from .cli.reference import commands_markdown
from .errors import ConfigError
from .reference import hooks_markdown, settings_markdown

_BLOCK = re.compile(
    r"(?P<open><!-- generated: (?P<name>[a-z_ ]+) -->\n)"
    r"(?P<body>.*?)(?P<close><!-- end generated -->)",
    re.DOTALL,
)


def documents() -> list[Path]:
    """Return the files of this checkout that may hold blocks; empty in an installed wheel."""
    root = Path(__file__).resolve().parent.parent
    if not (root / "pyproject.toml").is_file():
        return []
    pages = [root / "README.md", root / "st_core" / "REFERENCE.md"]
    return [*pages, *sorted((root / "plugins").glob("**/README.md"))]


def content(app: Flask, name: str) -> str:
    """Return what the block `name` must hold. Raises ConfigError for an unknown one."""
    settings = app.extensions["st"].settings
    fixed = {
        "hooks": hooks_markdown,
        "commands": commands_markdown,
        "exit codes": exit_code_markdown,
        "settings": lambda: settings_markdown(settings),
    }
    if name in fixed:
        return fixed[name]()
    kind, _, owner = name.partition(" ")
    if kind == "settings" and owner in set(settings.owners.values()):
        return settings_markdown(settings, owner)
    raise ConfigError(f"no generated block is named {name!r}; there are: {', '.join(fixed)}")


def renewed(app: Flask, text: str) -> str:
    """Return a document's `text` with every block as it must be."""

    def fill(match: re.Match[str]) -> str:
        return f"{match['open']}{content(app, match['name'])}\n{match['close']}"

    return _BLOCK.sub(fill, text)


def stale(app: Flask) -> list[Path]:
    """Return the documents whose blocks differ from what the code says."""
    pages = [(path, path.read_text(encoding="utf-8")) for path in documents()]
    return [path for path, text in pages if renewed(app, text) != text]


def renew(app: Flask) -> list[Path]:
    """Write the blocks of every document; return the files that changed."""
    changed = stale(app)
    for path in changed:
        path.write_text(renewed(app, path.read_text(encoding="utf-8")), encoding="utf-8")
    return changed
