"""`simpletuner auth users rules …`: which configs, hardware, providers and output paths the people
of a level may use."""

from __future__ import annotations

from typing import Any

import click

from .auth_users import ROOT, names
from .client import Client, with_client
from .output import Output, confirm, output_options, say

URL = f"{ROOT}/resource-rules"
COLUMNS = {
    "id": "id",
    "rule": "name",
    "type": "resource_type",
    "says": "action",
    "pattern": "pattern",
    "governs": "levels",
    "mode": "mode",
    "priority": "priority",
}
SHEET = {**COLUMNS, "description": "description"}
TRIED = {"allowed": "allowed", "decided by": "rule", "because": "text", "levels": "levels"}
RULE_ID = click.argument("rule_id", type=click.IntRange(1))
LEVEL_ID = click.argument("level_id", type=click.IntRange(1))
TYPE = click.Choice(["config", "hardware", "provider", "output_path"])


def fields(required: bool) -> Any:
    """Add the options that describe a rule; a new one needs name, type and pattern."""

    def decorate(command: Any) -> Any:
        for option in reversed(
            [
                click.option("--name", required=required, help="What it is called."),
                click.option("--type", "resource_type", required=required, type=TYPE),
                click.option("--pattern", required=required, help="A glob such as team-x-*."),
                click.option("--action", type=click.Choice(["allow", "deny"])),
                click.option("--priority", type=click.IntRange(0, 1000), help="Orders lists."),
                click.option("--description", help="What it is for."),
                click.option(
                    "--mode",
                    type=click.Choice(["enforce", "shadow"]),
                    help="In shadow it is recorded and never acts.",
                ),
                click.option("--levels", "held", help="Whom it governs, names with commas."),
            ]
        ):
            command = option(command)
        return command

    return decorate


@click.group()
def rules() -> None:
    """Say which configs, hardware, providers and output paths people of a level may use."""


@rules.command("list")
@click.option("--type", "resource_type", type=TYPE, help="Only rules of this type.")
@output_options()
@with_client
def list_rules(client: Client, resource_type: str | None, out: Output) -> None:
    """List rules with the levels they govern."""
    out.rows(client.get(URL, resource_type=resource_type), "rules", COLUMNS)


@rules.command()
@fields(required=True)
@output_options()
@with_client
def create(client: Client, held: str | None, out: Output, **asked: Any) -> None:
    """Make a rule; until a level has it, it governs nobody."""
    out.one(client.post(URL, _body(held, asked)), SHEET)


@rules.command()
@RULE_ID
@fields(required=False)
@output_options()
@with_client
def update(client: Client, rule_id: int, held: str | None, out: Output, **asked: Any) -> None:
    """Change a rule; what is not named stays."""
    out.one(client.call("PUT", f"{URL}/{rule_id}", _body(held, asked)), SHEET)


@rules.command()
@RULE_ID
@click.option("-f", "--force", is_flag=True, help="Do not ask.")
@with_client
def delete(client: Client, rule_id: int, force: bool) -> None:
    """Delete a rule."""
    confirm(f"Delete resource rule {rule_id}?", force)
    client.call("DELETE", f"{URL}/{rule_id}")
    say(f"resource rule {rule_id} deleted")


@rules.command()
@LEVEL_ID
@RULE_ID
@with_client
def assign(client: Client, level_id: int, rule_id: int) -> None:
    """Let a rule govern a level."""
    client.post(f"{ROOT}/levels/{level_id}/rules/{rule_id}")
    say(f"resource rule {rule_id} governs level {level_id}")


@rules.command()
@LEVEL_ID
@RULE_ID
@with_client
def remove(client: Client, level_id: int, rule_id: int) -> None:
    """Let a rule govern a level no more."""
    client.call("DELETE", f"{ROOT}/levels/{level_id}/rules/{rule_id}")
    say(f"resource rule {rule_id} governs level {level_id} no more")


@rules.command()
@click.option("--user", "username", help="Somebody with an account.")
@click.option("--levels", "held", help="Levels instead, names with commas.")
@click.option("--config", "config_name", default="", help="The config they would run.")
@click.option("--hardware", default="", help="The hardware it would run on.")
@click.option("--provider", default="", help="Where it would run.")
@click.option("--output-path", help="Where it would write.")
@output_options()
@with_client
def test(client: Client, held: str | None, out: Output, **asked: Any) -> None:
    """Tell whether somebody may run something, and which rule decides."""
    out.one(client.post(f"{URL}/test", _body(held, asked)), TRIED)


def _body(held: str | None, asked: dict[str, Any]) -> dict[str, Any]:
    """Return what was given as a request's body."""
    given = {name: value for name, value in asked.items() if value is not None}
    return given if held is None else {**given, "levels": names(held)}
