"""The part `orgs`: organisations and their teams, by slug. Who is a member is no policy.

An organisation or team that is not in the file is deleted with its memberships; its jobs stay with
those who submitted them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import select

from ...db import assert_unit_of_work, db
from ...models import Org, Team
from .. import orgs as service
from .. import teams as team_service

Slug = Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


class TeamDocument(BaseModel):
    """One team of an organisation."""

    model_config = ConfigDict(extra="forbid")

    slug: Slug
    name: str = Field(min_length=1, max_length=100)
    description: str = Field("", max_length=500)
    is_active: bool = True
    settings: dict[str, Any] = {}


class OrgDocument(TeamDocument):
    """One organisation with its teams."""

    teams: list[TeamDocument] = Field([], max_length=1000)

    @model_validator(mode="after")
    def _slugs_are_unique(self) -> OrgDocument:
        _refuse_twice("team", [team.slug for team in self.teams])
        return self


class OrgsDocument(BaseModel):
    """Every organisation there is."""

    model_config = ConfigDict(extra="forbid")

    orgs: list[OrgDocument] = Field([], max_length=10_000)

    @model_validator(mode="after")
    def _slugs_are_unique(self) -> OrgsDocument:
        _refuse_twice("organisation", [org.slug for org in self.orgs])
        return self


class OrgsPart:
    """Organisations as a document."""

    name = "orgs"
    title = "Organisations and teams"
    schema: type[BaseModel] = OrgsDocument
    permission = "*"

    def document(self) -> dict[str, Any]:
        """Return every organisation and its teams, by slug."""
        teams: dict[int, list[Team]] = {}
        for team in db.session.scalars(select(Team).order_by(Team.slug)):
            teams.setdefault(team.org_id, []).append(team)
        orgs = db.session.scalars(select(Org).order_by(Org.slug))
        return {
            "orgs": [
                {**_described(org), "teams": [_described(team) for team in teams.get(org.id, ())]}
                for org in orgs
            ]
        }

    def apply(self, document: Mapping[str, Any]) -> None:
        """Step: make organisations and teams those of `document`."""
        assert_unit_of_work()
        present = {org.slug: org for org in db.session.scalars(select(Org).order_by(Org.slug))}
        wanted = {item["slug"]: item for item in document["orgs"]}
        for slug, org in present.items():
            if slug not in wanted:
                service.drop(service.lock(org.id))
        for slug, item in wanted.items():
            fields = _fields(item)
            if slug in present:
                org = service.lock(present[slug].id)
                before, after = service.put(org, fields)
                if after:
                    message = f"{org.name} was changed"
                    service.tell("org.updated", org, message, before=before, after=after)
            else:
                org = Org(**fields)
                service.add(org)
            _apply_teams(org, item["teams"])


def _apply_teams(org: Org, items: Sequence[Mapping[str, Any]]) -> None:
    """Step: make the teams of an organisation these."""
    query = select(Team).where(Team.org_id == org.id).order_by(Team.slug)
    present = {team.slug: team for team in db.session.scalars(query)}
    wanted = {item["slug"]: item for item in items}
    for slug, team in present.items():
        if slug not in wanted:
            team_service.drop(*team_service.lock(org.id, team.id))
    for slug, item in wanted.items():
        if slug not in present:
            team = Team(**_fields(item), org_id=org.id)
            db.session.add(team)
            db.session.flush()
            message = f"the team {team.name} was made in {org.name}"
            team_service.tell("team.created", org, team, message, after=_described(team))
            continue
        _, team = team_service.lock(org.id, present[slug].id)
        before, after = service.put(team, item)
        if after:
            message = f"the team {team.name} was changed"
            team_service.tell("team.updated", org, team, message, before=before, after=after)


def _described(item: Org | Team) -> dict[str, Any]:
    return {"slug": item.slug, **{field: getattr(item, field) for field in service.CHANGEABLE}}


def _fields(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"slug": item["slug"], **{field: item[field] for field in service.CHANGEABLE}}


def _refuse_twice(what: str, slugs: Sequence[str]) -> None:
    if twice := sorted({slug for slug in slugs if slugs.count(slug) > 1}):
        raise ValueError(f"the {what} {twice[0]!r} stands here twice")
