"""`simpletuner quickstart`: start a server, train the sample config on it, and say where everything
is.

The server is a child process on a socket that is bound here: it goes on while this process shows
the progress, and it ends with this process, however that ends. The training itself needs neither.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ..errors import StError
from ..listening import listen, url_of
from ..supervisor import Supervisor
from .address import DEFAULT_PORT, Address
from .client import Client
from .following import duration, ended, follow
from .outcome import CliError, ExitCode, leave
from .output import print_json, say, text_of
from .server import use_state_dir
from .submitting import draft

SAMPLE = "digits"


@click.command()
@click.option("-H", "--host", envvar="SIMPLETUNER_HOST", default="127.0.0.1", show_default=True)
@click.option(
    "-p",
    "--port",
    envvar="SIMPLETUNER_PORT",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="Port to listen on; the next free one if it is taken.",
)
@click.option(
    "--state-dir",
    type=click.Path(file_okay=False),
    envvar="SIMPLETUNER_STATE_DIR",
    show_envvar=True,
    help="Folder for database, keys and workspaces.",
)
@click.option("--steps", type=click.IntRange(1), help="Train this long instead.")
@click.option("--exit", "exiting", is_flag=True, help="End after the job instead of serving on.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json prints one object alone on standard output.",
)
def quickstart(
    host: str, port: int, state_dir: str | None, steps: int | None, exiting: bool, form: str
) -> None:
    """Start a server and train the sample config `digits` on it.

    Shows the progress, says where the samples, the checkpoint and the page are, and serves on until
    Ctrl-C. Exit code 0 only if the job completed.
    """
    use_state_dir(state_dir)
    began = time.monotonic()
    try:
        sock = listen(host, port, next_free=True)
    except StError as error:
        raise CliError(error.detail, ExitCode.USAGE) from error
    # The bar and the result are what people want to see here; the server's chatter is not.
    os.environ.setdefault("SIMPLETUNER_LOG_LEVEL", "warning")
    supervisor = Supervisor(sock, 1)
    try:
        if code := supervisor.start():
            leave(code)
        say(f"SimpleTuner is ready at {url_of(sock)}")
        client = _client(sock)
        job = _train(client, steps)
        _show(_result(client, job, time.monotonic() - began, url_of(sock)), form)
        code = int(ended(job))
        if not exiting:
            supervisor.handle_signals()
            say("The server runs on; Ctrl-C ends it.")
            supervisor.watch()
        leave(code)
    finally:
        supervisor.end()


def _client(sock: socket.socket) -> Client:
    """Return a client for the server on `sock`, with the caller's own API key if there is one."""
    given = click.get_current_context().find_object(Address) or Address()
    host, port = sock.getsockname()[:2]
    return Client(replace(given, host=host, port=port, ssl=False))


def _train(client: Client, steps: int | None) -> dict[str, Any]:
    """Submit the sample config and follow the job to its end.

    Raises CliError with code 130 on Ctrl-C, which also ends the server, but not the job.
    """
    body = draft(client, SAMPLE, (f"steps={steps}",) if steps else ())
    answer = client.post("/api/cloud/jobs/submit", body)
    try:
        return follow(client, answer["job_id"])
    except CliError as error:
        if error.exit_code != ExitCode.INTERRUPTED:
            raise
        raise CliError(
            f"the server ends; job {answer['job_id']} goes on without it, and `simpletuner server` "
            "shows it again",
            ExitCode.INTERRUPTED,
        ) from error


def _result(client: Client, job: dict[str, Any], seconds: float, url: str) -> dict[str, Any]:
    """Return what came of the job: figures, absolute paths, and the address of its page."""
    job_id = job["job_id"]
    losses = client.get(f"/api/cloud/jobs/{job_id}/metrics", names="loss")["series"].get("loss", [])
    found = client.get(f"/api/cloud/jobs/{job_id}/artifacts")
    workspace = _workspace(client, job_id)
    samples = [item["path"] for item in found["artifacts"] if item["kind"] == "sample"]
    return {
        "job_id": job_id,
        "status": job["status"],
        "seconds": round(seconds, 2),
        "first_loss": losses[0]["value"] if losses else None,
        "last_loss": losses[-1]["value"] if losses else None,
        "samples": [str(workspace / path) for path in samples if path.endswith(".png")],
        "checkpoints": [str(workspace / item["path"]) for item in found["checkpoints"]],
        "url": f"{url}/jobs/{job_id}",
    }


def _workspace(client: Client, job_id: str) -> Path:
    """Return the job's own folder. Raises CliError when it is not on this machine."""
    state_dir = Path(client.get("/api/system/status")["state_dir"])
    for folder in (state_dir / "jobs").glob(f"{job_id}-*"):
        return folder
    raise CliError(f"job {job_id} has no folder below {state_dir / 'jobs'}")


def _show(result: dict[str, Any], form: str) -> None:
    if form == "json":
        print_json(result)
        sys.stdout.flush()
        return
    samples, checkpoints = result["samples"], result["checkpoints"]
    lines = {
        "time": duration(result["seconds"]),
        "loss": f"{text_of(result['first_loss'])} → {text_of(result['last_loss'])}",
        "samples": samples[-1] if samples else "none",
        "checkpoint": checkpoints[-1] if checkpoints else "none",
        "page": result["url"],
    }
    for name, value in lines.items():
        with suppress(BrokenPipeError):
            click.echo(f"{name:<11} {value}")
