"""The sign-in providers of this server: read by the plugins that carry them, kept by
administrators.

A provider's record says what kind it is, how to reach it (`config`, checked by its kind) and what
its groups mean here. Records of the configuration file are read-only everywhere else.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel
from sqlalchemy import select

from ..contracts import TestStep, Viewer
from ..db import db, unit_of_work
from ..errors import Conflict, NotAllowed, NotFound, SetTimeRule, StError
from ..models import AuthProvider, ExternalIdentity, Level, User
from . import authority, policy, provider_config, sessions
from .provider_records import Wanted, described, discard, kind, put, tell, with_defaults

log = logging.getLogger(__name__)
PAGE, FILE = "page", "file"


@dataclass(frozen=True)
class Record:
    """A provider as its plugin sees it: config checked, secrets open. `level_mapping` is level →
    groups."""

    id: int
    name: str
    kind: str
    enabled: bool
    auto_create_users: bool
    default_levels: tuple[str, ...]
    level_mapping: Mapping[str, Sequence[str]]
    config: BaseModel = field(repr=False)
    managed_by: str = PAGE


def find(name: str, kind: str | None = None) -> Record:
    """Return one provider, enabled or not.

    Raises NotFound, also for one of another kind; SecretLost when a secret cannot be opened.
    """
    found = policy.remembered(("auth provider", name), lambda: _opened(_row(name)))
    if kind is not None and found.kind != kind:
        raise _unknown(name)
    return found


def enabled(kind: str) -> list[Record]:
    """Return the enabled providers of a kind by name; one that cannot be opened is left out."""
    return policy.remembered(("auth providers", kind), lambda: _enabled(kind))


def rows() -> list[AuthProvider]:
    """Return every record by name, with secrets sealed."""
    return list(db.session.scalars(select(AuthProvider).order_by(AuthProvider.name)))


def row(name: str) -> AuthProvider:
    """Return one record with its secrets sealed. Raises NotFound."""
    return _row(name)


def create(viewer: Viewer, name: str, kind_name: str, wanted: Wanted) -> AuthProvider:
    """Command: add a provider.

    Raises Malformed for an unknown kind, level or field, SetTimeRule when the name is taken,
    NotAllowed when a level of it is above the viewer's own.
    """
    with unit_of_work(gate=authority.GATE):
        if db.session.scalar(select(AuthProvider.id).where(AuthProvider.name == name)) is not None:
            raise SetTimeRule(
                f"There is a sign-in provider named {name!r} already; choose another name.",
                code="duplicate",
                fields=[{"path": "name", "message": "taken"}],
            )
        made = AuthProvider(name=name, kind=kind(kind_name).kind, level_mapping={}, config={})
        put(made, with_defaults(wanted))
        _require_reach(viewer, made)
        db.session.add(made)
        tell(made, before=None)
    return made


def change(viewer: Viewer, name: str, wanted: Wanted) -> AuthProvider:
    """Command: change a provider; a `config` replaces the one before, but for secrets left out.

    Raises as `create` does; NotFound, and Conflict for a record of the configuration file.
    """
    with unit_of_work(gate=authority.GATE):
        found = _own(name)
        before = described(found)
        _require_reach(viewer, found)
        put(found, wanted)
        _require_reach(viewer, found)
        if not found.enabled:
            sessions.end_of_provider(found.id)
        tell(found, before)
    return found


def delete(viewer: Viewer, name: str) -> None:
    """Command: delete a provider and end the sessions it began; accounts stay.

    Raises NotFound, Conflict for a record of the configuration file, NotAllowed.
    """
    with unit_of_work(gate=authority.GATE):
        found = _own(name)
        _require_reach(viewer, found)
        discard(found)


def test(name: str) -> tuple[list[TestStep], float]:
    """Walk a provider's connection; return its steps and the milliseconds it took.

    Raises NotFound, SecretLost.
    """
    record = find(name)
    tester = kind(record.kind).test
    db.session.remove()  # the provider may take its time, and needs no connection to our database
    started = time.perf_counter()
    try:
        steps = tester(record.name, record.config)
    except StError as error:
        steps = [TestStep("connect", False, error.detail)]
    return steps, (time.perf_counter() - started) * 1000


def _opened(found: AuthProvider) -> Record:
    return Record(
        found.id,
        found.name,
        found.kind,
        found.enabled,
        found.auto_create_users,
        tuple(found.default_levels),
        found.level_mapping,
        provider_config.opened(kind(found.kind), found.name, found.config),
        found.managed_by,
    )


def _enabled(kind_name: str) -> list[Record]:
    records = []
    for found in rows():
        if found.kind == kind_name and found.enabled:
            try:
                records.append(_opened(found))
            except StError as error:
                log.error("the sign-in provider %s is left out: %s", found.name, error.detail)
    return records


def _row(name: str) -> AuthProvider:
    found = db.session.scalar(select(AuthProvider).where(AuthProvider.name == name))
    if found is None:
        raise _unknown(name)
    return found


def _own(name: str) -> AuthProvider:
    """Return a record that may be changed here. Raises NotFound, Conflict."""
    found = _row(name)
    if found.managed_by == FILE:
        raise Conflict(
            f"The sign-in provider {name!r} is written in the configuration file; change it there "
            "and start the server again.",
            code="managed_by_file",
        )
    return found


def _unknown(name: str) -> NotFound:
    return NotFound(f"there is no sign-in provider {name!r}", code="auth_provider_not_found")


def _require_reach(viewer: Viewer, target: AuthProvider) -> None:
    """Refuse who would hand out more than they have: by a level, or by becoming an administrator
    whom this provider vouches for. Raises NotAllowed."""
    named = {*target.default_levels, *target.level_mapping}
    for level in db.session.scalars(select(Level).where(Level.name.in_(named))):
        authority.require_level(viewer, level)
    admins = (
        select(ExternalIdentity.id)
        .join(User, User.id == ExternalIdentity.user_id)
        .where(ExternalIdentity.provider_id == target.id, User.levels.any(Level.name == "admin"))
    )
    if target.id and not authority.is_admin(viewer) and db.session.scalar(admins.limit(1)):
        raise NotAllowed(
            f"Administrators sign in through {target.name}, so only one of them may change it.",
            code="administrator_protected",
        )
