"""`flask st policy`: everything that governs this server as YAML files, exported, planned, tested
and applied.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ..errors import Malformed
from .outcome import CliError, ExitCode
from .output import confirm, say
from .state import load_app

HERE = click.argument(
    "place", type=click.Path(exists=True, path_type=Path), default=Path("policy"), required=False
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document.")


@click.group()
def policy() -> None:
    """Levels, organisations, teams and every rule as YAML files.

    PLACE is a folder with one file per part (levels.yaml, orgs.yaml, resource_rules.yaml …), or one
    file with all of them. A part that is left out stays as it is. Tests stand in tests.yaml.
    """


@policy.command()
@click.argument("place", type=click.Path(path_type=Path), required=False)
def export(place: Path | None) -> None:
    """Write what is in force into the folder PLACE, or print it as one file."""
    from ..services.policy_parts import applying, files, parts

    with _app():
        documents = applying.export(applying.CONSOLE)
        titles = {name: part.title for name, part in parts.known().items()}
    if place is None:
        click.echo(files.dump(documents), nl=False)
        return
    place.mkdir(parents=True, exist_ok=True)
    for name, text in files.write(documents, titles).items():
        (place / name).write_text(text, "utf-8")
    say(f"{len(documents)} parts written to {place}")


@policy.command()
@HERE
@click.option("--days", type=click.IntRange(0, 365), default=30, show_default=True)
@AS_JSON
def plan(place: Path, days: int, as_json: bool) -> None:
    """Show what the files in PLACE change, and what they would have done to recent submissions."""
    from ..services.policy_parts import applying, planning

    with _app():
        found = planning.plan(applying.CONSOLE, _tree(place), days)
    _show(found, as_json)


@policy.command()
@HERE
@click.option("-f", "--force", is_flag=True, help="Do not ask.")
@AS_JSON
def apply(place: Path, force: bool, as_json: bool) -> None:
    """Put the files in PLACE in force, all of them or nothing; their tests run first."""
    from ..actor import Actor, acting
    from ..services.policy_parts import applying, planning

    with _app(), acting(Actor(name="flask st policy apply", door="cli")):
        tree = _tree(place)
        found = planning.plan(applying.CONSOLE, tree)
        if found.changes_anything and not force:
            click.echo(planning.text_of(found), err=True)
            confirm("Put this in force?", force)
        applied = applying.apply(applying.CONSOLE, tree, expected=found.digest_before)
    _show(applied, as_json)
    say("in force" if applied.changes_anything else "nothing was changed")


@policy.command()
@HERE
@AS_JSON
def test(place: Path, as_json: bool) -> None:
    """Run the tests beside the policy in PLACE; exit code 1 when one fails."""
    from ..services.policy_parts import applying, planning

    with _app():
        found = planning.plan(applying.CONSOLE, _tree(place), 0)
    results = [asdict(each) for each in found.results]
    if as_json:
        click.echo(json.dumps({"tests": results}, ensure_ascii=False))
    else:
        for each in found.results:
            click.echo(f"{'passed' if each.passed else 'FAILED'}  {each.name}: {each.text}")
    failed = sum(not each.passed for each in found.results)
    if failed:
        raise CliError(f"{failed} of {len(results)} policy tests fail")
    say(f"{len(results)} policy tests pass")


@contextmanager
def _app() -> Iterator[None]:
    """Work on this machine's state. Raises CliError with file and line of what does not fit."""
    from ..boot import prepare

    app = load_app()
    prepare(app)
    try:
        with app.app_context():
            yield
    except Malformed as error:
        for wrong in error.fields:
            say(f"{wrong['path']}: {wrong['message']}")
        count = len(error.fields)
        places = "one place does" if count == 1 else f"{count} places do"
        raise CliError(f"the policy cannot be read: {places} not fit", ExitCode.USAGE) from error


def _tree(place: Path) -> Any:
    """Return the tree of a folder or file. Raises CliError when it holds no YAML."""
    from ..services.policy_parts import files, parts

    paths = (
        sorted(place.glob("*.yaml")) + sorted(place.glob("*.yml")) if place.is_dir() else [place]
    )
    if not paths:
        raise CliError(f"{place} holds no .yaml file", ExitCode.USAGE)
    try:
        texts = {path.name: path.read_text("utf-8") for path in paths}
    except (OSError, UnicodeDecodeError) as error:
        raise CliError(f"{place} cannot be read: {error}", ExitCode.USAGE) from error
    return files.read(texts, parts.known())


def _show(found: Any, as_json: bool) -> None:
    from ..services.policy_parts import planning

    if not as_json:
        click.echo(planning.text_of(found))
        return
    shown = {
        "changes_anything": found.changes_anything,
        "passes": found.passes,
        "digest_before": found.digest_before,
        "digest_after": found.digest_after,
        "parts": [asdict(part) for part in found.parts],
        "tests": [asdict(each) for each in found.results],
    }
    click.echo(json.dumps(shown, ensure_ascii=False, default=str))
