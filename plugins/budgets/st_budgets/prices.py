"""The price table: what an hour of some hardware costs, since when, and who said so.

Where the table says nothing the provider's own hourly price counts.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import select

from st_core.clock import now
from st_core.contracts import Viewer
from st_core.db import db, unit_of_work
from st_core.services import events, registries

from .limits import plain
from .models import BudgetsPrice


def rate_usd(provider: str, hardware: str | None, at: datetime | None = None) -> Decimal | None:
    """Return the price of one slot for one hour, None when nobody knows it."""
    place = registries.providers().get(provider)
    kinds = list(place.hardware()) if place else []
    kind = next((one for one in kinds if hardware in (None, one.id)), None)
    named = hardware or (kind.id if kind else None)
    if named is not None and (row := _newest(provider, named, at or now())) is not None:
        return row.cost_per_hour_usd
    return kind.cost_per_hour_usd if kind else None


def _newest(provider: str, hardware: str, at: datetime) -> BudgetsPrice | None:
    query = select(BudgetsPrice).where(
        BudgetsPrice.provider == provider,
        BudgetsPrice.hardware == hardware,
        BudgetsPrice.valid_from <= at,
    )
    newest = query.order_by(BudgetsPrice.valid_from.desc(), BudgetsPrice.id.desc())
    return db.session.scalar(newest.limit(1))


def history(limit: int = 500) -> list[BudgetsPrice]:
    """Return what the table ever said, the newest first."""
    query = select(BudgetsPrice).order_by(BudgetsPrice.valid_from.desc(), BudgetsPrice.id.desc())
    return list(db.session.scalars(query.limit(limit)))


def put(viewer: Viewer, provider: str, hardware: str, usd: Decimal) -> BudgetsPrice:
    """Command: let a price hold from now on; earlier ones stay in the history.

    Raises NotFound for an unknown provider.
    """
    name = registries.provider(provider).name
    with unit_of_work(gate="submit"):
        before = _newest(name, hardware, now())
        row = BudgetsPrice(
            provider=name,
            hardware=hardware,
            cost_per_hour_usd=usd,
            valid_from=now(),
            set_by=viewer.username,
        )
        db.session.add(row)
        db.session.flush()
        events.emit(
            "cost.price_changed",
            subject=("price", f"{name} {hardware}"),
            message=f"one hour of {hardware} at {name} costs ${plain(usd)}",
            before={"cost_per_hour_usd": plain(before.cost_per_hour_usd)} if before else None,
            after={"cost_per_hour_usd": plain(usd)},
        )
    return row
