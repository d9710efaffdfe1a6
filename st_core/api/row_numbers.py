"""Numbers of rows in addresses: at most nine digits, so that every database can hold them.

The bound is part of the pattern: an address beyond it is no address of ours (404), whatever the
method; werkzeug's own `max` would answer some of them with 405.
"""

from __future__ import annotations

from flask import Flask
from werkzeug.routing import IntegerConverter


class RowNumber(IntegerConverter):
    """What `<int:…>` in a rule stands for here."""

    regex = r"[0-9]{1,9}"


def init_app(app: Flask) -> None:
    """Let `<int:…>` in the rules of `app` be the number of a row."""
    app.url_map.converters["int"] = RowNumber
