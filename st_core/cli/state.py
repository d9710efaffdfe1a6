"""The group `flask st`: it makes its own app, so that it works from any folder and without
FLASK_APP.

Commands of plugins (hook `st_commands`) join the built-in ones.
"""

from __future__ import annotations

from typing import Any

import click
from flask import Flask
from flask.cli import ScriptInfo

from ..errors import StError
from .lazy import LazyGroup
from .outcome import CliError, ExitCode
from .output import say

HERE = "st_core.cli"


class StateGroup(LazyGroup):
    """A lazy group that adds the plugins' commands and turns our errors into one line."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Return a context whose app is ours, whatever FLASK_APP says."""
        kwargs["obj"] = ScriptInfo(create_app=_create_app, set_debug_flag=False)
        return super().make_context(*args, **kwargs)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the built-in names, then those of enabled plugins."""
        try:
            brought = list(_brought(ctx))
        except CliError as error:  # the overview must not need a working configuration
            say(f"commands of plugins are left out: {error.message}")
            brought = []
        return [*super().list_commands(ctx), *brought]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a built-in command, or one that a plugin brings."""
        return super().get_command(ctx, cmd_name) or _brought(ctx).get(cmd_name)

    def overview(self, name: str) -> str:
        """Return the line shown for `name`."""
        known = name in self.lazy or name in self.commands
        ctx = click.get_current_context()
        return super().overview(name) if known else _brought(ctx)[name].get_short_help_str(100)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what the product refuses on purpose is one line and exit code 2."""
        try:
            return super().invoke(ctx)
        except StError as error:
            raise CliError(error.detail, ExitCode.USAGE) from error


def load_app() -> Flask:
    """Return the app of the current `flask st` command, made once, not booted."""
    return click.get_current_context().ensure_object(ScriptInfo).load_app()


def _create_app() -> Flask:
    from ..app import create_app  # heavy: only commands that need the app pay for it

    return create_app()


def _brought(ctx: click.Context) -> dict[str, click.Command]:
    """Return the plugins' commands by name. Raises CliError when the app cannot be made."""
    try:
        app = ctx.ensure_object(ScriptInfo).load_app()
        plugins = app.extensions["st"].plugins
        found = plugins.collect("st_commands", "name", "command")
    except StError as error:
        raise CliError(error.detail, ExitCode.USAGE) from error
    return {name: command for name, (_, command) in found.items()}


@click.group(
    "st",
    cls=StateGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    lazy={
        "migrate": (f"{HERE}.admin:migrate", "Bring the database to this version."),
        "check": (f"{HERE}.admin:check", "Check configuration, plugins, database and docs."),
        "docs": (f"{HERE}.admin:docs", "Write the generated tables into the READMEs."),
        "settings": (f"{HERE}.admin:settings", "List every setting with its value and source."),
        "hooks": (f"{HERE}.admin:hooks", "List every hook a plugin may answer."),
        "plugins": (f"{HERE}.admin:plugins", "List plugins; purge what one left behind."),
        "api-keys": (f"{HERE}.admin:api_keys", "Make API keys for the local owner."),
        "users": (f"{HERE}.rescue:users", "Let an administrator in who is locked out."),
        "setup-code": (f"{HERE}.setup_code:setup_code", "Print a new code for the first admin."),
        "secrets": (f"{HERE}.secrets:secrets", "Check stored secrets; replace their key."),
        "policy": (f"{HERE}.policy:policy", "Everything that governs, as YAML files."),
        "decisions": (f"{HERE}.decisions:decisions", "Decide the recorded submissions again."),
        "background": (f"{HERE}.background:background", "Run the services without the web."),
        "bench": (f"{HERE}.bench:bench", "Measure the speed budget."),
    },
)
def st() -> None:
    """Look after this machine's SimpleTuner state: database, settings, plugins, services."""
