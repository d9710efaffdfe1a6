"""`flask st background`: the service loop without the web, on as many machines as wanted."""

from __future__ import annotations

import signal
import threading
from types import FrameType

import click

from ..boot import boot, shut_down
from .output import say
from .state import load_app


@click.command()
def background() -> None:
    """Run the services (dispatch, watch, deliver, …) without the web until SIGTERM or Ctrl-C."""
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    app = load_app()
    boot(app)
    say("the services run; Ctrl-C ends them")
    stop.wait()
    shut_down(app)
