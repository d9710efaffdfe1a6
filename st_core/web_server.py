"""waitress as we run it: many threads for streams, and an end that drops no request.

Words: *draining* is the time between the stop flag and the end, in which running requests finish
and nothing new is accepted.
"""

from __future__ import annotations

import logging
import resource
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from waitress import wasyncore
from waitress.server import TcpWSGIServer, create_server

from .listening import BACKLOG
from .request_threads import RequestThreads

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = logging.getLogger(__name__)
CONNECTIONS = 2000
DRAIN_SECONDS = 30.0
#: A connection from which nothing was received yet is given this long before draining closes it.
FRESH_SECONDS = 1.0


def make_server(
    app: WSGIApplication, sock: socket.socket, threads: int, max_body_bytes: int
) -> TcpWSGIServer:
    """Return waitress around `app` on a listening socket; each stream holds one of its threads."""
    allow_connections(CONNECTIONS)
    return create_server(
        app,
        _dispatcher=RequestThreads(threads),
        sockets=[sock],
        max_request_body_size=max_body_bytes,
        connection_limit=CONNECTIONS,
        asyncore_use_poll=True,
        # Read on while a stream runs, or a reader that left is only noticed at the next write.
        channel_request_lookahead=1,
        # The guard must see the forwarded headers of anyone: they mean "not from this machine".
        clear_untrusted_proxy_headers=False,
        ident=None,
    )


def serve(server: TcpWSGIServer, stop: threading.Event, ending: Callable[[], None]) -> None:
    """Answer requests until the stop flag is set, then drain and close.

    `ending` is called beside the draining: it stops services and streams, which requests may await.
    """
    while not stop.is_set():
        wasyncore.loop(timeout=1.0, use_poll=True, map=server._map, count=1)
    others = threading.Thread(target=ending, name="ending")
    others.start()
    _drain(server)
    others.join()
    server.task_dispatcher.shutdown(timeout=1)
    wasyncore.close_all(server._map)


def _drain(server: TcpWSGIServer) -> None:
    """Stop accepting; go on until no request runs and every answer is sent, at most
    `DRAIN_SECONDS`.
    """
    until = time.monotonic() + DRAIN_SECONDS
    _accept_the_waiting(server)
    server.accepting = False
    server.del_channel()
    server.socket.close()
    while busy := _close_idle(server):
        if time.monotonic() > until:
            log.warning("%d requests did not end in %.0f s and are cut off", busy, DRAIN_SECONDS)
            return
        wasyncore.loop(timeout=0.1, use_poll=True, map=server._map, count=1)


def _accept_the_waiting(server: TcpWSGIServer) -> None:
    """Take the connections the kernel has already accepted for us, and let it accept no further
    ones: closing the socket would reset them. (With a backlog of 0 it still takes one or two in the
    instant before the closing; no listener can prevent that.)
    """
    server.socket.listen(0)
    for _ in range(BACKLOG):
        if not select.select([server.socket], [], [], 0)[0]:
            return
        wasyncore.loop(timeout=0, use_poll=True, map=server._map, count=1)


def _close_idle(server: TcpWSGIServer) -> int:
    """Close the connections that only wait for a next request; return how many are busy."""
    busy = 0
    for channel in list(server.active_channels.values()):
        fresh = channel.last_activity == channel.creation_time
        if (
            channel.requests
            or channel.request is not None
            or channel.total_outbufs_len
            or channel.close_when_flushed
            or (fresh and time.time() - channel.creation_time < FRESH_SECONDS)
        ):
            busy += 1
        else:
            channel.handle_close()
    return busy


def allow_connections(wanted: int) -> None:
    """Raise this process's limit of open files towards `wanted` connections and some files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = wanted + 200
    if soft != resource.RLIM_INFINITY and soft < enough:
        ceiling = enough if hard == resource.RLIM_INFINITY else min(enough, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (ceiling, hard))
