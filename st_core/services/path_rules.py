"""Where paths in a config may lead: into the job's own workspace, and below the folders an admin
allows.

A text is a *path that leads out* when it is absolute, begins with `~`, or climbs with `..`;
anything else stays below the trainer's working folder, which is the workspace.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from flask import current_app

_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def leads_out(text: str) -> bool:
    """Tell whether `text`, taken as a path, could lead out of the workspace."""
    text = text.strip().removeprefix("file://")
    parts = re.split(r"[\\/]", text)
    return text.startswith(("/", "~", "\\")) or ".." in parts or bool(_DRIVE.match(text))


def refusal(text: str, roots: Sequence[Path], setting: str) -> str | None:
    """Return why the path `text` may not be used, None when it may.

    Links are followed first, and the server's own state folder is never allowed. `setting` names
    where an admin allows more.
    """
    if not leads_out(text):
        return None
    place = Path(os.path.realpath(os.path.expanduser(text.strip().removeprefix("file://"))))
    state = Path(os.path.realpath(current_app.extensions["st"].state_dir))
    if place.is_relative_to(state):
        return f"{text} lies in the server's own folder"
    if any(place.is_relative_to(os.path.realpath(root.expanduser())) for root in roots):
        return None
    allowed = ", ".join(map(str, roots)) or "none but the job's own folder"
    return f"{text} is outside the allowed folders ({allowed}); an admin can add one to {setting}"


def paths_in(value: Any, prose: Collection[str] = (), at: str = "") -> Iterator[tuple[str, str]]:
    """Yield (dotted key, text) of every text in `value` that leads out.

    Keys in `prose` hold words for a model or for people and are passed over.
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key not in prose:
                yield from paths_in(item, prose, f"{at}.{key}".lstrip("."))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from paths_in(item, prose, f"{at}.{number}".lstrip("."))
    elif isinstance(value, str) and leads_out(value):
        yield at, value
