"""Where the server is that a client command talks to, as the environment and the root options say.

Light on purpose: it is imported by every command, also by those that never open a connection.
"""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_PORT = 8080
#: Addresses a server binds to mean "everywhere"; a client reaches such a server on this machine.
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - compared, never bound


@dataclass(frozen=True)
class Address:
    """A server's address and how to prove who is calling. The key never appears in a repr."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    api_key: str = ""
    ssl: bool = False
    verify: bool = True

    @property
    def url(self) -> str:
        """Return the base URL, without a slash at its end."""
        host = EVERYWHERE.get(self.host, self.host)
        shown = f"[{host}]" if ":" in host else host
        return f"{'https' if self.ssl else 'http'}://{shown}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Tell whether the server is on this machine."""
        return EVERYWHERE.get(self.host, self.host) in {"127.0.0.1", "::1", "localhost"}

    def __repr__(self) -> str:
        return f"Address({self.url!r})"
