"""`flask st …`: look after this machine's state without a running server."""

from __future__ import annotations

import click

from .. import docs_blocks, reference, schema
from ..errors import StError
from ..services import settings as settings_service
from .outcome import CliError, ExitCode
from .output import Output, confirm, output_options, say
from .state import load_app

SETTING_COLUMNS = {
    "setting": "key",
    "value": "value",
    "source": "source",
    "unit": "unit",
    "environment": "env",
    "owner": "owner",
}
PLUGIN_COLUMNS = {
    "plugin": "name",
    "version": "version",
    "from": "distribution",
    "enabled": "enabled",
    "what it does": "summary",
}
CHECK_COLUMNS = {"check": "check", "result": "result", "detail": "detail"}


@click.command()
@click.option("--plugin", help="Only this plugin's tables; `core` for the core's.")
def migrate(plugin: str | None) -> None:
    """Bring the database to this version: the core's tables first, then each plugin's."""
    moved = schema.upgrade(load_app(), plugin)
    say(f"migrated: {', '.join(moved)}" if moved else "nothing to migrate")


@click.command()
@click.option("--markdown", is_flag=True, help="Print the table of the documentation.")
@click.option("--owner", help="Only the settings of `core` or of this plugin.")
@output_options()
def settings(markdown: bool, owner: str | None, out: Output) -> None:
    """List every setting with its value, where the value is from, and its meaning."""
    app = load_app()
    if markdown:
        click.echo(reference.settings_markdown(app.extensions["st"].settings, owner))
        return
    with app.app_context():
        rows = [row for row in settings_service.describe() if owner in (None, row["owner"])]
    out.rows({"settings": rows}, "settings", SETTING_COLUMNS)


@click.command()
@click.option("--markdown", is_flag=True, help="Print the tables of the documentation.")
@output_options()
def hooks(markdown: bool, out: Output) -> None:
    """List every hook a plugin may answer, and who does."""
    if markdown:
        click.echo(reference.hooks_markdown())
        return
    manager = load_app().extensions["st"].plugins
    names = [name for group in reference.hook_names().values() for name in group]
    rows = [{"hook": name, **_hook(name, manager.implementers(name))} for name in names]
    columns = {"hook": "hook", "what it does": "summary", "answered by": "answered_by"}
    out.rows({"hooks": rows}, "hooks", columns)


def _hook(name: str, plugins: list[str]) -> dict[str, str]:
    return {"summary": reference.hook_parts(name)["summary"], "answered_by": ", ".join(plugins)}


@click.command()
@output_options()
def check(out: Output) -> None:
    """Check configuration, plugins, database and generated docs; exit code 1 when something is
    wrong.
    """
    app = (
        load_app()
    )  # configuration, plugins, settings: a wrong one has stopped us with its own line
    manager = app.extensions["st"].plugins
    behind = [lineage.owner for lineage, _, _ in schema.pending(app)]
    old = [path.name for path in docs_blocks.stale(app)]
    rows = [
        _finding(
            "configuration", True, str(app.extensions["st"].settings.file or "no file, defaults")
        ),
        _finding("plugins", True, ", ".join(manager.enabled)),
        _finding(
            "database", not behind, f"flask st migrate ({', '.join(behind)})" if behind else ""
        ),
        _finding("docs", not old, f"flask st docs ({', '.join(old)})" if old else ""),
    ]
    out.rows({"checks": rows}, "checks", CHECK_COLUMNS)
    if behind or old:
        raise CliError("something needs attention, see above")


def _finding(name: str, fine: bool, detail: str) -> dict[str, str]:
    return {"check": name, "result": "ok" if fine else "wrong", "detail": detail}


@click.command()
@click.option(
    "--check", "only_check", is_flag=True, help="Change nothing; fail when a block is old."
)
def docs(only_check: bool) -> None:
    """Write the generated tables into the README files of this checkout."""
    app = load_app()
    changed = docs_blocks.stale(app) if only_check else docs_blocks.renew(app)
    for path in changed:
        say(f"{'old' if only_check else 'renewed'}: {path}")
    if only_check and changed:
        raise CliError("the documentation is older than the code; run `flask st docs`")


@click.group(invoke_without_command=True)
@output_options()
@click.pass_context
def plugins(ctx: click.Context, out: Output) -> None:
    """List the installed plugins; `purge` drops one's tables."""
    if ctx.invoked_subcommand is not None:
        return
    app = load_app()
    out.rows({"plugins": app.extensions["st"].plugins.describe()}, "plugins", PLUGIN_COLUMNS)
    for name in schema.left_behind(app):
        say(f"tables left behind: {name}_*  (enable {name} to use them again, or purge it)")


@plugins.command("list")
@output_options()
@click.pass_context
def list_plugins(ctx: click.Context, out: Output) -> None:
    """List the installed plugins."""
    ctx.invoke(plugins, form=out.form, fields=",".join(out.fields))


@plugins.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def purge(name: str, yes: bool) -> None:
    """Drop every table of one plugin with its rows; it must still be installed and enabled."""
    app = load_app()
    if name not in app.extensions["st"].plugins.installed:
        raise CliError(f"no plugin named {name!r} is installed", ExitCode.NOT_FOUND)
    confirm(f"Drop every table of {name}, with all rows?", yes)
    schema.purge(app, name)
    say(f"{name}: tables dropped")


@click.group("api-keys")
def api_keys() -> None:
    """Make API keys for the local owner of this machine's server."""


@api_keys.command()
@click.argument("name")
@click.option("--expires-days", type=click.IntRange(1, 3650), help="Days until it ends. [never]")
def create(name: str, expires_days: int | None) -> None:
    """Make a key called NAME and print it, this once, alone on standard output."""
    from ..boot import prepare
    from ..services import api_keys as service
    from ..services import users

    app = load_app()
    prepare(app)
    with app.app_context():
        _, key = service.create(users.local_owner().id, name, expires_days=expires_days)
    click.echo(key)


__all__ = ["StError", "api_keys", "check", "docs", "hooks", "migrate", "plugins", "settings"]
