"""`simpletuner cloud cost-limit …` and `cloud config …`: what a provider may cost, its settings."""

from __future__ import annotations

import json
from typing import Any

import click

from .client import Client, with_client
from .outcome import CliError, ExitCode
from .output import Output, output_options, say

COLUMNS = {
    "for": "name",
    "on": "enabled",
    "limit (USD)": "limit_amount",
    "period": "period",
    "when reached": "action",
    "spent (USD)": "spent",
    "held (USD)": "held",
    "used (%)": "percent_used",
    "reached": "is_exceeded",
    "at this rate reached": "reached_at",
    "note": "message",
}
provider = click.option(
    "-p", "--provider", default="local_gpu", show_default=True, help="Whose it is."
)


@click.group("cost-limit")
def cost_limit() -> None:
    """What a provider may cost."""


@cost_limit.command("show")
@provider
@output_options()
@with_client
def show_limit(client: Client, provider: str, out: Output) -> None:
    """Show the limit and how it stands."""
    out.one(client.get("/api/cloud/cost-limit/status", provider=provider), COLUMNS)


@cost_limit.command("set")
@provider
@click.option("-a", "--amount", type=click.FloatRange(0), help="US dollars per period.")
@click.option("--period", type=click.Choice(["daily", "weekly", "monthly"]))
@click.option(
    "--action", type=click.Choice(["warn", "block", "notify", "require_approval", "disable"])
)
@with_client
def set_limit(
    client: Client, provider: str, amount: float | None, period: str | None, action: str | None
) -> None:
    """Set the limit; `--action disable` switches it off."""
    body: dict[str, Any] = {"cost_limit_enabled": action != "disable"}
    given = {"amount": amount, "period": period, "action": action if action != "disable" else None}
    body |= {f"cost_limit_{name}": value for name, value in given.items() if value is not None}
    client.call("PUT", f"/api/cloud/providers/{provider}/config", body)
    say(f"The cost limit of {provider} is {'off' if action == 'disable' else 'set'}.")


@click.group("config")
def config() -> None:
    """A provider's settings."""


@config.command("show")
@provider
@output_options()
@with_client
def show_config(client: Client, provider: str, out: Output) -> None:
    """Show the settings that are in force."""
    found = client.get(f"/api/cloud/providers/{provider}/config")["config"]
    out.one(found, {name: name for name in found})


@config.command("set")
@provider
@click.argument("key")
@click.argument("value", required=False)
@with_client
def set_config(client: Client, provider: str, key: str, value: str | None) -> None:
    """Set one setting; VALUE is JSON, or a plain text. Without it the setting is emptied."""
    if not key.replace("_", "").isalnum():
        raise CliError(f"{key!r} is no name of a setting", ExitCode.USAGE)
    client.call("PUT", f"/api/cloud/providers/{provider}/config", {key: _value(value)})
    say(f"{key} of {provider} is set.")


def _value(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text
