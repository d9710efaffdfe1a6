"""`simpletuner server`: parse, bind, and hand over to `st_core.serving` or to a supervisor of
several processes.
"""

from __future__ import annotations

import logging
import os
import socket
import sys

import click

from .. import logs
from ..errors import StError
from ..listening import listen, url_of
from ..supervisor import Supervisor
from .outcome import CliError, ExitCode
from .output import say
from .window import show

log = logging.getLogger(__name__)

TLS_ADVICE = """This server speaks plain HTTP; for TLS put nginx in front of it, with these lines:

    listen 443 ssl;
    ssl_certificate     /etc/ssl/certs/simpletuner.crt;
    ssl_certificate_key /etc/ssl/private/simpletuner.key;
    location / {
        proxy_pass http://127.0.0.1:8080;
        proxy_set_header Host $host;
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_http_version 1.1;
        proxy_read_timeout 86400;
    }

Then start it without --ssl: simpletuner server
"""


def _no_tls(ctx: click.Context, _param: click.Parameter, value: object) -> None:
    """Answer any `--ssl…` option with how to get TLS."""
    if value:
        click.echo(TLS_ADVICE, err=True)
        ctx.exit(ExitCode.USAGE)


@click.command()
@click.option("-H", "--host", envvar="SIMPLETUNER_HOST", help="Address to listen on. [127.0.0.1]")
@click.option(
    "-p",
    "--port",
    envvar="SIMPLETUNER_PORT",
    type=click.IntRange(0, 65535),
    help="Port to listen on, 0 for any free one. [8080]",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Server processes that share the port.",
)
@click.option("--webui", is_flag=True, help="Open the page in a window or browser once it answers.")
@click.option(
    "--state-dir",
    type=click.Path(file_okay=False),
    envvar="SIMPLETUNER_STATE_DIR",
    show_envvar=True,
    help="Folder for database, keys and workspaces.",
)
@click.option("--ssl", is_flag=True, callback=_no_tls, expose_value=False, help="Tell how to.")
@click.option("--ssl-key", callback=_no_tls, expose_value=False, hidden=True)
@click.option("--ssl-cert", callback=_no_tls, expose_value=False, hidden=True)
@click.option("--ssl-no-verify", is_flag=True, callback=_no_tls, expose_value=False, hidden=True)
def server(
    host: str | None, port: int | None, processes: int, webui: bool, state_dir: str | None
) -> None:
    """Start the server and run until SIGTERM or Ctrl-C.

    Host and port not given here or in the environment come from simpletuner-enterprise.yaml
    (`server.host`, `server.port`). Running requests finish before it ends; running jobs go on
    without it and are picked up at the next start.
    """
    use_state_dir(state_dir)
    try:
        logs.configure()
        sock = listen(*_place(host, port))
        serve(sock, processes, webui)
    except StError as error:
        raise CliError(error.detail, ExitCode.USAGE) from error


def use_state_dir(folder: str | None) -> None:
    """Let this process and its children keep their state in `folder`."""
    if folder:
        os.environ["SIMPLETUNER_STATE_DIR"] = os.path.abspath(os.path.expanduser(folder))


def _place(host: str | None, port: int | None) -> tuple[str, int]:
    """Return where to listen: as given, else as the configuration file says, else the default."""
    if host is not None and port is not None:
        return host, port
    from ..config import load, read_file  # imports Flask, which a given host and port do not need
    from ..core_settings import CORE_SETTINGS

    path, data = read_file()
    mine = {"server": data.get("server") or {}}
    settings = load([("core", setting) for setting in CORE_SETTINGS], (), mine, path, {})
    return (
        settings.value("server.host") if host is None else host,
        settings.value("server.port") if port is None else port,
    )


def serve(sock: socket.socket, processes: int, webui: bool) -> None:
    """Serve on `sock` until told to stop. Raises StError when the app cannot start."""
    if processes > 1:
        _share(sock, processes, webui)
        return
    from ..serving import run  # the application: a parent of several processes never imports it

    run(sock, lambda: announce(sock, webui))


def _share(sock: socket.socket, processes: int, webui: bool) -> None:
    supervisor = Supervisor(sock, processes)
    supervisor.handle_signals()
    if code := supervisor.start():
        sys.exit(code)
    announce(sock, webui)
    supervisor.watch()


def announce(sock: socket.socket, webui: bool) -> None:
    """Tell the address, as a line of the log where lines are JSON, and open it when asked to."""
    ready = f"SimpleTuner is ready at {url_of(sock)}"
    if logs.is_json():
        log.info(ready)
    else:
        say(ready)
    if webui:
        show(url_of(sock))
