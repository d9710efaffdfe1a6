"""A syslog receiver over TCP or TLS, as they are found: prompt, gone, frozen, impolite."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from contextlib import suppress
from typing import Any

from tests.testbed.certificates import Issued

#: Closing sends a reset instead of an orderly end, as when a process dies with something unread.
RESET = struct.pack("ii", 1, 0)


class Receiver:
    """Takes counted messages (RFC 6587) and keeps their entries in `taken`, in order.

    `manner` is what it does with a connection: `prompt` reads to the end and says goodbye, `curt`
    reads to the end and closes without the goodbye of TLS, `dying` resets it after a few bytes,
    `frozen` accepts it and reads nothing.
    """

    def __init__(self, issued: Issued | None = None, port: int = 0) -> None:
        self.manner = "prompt"
        self.taken: list[dict[str, Any]] = []
        self.connections = 0
        self._context = _context(issued) if issued else None
        self._socket = socket.create_server(("127.0.0.1", port))
        self.port: int = self._socket.getsockname()[1]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Go away; the port refuses connections from now on."""
        self._over.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                plain, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            plain.settimeout(10)
            with suppress(OSError), plain:
                self._handle(plain)

    def _handle(self, plain: socket.socket) -> None:
        manner = self.manner
        if manner == "frozen":
            self._over.wait(2)
            return
        connection = self._context.wrap_socket(plain, server_side=True) if self._context else plain
        if manner == "dying":
            connection.recv(10)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            connection.close()
            return
        text = b""
        while piece := connection.recv(65536):
            text += piece
        self.taken += entries(text)
        if isinstance(connection, ssl.SSLSocket) and manner == "prompt":
            connection.unwrap()
        connection.close()


def _context(issued: Issued) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    return context


def entries(text: bytes) -> list[dict[str, Any]]:
    """Return the entries in counted messages; every count must fit."""
    found = []
    while text:
        count, _, rest = text.partition(b" ")
        message, text = rest[: int(count)], rest[int(count) :]
        assert len(message) == int(count)
        head, _, line = message.decode().partition("] ")
        assert head.startswith("<1")
        found.append(json.loads(line))
    return found
