"""The command line: `simpletuner …` talks to a server or starts one, `flask st …` works on this
machine's state.

Commands that talk to a server never import the application; `lazy` sees to that.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from .. import __version__
from .address import DEFAULT_PORT, Address
from .lazy import LazyGroup
from .outcome import CliError, ExitCode, exit_code_help

if TYPE_CHECKING:
    from .state import st as st

__all__ = ["cli", "main", "st"]

HERE = "st_core.cli"
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(
    "simpletuner",
    cls=LazyGroup,
    context_settings=SETTINGS,
    epilog=exit_code_help(),
    lazy={
        "server": (f"{HERE}.server:server", "Start the server."),
        "quickstart": (f"{HERE}.quickstart:quickstart", "Start a server and train the sample."),
        "jobs": (f"{HERE}.jobs:jobs", "Submit, follow, stop and list jobs."),
        "configs": (f"{HERE}.configs:configs", "Make, change, compare and share configs."),
        "queue": (f"{HERE}.queue:queue", "See and steer the queue."),
        "quota": (f"{HERE}.quota:quota", "See and set ceilings of people, teams, organisations."),
        "auth": (f"{HERE}.auth:auth", "People: accounts, levels, keys, organisations."),
        "cloud": (f"{HERE}.cloud:cloud", "Jobs at a provider, by the older commands' names."),
        "plugins": (f"{HERE}.plugins:plugins", "See which plugins the server runs."),
        "status": (f"{HERE}.status:status", "Tell whether the server is well."),
        "version": (
            f"{HERE}.status:version",
            "Print the version of this command and of the server.",
        ),
        "completion": (f"{HERE}.completion:completion", "Print the script for shell completion."),
        "help": (f"{HERE}.reference:help_command", "Print every command at once."),
    },
)
@click.version_option(__version__, "-v", "--version", prog_name="simpletuner")
@click.option(
    "--host",
    envvar="SIMPLETUNER_HOST",
    show_envvar=True,
    default="127.0.0.1",
    show_default=True,
    help="Where the server is.",
)
@click.option(
    "--port",
    envvar="SIMPLETUNER_PORT",
    show_envvar=True,
    default=DEFAULT_PORT,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Its port.",
)
@click.option(
    "--ssl", is_flag=True, envvar="SIMPLETUNER_SSL_ENABLED", show_envvar=True, help="Use https."
)
@click.option(
    "--ssl-no-verify",
    is_flag=True,
    envvar="SIMPLETUNER_SSL_NO_VERIFY",
    show_envvar=True,
    help="Accept any certificate.",
)
@click.option("--api-key", envvar="SIMPLETUNER_API_KEY", hidden=True, default="")
@click.pass_context
def cli(
    ctx: click.Context, host: str, port: int, ssl: bool, ssl_no_verify: bool, api_key: str
) -> None:
    """Train models with a governed server: start one, hand it jobs, follow them.

    The API key of commands that talk to a server is read from SIMPLETUNER_API_KEY.
    """
    ctx.obj = Address(host, port, api_key, ssl, verify=not ssl_no_verify)


def __getattr__(name: str) -> Any:
    """Import the group `st` on first use: it needs Flask, which `simpletuner jobs …` does not."""
    if name == "st":
        from .state import st

        return st
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def main() -> None:
    """Run `simpletuner` and end the process with the exit code of the table in `outcome`."""
    try:
        result = cli.main(prog_name="simpletuner", standalone_mode=False)
        code = result if isinstance(result, int) else ExitCode.OK
    except CliError as error:
        error.show()
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("simpletuner: interrupted", err=True)
        code = ExitCode.INTERRUPTED
    sys.exit(int(code))
