"""The web server: waitress around the application, ended without dropping a request.

`serve` runs in whatever process it is called in. `python -m st_core.serving --fd N` is a child of
`st_core.supervisor`, which shares its listening socket with several of them.

Words: the *stop flag* is the one event that requests, streams and services watch; *draining* is the
time between that flag and the end, in which running requests finish and nothing new is accepted.
"""

from __future__ import annotations

import argparse
import logging
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

from flask import Flask
from waitress import wasyncore  # type: ignore[import-untyped]
from waitress.server import TcpWSGIServer, create_server  # type: ignore[import-untyped]

from . import logs
from .app import create_app
from .boot import boot, shut_down
from .errors import StError

log = logging.getLogger(__name__)
CONNECTIONS = 2000
DRAIN_SECONDS = 30.0
#: A connection from which nothing was received yet is given this long before draining closes it.
FRESH_SECONDS = 1.0


def run(sock: socket.socket, ready: Callable[[], None], life: int | None = None) -> None:
    """Create and boot the app, serve it on `sock` until SIGTERM or Ctrl-C, and end in order.

    `ready` is called once requests are answered; `life` is a pipe whose closing also ends the
    server. Raises StError when the app cannot start.
    """
    stop = threading.Event()
    app = create_app()
    allow_connections(CONNECTIONS)
    server = make_server(app, sock)
    _end_on_signals(stop, server)
    if life is not None:
        threading.Thread(target=_watch, args=(life, stop), name="life", daemon=True).start()
    runner = boot(app)
    ready()
    serve(server, stop, ending=runner.close)
    shut_down(app)


def _end_on_signals(stop: threading.Event, server: TcpWSGIServer) -> None:
    """Let SIGTERM and Ctrl-C set the stop flag; a second one ends the process at once."""

    def end(number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()
        server.pull_trigger()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)


def _watch(life: int, stop: threading.Event) -> None:
    """Set the stop flag when the other end of the pipe closes: our starter is gone."""
    os.read(life, 1)
    stop.set()


def child(argv: list[str]) -> int:
    """Serve on an inherited socket and return the exit code: 2 when the app cannot start."""
    parser = argparse.ArgumentParser(prog="python -m st_core.serving")
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--life", type=int, required=True)
    parser.add_argument("--ready", type=int, required=True)
    given = parser.parse_args(argv)
    logs.configure()

    def tell() -> None:
        os.write(given.ready, b"ready")
        os.close(given.ready)

    try:
        run(socket.socket(fileno=given.fd), tell, given.life)
    except StError as error:
        print(f"simpletuner: {' '.join(error.detail.split())}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(child(sys.argv[1:]))
