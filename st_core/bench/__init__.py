"""The speed budget, measured: each row against a yardstick in the same run, because machines
differ.

The yardstick is a bare Flask app under waitress with one route that answers JSON and one that
inserts a row into
SQLite. Words: a *row* is one line of the budget, with what was measured, its ratio or figure, and
its target.
"""

from __future__ import annotations

from .rows import NAMES, Row, measure

__all__ = ["NAMES", "Row", "measure"]
