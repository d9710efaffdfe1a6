"""The socket a server listens on: bound once, then served in this process or handed to children.

Light on purpose: the command line binds before anything heavy is imported, so that a port in use is
told at once.
"""

from __future__ import annotations

import errno
import socket

from .errors import ConfigError

BACKLOG = 1024
#: How many ports above the wanted one are tried when the next free one will do.
PORTS_TRIED = 100


def listen(host: str, port: int, next_free: bool = False) -> socket.socket:
    """Return a listening socket on `host` and `port` (0 means any free one).

    With `next_free` a port in use is passed over for the next free one, at most 100 further.
    Raises ConfigError when the port is in use, needs more rights, or the host is not this machine.
    """
    last = port + PORTS_TRIED if next_free and port else port
    for candidate in range(port, min(last, 65535) + 1):
        try:
            return _bind(host, candidate)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or candidate == last:
                raise ConfigError(_why(host, port, error), code="cannot_listen") from error
    raise ConfigError(f"no port from {port} to {last} is free on {host}.", code="cannot_listen")


def url_of(sock: socket.socket) -> str:
    """Return the address people open in a browser; a server that listens everywhere is shown as
    127.0.0.1.
    """
    host, port = sock.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, never bound
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _bind(host: str, port: int) -> socket.socket:
    family, kind, proto, _, address = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    sock = socket.socket(family, kind, proto)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def _why(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} on {host} is in use by another program. Stop that one, "
            "or choose another with --port or SIMPLETUNER_PORT."
        )
    if error.errno == errno.EACCES:
        return (
            f"this user may not listen on port {port}. Choose one above 1023 with --port, "
            "and put nginx in front of it."
        )
    return f"cannot listen on {host}:{port} ({error.strerror or error}). Check --host and --port."
