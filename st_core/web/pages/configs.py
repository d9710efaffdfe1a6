"""The pages of configs: the list, the editor, and their revisions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from flask import request, url_for

from ...api.guard import current_viewer
from ...api.routing import page
from ...contracts import Viewer
from ...errors import NotFound, StError
from ...models import Config, Revision
from ...services import configs as service
from ...services import registries, submission, users
from ...services.submission import Draft
from .. import diffs
from ..frame import Crumb, Page, blueprint, render
from ..presenters import config_page, gate_trail

PAGE_ROWS = 50
REVISIONS_BESIDE = 6
MOST_REVISIONS = 100


@dataclass(frozen=True)
class _Shown:
    """The few fields of a config that templates name themselves."""

    name: str
    description: str
    revision: int
    owner: str
    updated_at: datetime


@page(blueprint, "/configs", permission="config.view")
def configs() -> str:
    """Show the configs by name."""
    viewer = current_viewer()
    asked = {name: request.args.get(name, "").strip() for name in ("q", "trainer", "after")}
    found = service.page(
        viewer,
        query=asked["q"] or None,
        trainer=asked["trainer"] or None,
        after=asked["after"] or None,
        limit=PAGE_ROWS + 1,
    )
    more, found = len(found) > PAGE_ROWS, found[:PAGE_ROWS]
    kept: dict[str, Any] = {name: asked[name] for name in ("q", "trainer") if asked[name]}
    return render(
        "configs/list.html",
        Page("Configs", "configs", (Crumb("Work"), Crumb("Configs"))),
        rows=config_page.rows(found, users.display_names(one.owner_id for one in found)),
        asked=asked,
        trainers=[(name, config_page.short_title(name)) for name in registries.trainers()],
        may_create=viewer.may("config.create"),
        may_submit=viewer.may("job.submit"),
        is_first=not asked["after"],
        first_url=url_for("web.configs", **kept),
        next_url=url_for("web.configs", **kept, after=found[-1].name) if more else "",
    )


@page(blueprint, "/configs/new", permission="config.create")
def new_config() -> str:
    """Show an empty form of a trainer, or a copy of a config to save under another name."""
    viewer = current_viewer()
    data: dict[str, Any] = {}
    name, trainer = "", request.args.get("trainer") or next(iter(registries.trainers()), "")
    if copied := request.args.get("copy"):
        revision = service.revision(viewer, copied)
        data, trainer, name = revision.data, service.get(viewer, copied).trainer, f"{copied}-copy"
    crumbs = (Crumb("Configs", url_for("web.configs")), Crumb("New"))
    return _editor(viewer, None, trainer, data, Page("New config", "configs", crumbs), name)


@page(blueprint, "/configs/<name>", permission="config.view")
def config(name: str) -> str:
    """Show a config in its editor, and what would happen if it were submitted."""
    viewer = current_viewer()
    found = service.get(viewer, name)
    crumbs = (Crumb("Configs", url_for("web.configs")), Crumb(name))
    data = service.revision(viewer, name).data
    return _editor(viewer, found, found.trainer, data, Page(f"Config {name}", "configs", crumbs))


def _editor(
    viewer: Viewer,
    found: Config | None,
    trainer_name: str,
    data: dict[str, Any],
    frame: Page,
    suggested_name: str = "",
) -> str:
    form = config_page.form(trainer_name, data)
    view = "json" if request.args.get("view") == "json" or not form.groups else "form"
    readonly = _readonly_because(viewer, found, trainer_name)
    kept = {key: value for key, value in request.args.items() if key != "view"}
    return render(
        "configs/edit.html",
        frame,
        config=_shown(found) if found else None,
        form=form,
        view=view,
        queries={one: _query(kept, one) for one in ("form", "json")},
        trainers=_trainers() if found is None and not suggested_name else [],
        suggested_name=suggested_name,
        readonly_because=readonly,
        may_edit=not readonly,
        may_create=viewer.may("config.create"),
        may_delete=found is not None and service.may(viewer, found, "config.delete"),
        may_submit=viewer.may("job.submit"),
        save_url=f"/api/configs/{quote(found.name)}" if found else "/api/configs",
        save_method="PUT" if found else "POST",
        trail=_dry_run(viewer, trainer_name, data),
        revisions=_revisions(viewer, found) if found else [],
    )


def _query(kept: dict[str, str], view: str) -> str:
    return "&".join(f"{key}={value}" for key, value in {**kept, "view": view}.items())


def _readonly_because(viewer: Viewer, found: Config | None, trainer_name: str) -> str:
    if trainer_name not in registries.trainers():
        what = f"The trainer {trainer_name} is not" if trainer_name else "No trainer is"
        return f"{what} enabled on this server. Enable the plugin that brings it to edit configs."
    if found is None or service.may(viewer, found, "config.edit"):
        return ""
    return (
        "You can read this config but not change it: that needs config.edit.all, "
        "or config.edit.own on your own. Make a copy to change."
    )


def _trainers() -> list[dict[str, str]]:
    return [
        {"name": name, "title": config_page.short_title(name)} for name in registries.trainers()
    ]


def _shown(found: Config) -> _Shown:
    owner = config_page.person(found.owner_id, users.display_names([found.owner_id]))
    return _Shown(found.name, found.description, found.revision, owner, found.updated_at)


def _dry_run(viewer: Viewer, trainer: str, data: dict[str, Any]) -> list[gate_trail.GateLine]:
    provider = next(iter(registries.providers()), "")
    draft = Draft(provider=provider, config=data, trainer=trainer, config_name="draft")
    try:
        return gate_trail.of_results(submission.dry_run(viewer, draft))
    except StError as error:
        return gate_trail.failed(error)


def _revisions(viewer: Viewer, found: Config) -> list[config_page.RevisionLine]:
    rows = service.revisions(viewer, found.name, limit=REVISIONS_BESIDE)
    return list(config_page.revision_lines(rows, _authors(rows), found.revision))


def _authors(rows: list[Revision]) -> dict[int, str]:
    return users.display_names(row.author_id for row in rows)


@page(blueprint, "/configs/<name>/revisions", permission="config.view")
def config_revisions(name: str) -> str:
    """Compare two revisions of a config, the newest two unless the URL names others."""
    found = service.get(current_viewer(), name)
    to = request.args.get("to", type=int) or found.revision
    from_ = request.args.get("from", type=int) or max(to - 1, 1)
    return _compared(found, from_, to, shown=None)


@page(blueprint, "/configs/<name>/revisions/<int:number>", permission="config.view")
def config_revision(name: str, number: int) -> str:
    """Show one revision: what it changed, and its content."""
    found = service.get(current_viewer(), name)
    return _compared(found, max(number - 1, 1), number, shown=number)


def _compared(found: Config, from_: int, to: int, *, shown: int | None) -> str:
    viewer = current_viewer()
    rows = service.revisions(viewer, found.name, limit=MOST_REVISIONS)
    old, new = _one(rows, viewer, found, from_), _one(rows, viewer, found, to)
    restorable = shown and shown != found.revision and service.may(viewer, found, "config.edit")

    def link(number: int) -> str:
        exists = shown and 1 <= number <= found.revision
        return url_for("web.config_revision", name=found.name, number=number) if exists else ""

    crumb = f"Revision {shown}" if shown else "Revisions"
    title = f"{found.name}, revision {shown}" if shown else f"Revisions of {found.name}"
    return render(
        "configs/revisions.html",
        Page(
            title,
            "configs",
            (
                Crumb("Configs", url_for("web.configs")),
                Crumb(found.name, url_for("web.config", name=found.name)),
                Crumb(crumb),
            ),
        ),
        title=title,
        sub=_said(new) if shown else "Every save is kept. Choose two to see what differs.",
        name=found.name,
        restore=shown if restorable else None,
        lines=diffs.compare(old.data, new.data).lines,
        diff_title=f"From revision {from_} to {to}" if from_ != to else f"Revision {to}",
        text=config_page.written(new.data) if shown else "",
        shown=shown,
        revisions=list(config_page.revision_lines(rows, _authors(rows), found.revision)),
        from_=from_,
        to=to,
        previous_url=link(to - 1),
        next_url=link(to + 1),
    )


def _said(revision: Revision) -> str:
    author = config_page.person(revision.author_id, users.display_names([revision.author_id]))
    return f"Saved by {author}{f': {revision.note}' if revision.note else ''}."


def _one(rows: list[Revision], viewer: Viewer, found: Config, number: int) -> Revision:
    if number < 1:
        raise NotFound(f"config {found.name!r} has no revision {number}")
    at_hand = next((row for row in rows if row.number == number), None)
    return at_hand or service.revision(viewer, found.name, number)
