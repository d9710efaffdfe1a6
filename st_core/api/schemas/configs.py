"""Configs: named, versioned parameters for one trainer; their revisions, differences and files."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from .jobs import Change
from .kinds import Answer, Body, FieldProblem, JsonObject, Listing, Query

#: What `services.configs.NAME` allows, for the document.
NAME = r"^[A-Za-z0-9][A-Za-z0-9 ._\-\[\]()]{0,99}$"


class Config(Answer):
    """A config without its data."""

    name: str
    description: str
    trainer: str
    owner_id: int | None = None
    owner: str | None = None
    revision: int
    created_at: datetime
    updated_at: datetime


class ConfigWithData(Config):
    """A config with the data of one revision, the newest unless another was asked for."""

    data: JsonObject
    digest: str
    note: str = ""


class ConfigList(Listing):
    """A page of configs."""

    configs: list[Config]


class ConfigQuery(Query):
    """Which configs."""

    limit: int = Field(50, ge=1, le=500, description="Most rows to return.")
    cursor: str | None = Field(None, max_length=500, description="`next` of the page before.")

    q: str | None = Field(None, max_length=200, description="Words in name and description.")
    trainer: str | None = Field(None, max_length=100)


class CreateBody(Body):
    """A new config."""

    name: str = Field(pattern=NAME)
    trainer: str = Field(min_length=1, max_length=100)
    data: JsonObject = {}
    note: str = Field("", max_length=500)
    description: str = Field("", max_length=500)


class SaveBody(Body):
    """A new revision; with `expected_revision` refused when somebody else saved meanwhile."""

    data: JsonObject
    note: str = Field("", max_length=500)
    description: str | None = Field(None, max_length=500)
    expected_revision: int | None = Field(None, ge=0, le=2**31 - 1)


class RenameBody(Body):
    """A new name or description."""

    name: str | None = Field(None, pattern=NAME)
    description: str | None = Field(None, max_length=500)


class Revision(Answer):
    """One saved state of a config."""

    number: int
    digest: str
    note: str
    author_id: int | None = None
    author: str | None = None
    created_at: datetime


class RevisionWithData(Revision):
    """One saved state with its data."""

    config_name: str
    data: JsonObject


class Revisions(Answer):
    """All saved states of a config, newest first."""

    config_name: str
    revisions: list[Revision]


class DiffQuery(Query):
    """Between which revisions; not given: the newest and the one before."""

    old: int | None = Field(None, alias="from", ge=1, le=2**31 - 1)
    new: int | None = Field(None, alias="to", ge=1, le=2**31 - 1)


class Diff(Answer):
    """How two revisions differ."""

    config_name: str
    old: int = Field(serialization_alias="from")
    new: int = Field(serialization_alias="to")
    changes: list[Change]


class RestoreBody(Body):
    """Why an old revision comes back."""

    note: str = Field("", max_length=500)


class CheckBody(Body):
    """Data to check; nothing given: the stored data."""

    data: JsonObject | None = None
    trainer: str | None = Field(None, max_length=100)


class DataBody(Body):
    """Data to check."""

    data: JsonObject


class Checked(Answer):
    """Every problem at its field, and the data with defaults filled in."""

    valid: bool
    errors: list[FieldProblem]
    data: JsonObject
    steps: int | None = Field(None, description="How many steps this trains, when it says so.")


class ImportBody(Body):
    """A config as a file holds it; SimpleTuner's own `config.json` too."""

    name: str | None = Field(None, pattern=NAME)
    trainer: str | None = Field(None, max_length=100)
    data: JsonObject
    note: str = Field("", max_length=500)


class ImportQuery(Query):
    """How to take an uploaded archive in."""

    trainer: str | None = Field(None, max_length=100)
    overwrite: bool = Field(False, description="Save a new revision where a name exists already.")


class Imported(Answer):
    """The configs that were made or saved."""

    success: bool = True
    configs: list[Config]
    notes: list[str] = Field([], description="What was left out, and what to do about it.")


class Trainer(Answer):
    """Something that can run, and the JSON Schema of its configs."""

    name: str
    title: str
    config_schema: JsonObject | None = Field(
        None, description="JSON Schema; null when any object is accepted."
    )


class Trainers(Answer):
    """Every trainer that is enabled."""

    trainers: list[Trainer]
