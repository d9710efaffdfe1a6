"""A plugin for tests: three small policies that refuse access, room, or ask for people.

Each has a document in a setting of its own: `{"rules": [{"name", "effect", …}]}`. A rule matches by
provider, price above, hardware, or how many of the submitter's jobs have not ended.
"""

from __future__ import annotations

from typing import Any

NAMES = ("gatekeeper", "quartermaster", "adviser")

SOURCE = '''
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
import sqlalchemy

from st_core import hookimpl
from st_core.contracts import Action, Demand, Denial, Finding, Setting, Verdict
from st_core.db import db
from st_core.models import Job
from st_core.services import decisions, settings


class Rule(BaseModel):
    """One rule."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1)
    effect: Literal["deny", "block", "warn", "require_approval"]
    provider: str = "*"
    config_name: str = "*"
    active_at_least: int = Field(0, ge=0)
    mode: Literal["enforce", "shadow"] = "enforce"


class Document(BaseModel):
    """The rules."""

    model_config = ConfigDict(extra="forbid")
    rules: list[Rule] = []


class Ruler:
    """A policy whose document is a setting."""

    schema = Document

    def __init__(self, name: str) -> None:
        self.name = name
        self.title = name.title()

    def document(self) -> dict[str, Any]:
        given = settings.value(f"ruler.{self.name}") or {"rules": []}
        return Document.model_validate(given).model_dump(mode="json")

    def facts(self, document, asked, at: datetime) -> dict[str, Any]:
        if not document["rules"]:
            return {}
        query = sqlalchemy.select(sqlalchemy.func.count(Job.id)).where(
            Job.user_id == asked["user_id"],
            Job.created_at < at,
            sqlalchemy.or_(Job.completed_at.is_(None), Job.completed_at > at),
            Job.queued_at.is_not(None),
        )
        return {"active": db.session.scalar(query) or 0}

    def decide(self, document, asked, facts):
        return [
            Finding(rule["name"], rule["effect"], f"{rule['name']} says {rule['effect']}.",
                    shadow=rule["mode"] == "shadow")
            for rule in document["rules"]
            if rule["provider"] in ("*", asked["provider"])
            and rule["config_name"] in ("*", asked["config_name"])
            and facts["active"] >= rule["active_at_least"]
        ]

    def apply(self, document) -> None:
        raise NotImplementedError("tests change the setting")


POLICIES = {name: Ruler(name) for name in ("gatekeeper", "quartermaster", "adviser")}


@hookimpl
def st_settings():
    return [
        Setting(f"ruler.{name}", dict, {}, "The document.", editable=True) for name in POLICIES
    ]


@hookimpl
def st_policies():
    return list(POLICIES.values())


@hookimpl
def st_check_access(submission):
    found = decisions.ask(POLICIES["gatekeeper"], submission)
    return [Denial(one.rule, one.text) for one in found if one.effect == "deny"]


@hookimpl
def st_reserve_limits(job, submission):
    found = decisions.ask(POLICIES["quartermaster"], submission)
    return [
        Verdict(one.rule, Action(one.effect), 1, 1, "jobs", one.text)
        for one in found
        if one.effect != "deny"
    ]


@hookimpl
def st_require_approval(job, submission):
    found = decisions.ask(POLICIES["adviser"], submission)
    return [Demand(one.text, rule=one.rule) for one in found if one.effect == "require_approval"]
'''


def rule(name: str, effect: str, **more: Any) -> dict[str, Any]:
    """Return one rule of a document."""
    return {"name": name, "effect": effect, **more}


def documents(**rules: list[dict[str, Any]]) -> dict[str, Any]:
    """Return settings for `make_app`: the rules of each policy by its name."""
    return {f"ruler__{name}": {"rules": found} for name, found in rules.items()}
