"""What the pages of configs show: the list, the form drawn from a trainer's schema, revisions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...contracts import Trainer
from ...models import Config, Revision
from ...services import registries
from .. import schema_form


@dataclass(frozen=True)
class ConfigRow:
    """One config of the list."""

    name: str
    description: str
    trainer: str
    revision: int
    owner: str
    updated_at: datetime


@dataclass(frozen=True)
class RevisionLine:
    """One saved state."""

    number: int
    author: str
    note: str
    at: datetime
    is_newest: bool


@dataclass(frozen=True)
class Form:
    """The form of a trainer's config; without groups the trainer has no schema and JSON is all."""

    trainer: str
    trainer_title: str
    trainer_words: str
    groups: tuple[schema_form.Group, ...]
    other: str
    takes_other: bool
    text: str

    @property
    def count(self) -> int:
        """Return how many parameters there are."""
        return sum(len(group.fields) for group in self.groups)

    @property
    def set_count(self) -> int:
        """Return how many of them the config sets."""
        return sum(field.is_set for group in self.groups for field in group.fields)


def rows(found: Sequence[Config], names: Mapping[int, str]) -> list[ConfigRow]:
    """Return the list's rows; `names` are people's by id."""
    return [
        ConfigRow(
            name=one.name,
            description=one.description,
            trainer=short_title(one.trainer),
            revision=one.revision,
            owner=person(one.owner_id, names),
            updated_at=one.updated_at,
        )
        for one in found
    ]


def person(user_id: int | None, names: Mapping[int, str]) -> str:
    """Return who a config or revision belongs to; samples belong to nobody."""
    return names.get(user_id, "somebody who left") if user_id is not None else "the server"


def short_title(trainer: str) -> str:
    """Return a trainer's title up to its colon, its name while it is not enabled."""
    found = registries.trainers().get(trainer)
    return found.title.partition(":")[0] if found else f"{trainer}, not enabled"


def short_titles() -> dict[str, str]:
    """Return the short titles of all enabled trainers by name."""
    return {name: short_title(name) for name in registries.trainers()}


def form(trainer_name: str, data: Mapping[str, Any]) -> Form:
    """Return the form for `data` of one trainer; without fields while it is not enabled."""
    trainer = registries.trainers().get(trainer_name)
    if trainer is None:
        title = f"{trainer_name}, not enabled" if trainer_name else "No trainer"
        return Form(trainer_name, title, "", (), "", True, written(data))
    return _form(trainer, data)


def _form(trainer: Trainer, data: Mapping[str, Any]) -> Form:
    schema = trainer.schema.model_json_schema() if trainer.schema else {}
    other = schema_form.other_keys(schema, data) if schema else {}
    words = trainer.title.partition(":")[2].strip()
    return Form(
        trainer=trainer.name,
        trainer_title=trainer.title.partition(":")[0],
        trainer_words=f"{words[:1].upper()}{words[1:]}." if words else "",
        groups=tuple(schema_form.groups(schema, data)),
        other=written(other) if other else "",
        takes_other=bool(other) or schema_form.takes_other_keys(schema),
        text=written(data),
    )


def written(data: Any) -> str:
    """Return data as people read JSON."""
    return json.dumps(data, indent=2, ensure_ascii=False)


def revision_lines(
    found: Sequence[Revision], names: Mapping[int, str], newest: int
) -> Iterator[RevisionLine]:
    """Return revisions, newest first."""
    for one in found:
        author = person(one.author_id, names)
        yield RevisionLine(
            one.number, author, one.note, one.created_at, is_newest=one.number == newest
        )
