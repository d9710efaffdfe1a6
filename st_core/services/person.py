"""One account with everything that hangs on it, as its page shows it. Read only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from ..clock import now
from ..db import db
from ..errors import NotFound
from ..models import (
    ApiKey,
    AuthProvider,
    ExternalIdentity,
    Job,
    JobState,
    Membership,
    Org,
    ProviderCredential,
    Session,
    Team,
    User,
)
from ..models.states import ACTIVE
from . import level_grants

WAITING = (JobState.QUEUED, JobState.PENDING_APPROVAL)


@dataclass(frozen=True)
class Place:
    """An organisation, or a team in it, with the person's role there."""

    org_id: int
    org: str
    team: str | None
    role: str


@dataclass(frozen=True)
class Outside:
    """The name an outside provider has for the person; `provider` is empty when it is gone."""

    provider: str
    issuer: str
    subject: str


@dataclass(frozen=True)
class Belongings:
    """What hangs on an account. `level_sources` says by a level's name who gave it: `manual`, or
    `provider:<name>`."""

    user: User
    level_sources: Mapping[str, str]
    sessions: Sequence[Session]
    keys: Sequence[ApiKey]
    credentials: Sequence[ProviderCredential]
    places: Sequence[Place]
    outside: Sequence[Outside]
    running_count: int
    waiting_count: int


def of(user_id: int) -> Belongings:
    """Return an account with what hangs on it. Raises NotFound for no such account."""
    user = db.session.get(User, user_id)
    if user is None:
        raise NotFound(f"there is no user {user_id}", code="user_not_found")
    running, waiting = _job_counts(user_id)
    return Belongings(
        user=user,
        level_sources=level_grants.sources(user_id),
        sessions=_sessions(user_id),
        keys=list(db.session.scalars(select(ApiKey).where(ApiKey.user_id == user_id))),
        credentials=_credentials(user_id),
        places=places(user_id),
        outside=_outside(user_id),
        running_count=running,
        waiting_count=waiting,
    )


def places(user_id: int) -> list[Place]:
    """Return where a person is a member, organisations before their teams."""
    rows = db.session.execute(
        select(Org.id, Org.name, Team.name, Membership.role)
        .join(Org, Org.id == Membership.org_id)
        .outerjoin(Team, Team.id == Membership.team_id)
        .where(Membership.user_id == user_id)
        .order_by(Org.name, Team.name.is_not(None), Team.name)
    )
    return [Place(*row) for row in rows]


def _sessions(user_id: int) -> list[Session]:
    found = (
        select(Session)
        .where(
            Session.user_id == user_id, Session.expires_at > now(), ~Session.awaits_second_factor
        )
        .order_by(Session.id.desc())
    )
    return list(db.session.scalars(found))


def _credentials(user_id: int) -> list[ProviderCredential]:
    found = select(ProviderCredential).where(ProviderCredential.user_id == user_id)
    order = (ProviderCredential.provider, ProviderCredential.credential_name)
    return list(db.session.scalars(found.order_by(*order)))


def _outside(user_id: int) -> list[Outside]:
    rows = db.session.execute(
        select(AuthProvider.name, ExternalIdentity.issuer, ExternalIdentity.subject)
        .select_from(ExternalIdentity)
        .outerjoin(AuthProvider, AuthProvider.id == ExternalIdentity.provider_id)
        .where(ExternalIdentity.user_id == user_id)
    )
    return [Outside(name or "", issuer, subject) for name, issuer, subject in rows]


def _job_counts(user_id: int) -> tuple[int, int]:
    """Return how many of a person's jobs run and how many wait."""
    running, waiting = db.session.execute(
        select(
            func.count(Job.id).filter(Job.state.in_(ACTIVE)),
            func.count(Job.id).filter(Job.state.in_(WAITING)),
        ).where(Job.user_id == user_id)
    ).one()
    return running, waiting
