"""A team to show: people of every kind, with levels, overrides, sessions, keys and credentials."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from sqlalchemy import select

from st_core import secrets
from st_core.clock import now
from st_core.db import db, unit_of_work
from st_core.models import (
    Level,
    Membership,
    Org,
    PermissionOverride,
    ProviderCredential,
    Session,
    Team,
    User,
)
from st_core.services import api_keys, passwords, sessions, users

PASSWORD = "correct horse battery"
PEOPLE = {
    "ines": ("Ines Okafor", "admin"),
    "ravi": ("Ravi Menon", "lead"),
    "tomas": ("Tomas Lindqvist", "researcher"),
    "mei": ("Mei Tanaka", "researcher"),
    "lena": ("Lena Roth", "viewer"),
}
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def gather(app: Flask) -> dict[str, int]:
    """Make the team; return everybody's id by user name. All passwords are PASSWORD."""
    with app.app_context():
        with unit_of_work():
            users.ensure_levels()
            db.session.flush()
            made = {name: _person(name, *what) for name, what in PEOPLE.items()}
            made["airflow"] = User(
                username="airflow", email="airflow@service.invalid", is_service=True
            )
            db.session.add_all(made.values())
            db.session.flush()
            ids = {name: user.id for name, user in made.items()}
            _places(ids)
            _exceptions(ids)
            sessions.create(ids["tomas"])
        _keys(ids)
        _credentials(ids["tomas"])
    return ids


def _person(name: str, display_name: str, level: str) -> User:
    return User(
        username=name,
        email=f"{name}@meridian.example",
        display_name=display_name,
        password_hash=passwords.hash(PASSWORD),
        last_login_at=now() - timedelta(minutes=len(name) * 7),
        levels=[db.session.scalars(select(Level).where(Level.name == level)).one()],
    )


def _places(ids: dict[str, int]) -> None:
    org = Org(name="Meridian Labs", slug="meridian", description="Everybody who trains.")
    db.session.add(org)
    db.session.flush()
    teams = [Team(org_id=org.id, name=name, slug=name.lower()) for name in ("Speech", "Surfaces")]
    db.session.add_all(teams)
    db.session.flush()
    for name in ("ines", "ravi", "tomas", "mei", "lena"):
        db.session.add(Membership(user_id=ids[name], org_id=org.id))
    for name, team, role in (("ravi", 0, "lead"), ("tomas", 1, "member"), ("lena", 0, "member")):
        db.session.add(
            Membership(user_id=ids[name], org_id=org.id, team_id=teams[team].id, role=role)
        )


def _exceptions(ids: dict[str, int]) -> None:
    for permission, granted in (("job.priority.high", True), ("config.create", False)):
        db.session.add(
            PermissionOverride(
                user_id=ids["tomas"],
                permission=permission,
                granted=granted,
                granted_by_id=ids["ines"],
            )
        )
    lena = db.session.get_one(User, ids["lena"])
    lena.is_active = False


def _keys(ids: dict[str, int]) -> None:
    api_keys.create(ids["tomas"], "laptop", expires_days=90)
    api_keys.create(ids["tomas"], "nightly", scopes=["job.submit", "job.view.own"])
    api_keys.create(ids["airflow"], "production")


def _credentials(user_id: int) -> None:
    with unit_of_work():
        for provider, days in (("replicate", 112), ("huggingface", 21)):
            db.session.add(
                ProviderCredential(
                    user_id=user_id,
                    provider=provider,
                    credential_name="api_token",
                    fingerprint=secrets.fingerprint(f"{provider} token"),
                    updated_at=now() - timedelta(days=days),
                )
            )


def age_sessions(app: Flask) -> None:
    """Let the sessions there are look like those of a browser at a desk."""
    with app.app_context(), unit_of_work():
        for row in db.session.scalars(select(Session)):
            row.user_agent, row.address = AGENT, "10.10.4.21"
