"""The stand-in provider with prices and a key as a plugin, for tests about money and credentials.

A test says `make_app(plugins=["zoo", "paid", …])` (the zoo brings the trainer), submits to the
provider `paid` with hardware small, large or unpriced, and changes its world by `account(app)`.
"""

from __future__ import annotations

from .. import hookimpl
from ..contracts import Provider
from .paid_account import KEY
from .paid_provider import HARDWARE, VARIABLE, PaidProvider, account


@hookimpl
def st_providers() -> list[Provider]:
    """Hand over the stand-in."""
    return [PaidProvider()]


__all__ = ["HARDWARE", "KEY", "VARIABLE", "PaidProvider", "account"]
