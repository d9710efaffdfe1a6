"""`simpletuner auth orgs quotas …`: ceilings of organisations and teams."""

from __future__ import annotations

from typing import Any

import click

from .client import Client, with_client
from .output import Output, output_options
from .quota import COLUMNS, ceiling_options, set_ceiling

ROOT = "/api/orgs"


@click.command()
@click.argument("org_id", type=int)
@output_options()
@with_client
def quotas(client: Client, org_id: int, out: Output) -> None:
    """List an organisation's ceilings."""
    out.rows(client.get(f"{ROOT}/{org_id}/quotas"), "quotas", COLUMNS)


@click.command("set-quota")
@click.argument("org_id", type=int)
@ceiling_options
@output_options(short=False)
@with_client
def set_quota(client: Client, org_id: int, out: Output, **asked: Any) -> None:
    """Set a ceiling of an organisation."""
    set_ceiling(client, f"{ROOT}/{org_id}/quotas", asked, out)


@click.command("team-quotas")
@click.argument("org_id", type=int)
@click.argument("team_id", type=int)
@output_options()
@with_client
def team_quotas(client: Client, org_id: int, team_id: int, out: Output) -> None:
    """List a team's ceilings."""
    out.rows(client.get(f"{ROOT}/{org_id}/teams/{team_id}/quotas"), "quotas", COLUMNS)


@click.command("team-set-quota")
@click.argument("org_id", type=int)
@click.argument("team_id", type=int)
@ceiling_options
@output_options(short=False)
@with_client
def team_set_quota(client: Client, org_id: int, team_id: int, out: Output, **asked: Any) -> None:
    """Set a ceiling of a team; not above its organisation's."""
    set_ceiling(client, f"{ROOT}/{org_id}/teams/{team_id}/quotas", asked, out)
