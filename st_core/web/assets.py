"""Static files of the core and of Bootstrap-Flask's wheel, under one URL that changes when any of
them changes.

`/static/core/<version>/…`: the version is a digest of our files, so browsers keep them for a
year, and modules that import each other by relative paths stay together. Nothing is loaded from
another host.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.metadata import version as version_of
from pathlib import Path

import flask_bootstrap
from flask import Blueprint, Response, send_from_directory, url_for

from ..api.routing import ALWAYS, page

OURS = Path(__file__).parent / "static"
WHEEL = Path(flask_bootstrap.__file__).parent / "static/bootstrap5"
#: The files of the wheel that pages use.
VENDORED = frozenset({"css/bootstrap.min.css", "js/bootstrap.min.js", "umd/popper.min.js"})
YEAR_SECONDS = 31_536_000


@lru_cache(maxsize=1)
def version() -> str:
    """Return the digest that names this set of files."""
    digest = hashlib.sha256(version_of("bootstrap-flask").encode())
    for path in sorted(OURS.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(OURS).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def url(path: str) -> str:
    """Return the URL of a static file; those of the wheel begin with `vendor/`."""
    return url_for("web.asset", version=version(), path=path)


def mount(blueprint: Blueprint) -> None:
    """Serve the files from `blueprint`."""

    @page(blueprint, "/static/core/<version>/<path:path>", permission=ALWAYS)
    def asset(version: str, path: str) -> Response:
        return _send(version, path)


def _send(asked: str, path: str) -> Response:
    vendored = path.removeprefix("vendor/")
    folder, name = (WHEEL, vendored) if vendored in VENDORED and vendored != path else (OURS, path)
    answer = send_from_directory(folder, name)
    if asked == version():
        answer.cache_control.public = True
        answer.cache_control.max_age = YEAR_SECONDS
        answer.cache_control.immutable = True
    return answer
