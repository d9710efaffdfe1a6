"""Where migrations stand, told without Alembic: the head that files lead to, and what the version
tables of a database say.

Importing Alembic and letting it read every migration is a good part of a server's start, on which
nothing is to be migrated nearly always. What is not plain to see here is `Unclear`: ask Alembic.
"""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import (
    Connection,
    String,
    column,
    inspect,
    literal,
    select,
    table,
    union_all,
)

from .errors import ConfigError

VERSION_TABLE = "alembic_version"
#: `revision = "core_0002"` and `down_revision = "core_0001"`, as Alembic's template writes them.
_NAMED = re.compile(
    r"""^(?P<key>revision|down_revision)(?::[^=\n]+)? = (?:None|"(?P<name>\w+)")$""", re.MULTILINE
)


class Unclear(Exception):
    """The files of a folder do not plainly follow one another."""


def head(folder: Path) -> str | None:
    """Return the newest revision of `folder`, None when it holds none. Raises Unclear."""
    follows = dict(_read(path) for path in folder.glob("*.py") if path.name != "__init__.py")
    newest = set(follows) - set(follows.values())
    if not follows:
        return None
    if len(newest) != 1 or _length(follows, *newest) != len(follows):
        raise Unclear
    return newest.pop()


def _read(path: Path) -> tuple[str, str | None]:
    """Return a file's revision and the one before it."""
    found = [(match["key"], match["name"]) for match in _NAMED.finditer(path.read_text("utf-8"))]
    said = dict(found)
    revision = said.get("revision")
    if len(found) != 2 or len(said) != 2 or revision is None:
        raise Unclear
    return revision, said["down_revision"]


def _length(follows: dict[str, str | None], newest: str) -> int:
    """Count the revisions from `newest` down to the first, as far as they are known."""
    length = 0
    here: str | None = newest
    while here in follows:
        length, here = length + 1, follows[here]
    return length if here is None else 0


def current(connection: Connection) -> dict[str, str]:
    """Return the revision that each version table of a database names. Raises ConfigError when one
    names several."""
    tables = [name for name in inspect(connection).get_table_names() if _is_version_table(name)]
    if not tables:
        return {}
    stands = [
        select(literal(name).label("name"), column("version_num", String)).select_from(table(name))
        for name in tables
    ]
    rows = [(row[0], row[1]) for row in connection.execute(union_all(*stands))]
    here = dict(rows)
    if len(here) != len(rows):
        raise ConfigError(
            f"the database stands at several revisions at once: {', '.join(r for _, r in rows)}. "
            f"Keep one row in each table {VERSION_TABLE}…, the newest that ran."
        )
    return here


def _is_version_table(name: str) -> bool:
    return name == VERSION_TABLE or name.startswith(f"{VERSION_TABLE}_")
