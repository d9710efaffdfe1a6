"""Settings while running: read a value, list them all, change the editable ones, and notice
others' changes."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from flask import current_app
from sqlalchemy import select

from .. import secrets
from ..clock import now
from ..config import Settings
from ..contracts import Viewer
from ..db import db, unit_of_work
from ..errors import ConfigError, Malformed, SetTimeRule
from ..models import StoredSetting
from ..plugins import did_you_mean
from . import events, permissions, policy

log = logging.getLogger(__name__)
#: What a question of the kind "and if it were" takes for the value of some settings.
_SUPPOSED: ContextVar[Mapping[str, Any]] = ContextVar(
    "st_supposed_settings", default=MappingProxyType({})
)


def view() -> Settings:
    """Return the settings of the current app."""
    settings: Settings = current_app.extensions["st"].settings
    return settings


def value(key: str) -> Any:
    """Return the value of one setting, typed. Raises ConfigError for a key nobody declared."""
    supposed = _SUPPOSED.get()
    return supposed[key] if key in supposed else view().value(key)


@contextmanager
def supposing(values: Mapping[str, Any]) -> Iterator[None]:
    """Let these settings have these values meanwhile, for nobody but the code within."""
    token = _SUPPOSED.set({**_SUPPOSED.get(), **values})
    try:
        yield
    finally:
        _SUPPOSED.reset(token)


def refresh() -> None:
    """Load stored settings again when any process changed policy since we looked. One indexed
    read."""
    policy.refresh(_load)


def _load() -> None:
    """Read what is stored, typed."""
    settings = view()
    stored = {}
    for row in db.session.scalars(select(StoredSetting)):
        if row.key not in settings.declared:
            continue
        try:
            stored[row.key] = settings.check(row.key, _opened(row))
        except secrets.SecretLost as error:  # the server goes on without it, and says so
            log.error("%s is taken as not set: %s", row.key, error.detail)
    settings.stored = stored


def _opened(row: StoredSetting) -> Any:
    """Return a stored value in the clear. Raises SecretLost."""
    if not view().declared[row.key].secret:
        return row.value
    return secrets.within(
        row.value, secrets.place(StoredSetting.value, key=row.key), secrets.unseal
    )


def _closed(key: str, new: Any) -> Any:
    """Return a value as it is stored: a secret sealed."""
    if not view().declared[key].secret or not new:
        return new
    return {"sealed": secrets.seal(str(new), secrets.place(StoredSetting.value, key=key))}


def _told(key: str, value: Any) -> Any:
    """Return a value as it may be told: of a secret only its fingerprint, None when not set."""
    if not view().declared[key].secret:
        return value
    return secrets.fingerprint(str(value)) if value else None


def describe() -> list[dict[str, Any]]:
    """Return one row per declared setting; the value of a secret is never among them."""
    settings = view()
    rows = []
    for key, setting in sorted(settings.declared.items()):
        source = settings.source(key)
        shown = None if setting.secret else settings.value(key)
        rows.append(
            {
                "key": key,
                "owner": settings.owners[key],
                "value": shown,
                "is_set": bool(settings.value(key)) if setting.secret else source != "default",
                "fingerprint": _told(key, settings.value(key)) if setting.secret else None,
                "default": None if setting.secret else setting.default,
                "source": source,
                "unit": setting.unit,
                "help": setting.help,
                "secret": setting.secret,
                "env": setting.env,
                "editable": setting.editable and key not in settings.fixed,
                "minimum": setting.minimum,
                "maximum": setting.maximum,
            }
        )
    return rows


def change(
    viewer: Viewer,
    values: Mapping[str, Any],
    *,
    permission: str = "admin.config",
    event: str = "admin.config_changed",
) -> None:
    """Command: store new values of editable settings, all or none; `event` tells of it.

    Raises NotAllowed without `permission`, Malformed with the field when a value is wrong,
    SetTimeRule when the file or the environment fixes one or it cannot be changed while running.
    """
    permissions.require(viewer, permission)
    settings = view()
    checked = {key: _check(settings, key, raw) for key, raw in values.items()}
    with unit_of_work(gate="submit"):
        refresh()
        before = {key: old for key in checked if (old := settings.value(key)) != checked[key]}
        changed = {key: checked[key] for key in before}
        for key, new in changed.items():
            db.session.merge(
                StoredSetting(
                    key=key,
                    value=_closed(key, new),
                    updated_at=now(),
                    updated_by_id=viewer.user_id,
                )
            )
        if changed:
            events.emit(
                event,
                subject=("settings", ",".join(sorted(changed))[:100]),
                before={key: _told(key, old) for key, old in before.items()},
                after={key: _told(key, new) for key, new in changed.items()},
                message=f"{viewer.username} changed {', '.join(sorted(changed))}",
            )
            policy.bump()
    refresh()


def _check(settings: Settings, key: str, raw: Any) -> Any:
    """Return the typed value, or raise with the field that is wrong."""
    setting = settings.declared.get(key)
    if setting is None:
        raise Malformed(
            f"no setting is named {key!r}.{did_you_mean(key, settings.declared)}",
            fields=[{"path": key, "message": "unknown"}],
        )
    if key in settings.fixed:
        raise SetTimeRule(f"{key} is set by {settings.source(key)} and can only be changed there.")
    if not setting.editable:
        raise SetTimeRule(
            f"{key} can only be set in the configuration file; it takes effect at a restart."
        )
    try:
        return settings.check(key, raw)
    except ConfigError as error:
        raise Malformed(error.detail, fields=[{"path": key, "message": error.detail}]) from error
