"""A server that is no directory: it keeps what it is sent, and answers what a test lets it."""

from __future__ import annotations

import socket
import threading


class Impostor:
    """Listens on 127.0.0.1; `seen` is everything it got, `visits` how often somebody came."""

    def __init__(self, answer: bytes = b"", *, hangs_up: bool = True) -> None:
        self.seen, self.visits = b"", 0
        self._answer, self._hangs_up = answer, hangs_up
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Stop listening and hang up."""
        for each in (self._listening, *self._open):
            each.close()

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self._listening.accept()
            except OSError:
                return
            self.visits += 1
            self._open.append(caller)
            threading.Thread(target=self._talk, args=(caller,), daemon=True).start()

    def _talk(self, caller: socket.socket) -> None:
        try:
            while got := caller.recv(65536):
                self.seen += got
                if self._answer:
                    caller.sendall(self._answer)
                if self._hangs_up:
                    caller.close()
        except OSError:
            return
