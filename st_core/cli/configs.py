"""`simpletuner configs …`: named, versioned sets of parameters."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import click

from .client import Client, with_client
from .outcome import CliError, ExitCode, leave
from .output import Output, confirm, output_options, print_json, say
from .submitting import read_config, with_changes

COLUMNS = {
    "config": "name",
    "trainer": "trainer",
    "revision": "revision",
    "by": "owner",
    "changed": "updated_at",
    "description": "description",
}
SAVED = {"config": "name", "revision": "revision", "trainer": "trainer"}
RESTORED = {"config": "config_name", "revision": "number"}
REVISIONS = {"revision": "number", "by": "author", "saved": "created_at", "note": "note"}
CHANGES = {"parameter": "path", "before": "before", "after": "after", "kind": "kind"}


@click.group()
def configs() -> None:
    """Make, change, compare and share configs."""


@configs.command("list")
@click.option("-q", "--search", help="Only names and descriptions with these words.")
@click.option("--trainer", help="Only configs for this trainer.")
@click.option("-l", "--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@output_options()
@with_client
def list_configs(
    client: Client, search: str | None, trainer: str | None, limit: int, out: Output
) -> None:
    """List the stored configs."""
    found = client.get("/api/configs", q=search, trainer=trainer, limit=limit)
    out.rows(found, "configs", COLUMNS)


@configs.command()
@click.argument("name")
@click.option("-r", "--revision", type=int, help="As it was in this revision.")
@output_options()
@with_client
def show(client: Client, name: str, revision: int | None, out: Output) -> None:
    """Print one config's parameters as JSON; with --format json also what else is known of it."""
    path = f"/api/configs/{name}" + (f"/revisions/{revision}" if revision else "")
    config = client.get(path)
    if out.is_json or out.fields:
        out.one(config, {})
    else:
        print_json(config["data"])


@configs.command()
@click.argument("name")
@click.option("--trainer", required=True, help="What will run it.")
@click.option("--from", "source", type=click.Path(path_type=Path), help="A JSON or YAML file.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Set a parameter.")
@click.option("-m", "--note", default="", help="Why, for the list of revisions.")
@click.option("--description", default="", help="What it is for.")
@output_options()
@with_client
def create(
    client: Client,
    name: str,
    trainer: str,
    source: Path | None,
    changes: tuple[str, ...],
    note: str,
    description: str,
    out: Output,
) -> None:
    """Store a new config."""
    data = with_changes(read_config(source) if source else {}, changes)
    body = {
        "name": name,
        "trainer": trainer,
        "data": data,
        "note": note,
        "description": description,
    }
    out.one(client.post("/api/configs", body), SAVED)


@configs.command()
@click.argument("name")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Set a parameter.")
@click.option("--unset", "removed", multiple=True, metavar="KEY", help="Take the default again.")
@click.option("-m", "--note", default="", help="Why, for the list of revisions.")
@output_options()
@with_client
def edit(
    client: Client,
    name: str,
    changes: tuple[str, ...],
    removed: tuple[str, ...],
    note: str,
    out: Output,
) -> None:
    """Change a config: in your editor, or with --set and --unset. Every save is a revision."""
    stored = client.get(f"/api/configs/{name}")
    if changes or removed:
        data = with_changes(stored["data"], changes)
        for key in removed:
            data.pop(key, None)
    else:
        data = _in_editor(stored["data"])
    if data == stored["data"]:
        say("nothing changed")
        return
    body = {"data": data, "note": note, "expected_revision": stored["revision"]}
    out.one(client.call("PUT", f"/api/configs/{name}", body), SAVED)


