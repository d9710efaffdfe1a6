"""Sign-in providers of the configuration file (guide section 2): brought into their records at
every start, read-only everywhere else, and gone once the file does not name them any more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from ..contracts import AuthProviderKind
from ..db import db, unit_of_work
from ..errors import ConfigError, Malformed
from ..models import AuthProvider
from . import authority, settings
from .auth_providers import FILE
from .provider_config import secret_fields
from .provider_records import Wanted, described, discard, put, tell, with_defaults
from .registries import auth_kinds

_FIELDS = ("enabled", "auto_create_users", "default_levels", "level_mapping", "config")


def bring_in() -> None:
    """Command: make the records of the file equal to the file; a page's record of the same name
    becomes the file's.

    Raises ConfigError naming the block and the field that is wrong.
    """
    wanted = {}
    for kind in auth_kinds().values():
        for block in _blocks(kind):
            name, fields = _read(kind, block)
            if name in wanted:
                raise ConfigError(
                    f"{kind.file_section}: two providers are named {name!r}; name them apart."
                )
            wanted[name] = (kind, fields)
    if not wanted and db.session.scalar(_of_file().limit(1)) is None:
        return
    with unit_of_work(gate=authority.GATE):
        for name, (kind, fields) in wanted.items():
            _keep(name, kind, fields)
        for row in db.session.scalars(_of_file()):
            if row.name not in wanted and row.kind in auth_kinds():
                discard(row)


def _of_file() -> Any:
    return select(AuthProvider).where(AuthProvider.managed_by == FILE)


def _block(kind: AuthProviderKind) -> dict[str, Any]:
    """Return what file and environment say in a kind's block, by the rest of the key."""
    view = settings.view()
    prefix = f"{kind.file_section}."
    if kind.file_section is None or kind.from_file is None:
        return {}
    return {
        key.removeprefix(prefix): view.value(key)
        for key in view.fixed
        if key.startswith(prefix) and view.value(key) is not None
    }


def _blocks(kind: AuthProviderKind) -> Iterator[Mapping[str, Any]]:
    """Return the block of a kind, and those that stand in its list `providers`."""
    block = _block(kind)
    more = block.pop("providers", ())
    if block:
        yield block
    yield from more


def _read(kind: AuthProviderKind, block: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    assert kind.from_file is not None
    fields = dict(kind.from_file(block))
    return str(fields.pop("name")), fields


def _keep(name: str, kind: AuthProviderKind, fields: dict[str, Any]) -> None:
    """Step: let the record of this name be what the file says."""
    row = db.session.scalar(select(AuthProvider).where(AuthProvider.name == name))
    before = described(row) if row else None
    if row is not None and row.kind != kind.kind:
        discard(row)
        db.session.flush()
        row, before = None, None
    if row is None:
        row = AuthProvider(name=name, kind=kind.kind, config={}, level_mapping={})
    row.managed_by = FILE
    wanted = Wanted(**{key: fields[key] for key in _FIELDS if key in fields})
    unsaid = dict.fromkeys(secret_fields(kind))  # a secret taken out of the file is gone
    try:
        put(row, with_defaults(replace(wanted, config=unsaid | dict(wanted.config or {}))))
    except Malformed as error:
        raise ConfigError(f"{kind.file_section}: {error.detail}") from error
    db.session.add(row)
    tell(row, before)
