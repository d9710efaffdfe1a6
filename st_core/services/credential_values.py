"""What happens to one stored key: its value is set, proven, refused, asked for anew, erased.

`row` is a person's credential or a shared one: any row with the columns of `StoredKey`. Every
change here is a step of the caller's unit of work and tells the journal, never the value.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from .. import secrets
from ..clock import now
from ..models.credentials import StoredKey
from . import events, settings

STALE_DAYS = 90


def store(row: StoredKey, value: str, *, is_proven: bool) -> None:
    """Step: set a value. An unproven one waits beside the value in force, if there is one."""
    sealed, fingerprint = secrets.seal(value, place(row)), secrets.fingerprint(value)
    row.new_sealed = row.new_fingerprint = None
    if row.sealed is not None and row.is_active and not is_proven:
        row.new_sealed, row.new_fingerprint = sealed, fingerprint
        return
    row.sealed, row.fingerprint = sealed, fingerprint
    row.is_active, row.updated_at, row.rotation_asked_at = True, now(), None


def prove(row: StoredKey) -> None:
    """Step: the new value works; the old one is gone."""
    before = described(row)
    row.sealed, row.fingerprint = row.new_sealed, row.new_fingerprint
    row.new_sealed = row.new_fingerprint = row.rotation_asked_at = None
    row.is_active, row.updated_at = True, now()
    told(row, "credential.proven", "the new value is proven, the old one is gone", before)


def roll_back(row: StoredKey, reason: str) -> None:
    """Step: the service refused the new value; the old one stays in force."""
    before = described(row)
    row.new_sealed = row.new_fingerprint = None
    told(row, "credential.refused", "the new value was refused, the old one stays", before, reason)


def ask_rotation(row: StoredKey, reason: str | None, *, erase: bool) -> None:
    """Step: a new value is to be set. The old one is valid until then; `erase` ends it now."""
    before = described(row)
    row.rotation_asked_at = now()
    if erase:
        row.sealed = row.new_sealed = row.new_fingerprint = None
        row.is_active = False
    what = "was erased" if erase else "is to be replaced"
    told(row, "credential.rotated", f"it {what}; a new value must be set", before, reason or "")


def told(
    row: StoredKey, event: str, text: str, before: dict[str, Any] | None, reason: str = ""
) -> None:
    """Step: record what happened to a stored key."""
    owner_id = getattr(row, "user_id", None)
    events.emit(
        event,
        subject=("credential" if owner_id else "shared_credential", row.id),
        owner_id=owner_id,
        before=before,
        after=described(row),
        data={"reason": reason} if reason else {},
        message=f"{'' if owner_id else 'shared '}{row.provider}/{row.credential_name}: {text}",
    )


def opened(row: StoredKey, *, new: bool = False) -> str:
    """Return a value in the clear, the new one if asked. Raises SecretLost."""
    sealed = row.new_sealed if new else row.sealed
    assert sealed is not None, "whoever asks has seen that there is a value"
    return secrets.unseal(sealed, place(row))


def is_stale(row: StoredKey, days: int | None = None) -> bool:
    """Tell whether a value was set more than `days` days ago; default: the setting."""
    threshold = settings.value("secrets.stale_threshold_days") if days is None else days
    return row.updated_at < now() - timedelta(days=threshold)


def is_ageing(row: StoredKey) -> bool:
    """Tell whether a value will be stale soon, where early warnings are switched on."""
    if not settings.value("secrets.early_warning_enabled") or is_stale(row):
        return False
    share = settings.value("secrets.early_warning_percent") / 100
    early = timedelta(days=settings.value("secrets.stale_threshold_days") * share)
    return row.updated_at < now() - early


def standing(row: StoredKey) -> str:
    """Return how a stored key stands: erased, proving (a new value waits), asked (one is to be
    set), stale, ageing or in_use."""
    if not row.is_active:
        return "erased"
    if row.new_fingerprint:
        return "proving"
    if row.rotation_asked_at:
        return "asked"
    if is_stale(row):
        return "stale"
    return "ageing" if is_ageing(row) else "in_use"


def place(row: StoredKey) -> str:
    """Return the purpose that a row's values are sealed for."""
    column = type(row).sealed.property.columns[0]
    names = [each.key for each in column.table.columns]
    return secrets.place(column, **{name: getattr(row, name) for name in names})


def described(row: StoredKey) -> dict[str, Any]:
    """Return what events tell of a stored key: never a value."""
    return {
        "provider": row.provider,
        "credential_name": row.credential_name,
        "fingerprint": row.fingerprint,
        "new_fingerprint": row.new_fingerprint,
        "rotation_asked": row.rotation_asked_at is not None,
        "is_active": row.is_active,
    }
