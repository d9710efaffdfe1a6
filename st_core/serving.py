"""The server in one process: the app made, booted, served, and ended in order.

`run` works in whatever process it is called in. `python -m st_core.serving --fd N` is a child of
`st_core.supervisor`, which shares its listening socket with several of them.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from types import FrameType

from . import create_app, logs
from .boot import boot, shut_down
from .errors import StError
from .web_server import make_server, serve

log = logging.getLogger("st_core.serving")  # also when it runs as __main__


def run(sock: socket.socket, ready: Callable[[], None], life: int | None = None) -> None:
    """Create and boot the app, serve it on `sock` until SIGTERM or Ctrl-C, and end in order.

    `ready` is called once requests are answered. `life` is a pipe whose closing also ends the
    server; its holder alone decides what Ctrl-C means. Raises StError when the app cannot start.
    """
    stop = threading.Event()
    app = create_app()
    value = app.extensions["st"].settings.value
    threads = value("server.threads") + value("server.stream_limit")
    server = make_server(app, sock, threads, value("server.max_body_bytes"))
    _end_on(signal.SIGTERM, stop, server.pull_trigger)
    if life is None:
        _end_on(signal.SIGINT, stop, server.pull_trigger)
    else:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        threading.Thread(target=_watch, args=(life, stop), name="life", daemon=True).start()
    runner = boot(app)
    ready()
    serve(server, stop, ending=runner.close)
    shut_down(app)


def _end_on(number: signal.Signals, stop: threading.Event, wake: Callable[[], None]) -> None:
    """Let a signal set the stop flag; a second one ends the process at once."""

    def end(number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()
        wake()

    signal.signal(number, end)


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