def _in_editor(data: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters as the person left them in $EDITOR."""
    import json

    text = json.dumps(data, indent=2, ensure_ascii=False)
    edited = click.edit(text, extension=".json")
    if edited is None:
        return data
    try:
        changed = json.loads(edited)
    except ValueError as error:
        raise CliError(f"that is not JSON: {error}", ExitCode.USAGE) from error
    if not isinstance(changed, dict):
        raise CliError("a config is a JSON object of parameters", ExitCode.USAGE)
    return changed


@configs.command()
@click.argument("name")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="As if it were so.")
@output_options()
@with_client
def validate(client: Client, name: str, changes: tuple[str, ...], out: Output) -> None:
    """Tell every problem of a stored config or a file, each at its parameter."""
    stored = client.get(f"/api/configs/{name}") if changes else {}
    body = {"data": with_changes(stored["data"], changes)} if changes else {}
    answer = client.post(f"/api/configs/{name}/validate", body)
    if out.is_json or out.fields:
        out.one(answer, {})
    for error in answer["errors"]:
        say(f"{error['path']}: {error['message']}")
    if answer["valid"]:
        say(f"{name} is fine")
    leave(ExitCode.OK if answer["valid"] else ExitCode.FAILED)


@configs.command()
@click.argument("name")
@click.argument("old", type=int, required=False)
@click.argument("new", type=int, required=False)
@output_options()
@with_client
def diff(client: Client, name: str, old: int | None, new: int | None, out: Output) -> None:
    """Show how revision OLD differs from NEW; without numbers, the last change."""
    answer = client.get(f"/api/configs/{name}/diff", **{"from": old, "to": new})
    out.rows(answer, "changes", CHANGES)


@configs.command()
@click.argument("name")
@output_options()
@with_client
def revisions(client: Client, name: str, out: Output) -> None:
    """List every saved state of a config, newest first."""
    out.rows(client.get(f"/api/configs/{name}/revisions"), "revisions", REVISIONS)


@configs.command()
@click.argument("name")
@click.argument("revision", type=int)
@click.option("-m", "--note", default="", help="Why, for the list of revisions.")
@output_options()
@with_client
def restore(client: Client, name: str, revision: int, note: str, out: Output) -> None:
    """Make an old revision the newest one again."""
    path = f"/api/configs/{name}/revisions/{revision}/restore"
    out.one(client.post(path, {"note": note}), RESTORED)


@configs.command("import")
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option("--trainer", help="What will run it, when the file does not say.")
@click.option("--overwrite", is_flag=True, help="Save a new revision where a name exists.")
@output_options()
@with_client
def import_(
    client: Client, source: Path, trainer: str | None, overwrite: bool, out: Output
) -> None:
    """Take in a JSON file, a zip, or a folder of SimpleTuner's own configs."""
    name, data = _packed(source)
    query = {"trainer": trainer, "overwrite": overwrite or None}
    taken = client.upload("/api/configs/import", name, data, **query)
    out.rows(taken, "configs", COLUMNS)
    for note in taken.get("notes") or ():
        say(f"note: {note}")


def _packed(source: Path) -> tuple[str, bytes]:
    """Return a file as it is, a folder as a zip of its JSON files; links are left out."""
    if source.is_file():
        return source.name, source.read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(source.rglob("*.json")):
            if path.is_file() and not path.is_symlink():
                archive.write(path, Path(source.resolve().name) / path.relative_to(source))
    return f"{source.resolve().name}.zip", packed.getvalue()


@configs.command()
@click.argument("name")
@click.argument("target", type=click.Path(path_type=Path), required=False)
@with_client
def export(client: Client, name: str, target: Path | None) -> None:
    """Write a config as a zip in SimpleTuner's own form. [NAME.zip]"""
    content, _kind = client.download(f"/api/configs/{name}/export")
    path = target or Path(f"{name}.zip")
    path.write_bytes(content)
    say(f"written: {path}")


@configs.command()
@click.argument("name")
@click.option("-f", "--force", is_flag=True, help="Do not ask.")
@with_client
def delete(client: Client, name: str, force: bool) -> None:
    """Delete a config with all its revisions; jobs keep their own copy."""
    confirm(f"Delete config {name} with all its revisions?", force)
    client.call("DELETE", f"/api/configs/{name}")
    say(f"config {name} deleted")
