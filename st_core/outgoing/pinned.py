"""The HTTP client behind `outgoing.client`: every connection goes to an address that was checked.

The check sits where the connection is made, below httpx: the URL, the Host header and the name in
the certificate stay as they were, only the address is ours.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore
import httpx

from . import DestinationRefused, resolve


def client(
    context: ssl.SSLContext,
    timeout_seconds: float,
    total_seconds: float,
    most_bytes: int,
    redirects: int,
) -> httpx.Client:
    """Return the client; see `outgoing.client`."""
    plain = PinnedTransport(context, PinnedBackend(total_seconds, only_listed=True), most_bytes)
    return httpx.Client(
        transport=PinnedTransport(context, PinnedBackend(total_seconds), most_bytes),
        mounts={"http://": plain},
        timeout=timeout_seconds,
        follow_redirects=redirects > 0,
        max_redirects=redirects,
        headers={"Accept-Encoding": "identity", "User-Agent": "simpletuner"},
        trust_env=False,
    )


class PinnedTransport(httpx.HTTPTransport):
    """httpx's transport over a pool that connects only where it may, and never for long."""

    def __init__(self, context: ssl.SSLContext, backend: PinnedBackend, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        # The parent would make a pool of its own; no connection is kept, so each one is checked.
        self._pool = httpcore.ConnectionPool(
            ssl_context=context, max_keepalive_connections=0, network_backend=backend
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; a redirect comes here again.

        Raises DestinationRefused when it may not go there or the answer is larger than allowed.
        """
        answer = super().handle_request(request)
        if answer.headers.get("content-encoding", "identity") != "identity":
            answer.close()
            raise DestinationRefused(f"{request.url.host} answers packed, which was not asked for.")
        answer.stream = _Bounded(answer.stream, self._most_bytes)
        return answer


class _Bounded(httpx.SyncByteStream):
    """The body of an answer, up to a size."""

    def __init__(self, stream: Any, most_bytes: int) -> None:
        self._stream, self._most_bytes = stream, most_bytes

    def __iter__(self) -> Iterator[bytes]:
        left = self._most_bytes
        for chunk in self._stream:
            left -= len(chunk)
            if left < 0:
                raise DestinationRefused(f"the answer is larger than {self._most_bytes} bytes.")
            yield chunk

    def close(self) -> None:
        """Let go of the connection."""
        self._stream.close()


class PinnedBackend(httpcore.SyncBackend):
    """Connects to checked addresses only; `only_listed` is for requests without TLS."""

    def __init__(self, total_seconds: float, *, only_listed: bool = False) -> None:
        self._total_seconds, self._only_listed = total_seconds, only_listed

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of `host` that answers; all of them were checked."""
        until = time.monotonic() + self._total_seconds
        try:
            addresses = resolve(host, port, only_listed=self._only_listed)
        except OSError as error:
            raise httpcore.ConnectError(f"{host} is not known: {error}") from error
        for last, address in enumerate(addresses, 1 - len(addresses)):
            try:
                stream = super().connect_tcp(address, port, timeout, local_address, socket_options)
                return _Timed(stream, until)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if last == 0:
                    raise
        raise httpcore.ConnectError(f"{host} has no address")


class _Timed(httpcore.NetworkStream):
    """A connection that ends at a moment of the monotonic clock, however slowly it drips."""

    def __init__(self, stream: httpcore.NetworkStream, until: float) -> None:
        self._stream, self._until = stream, until

    def _left(self, timeout: float | None, late: type[Exception]) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise late("the request as a whole took too long")
        return left if timeout is None else min(left, timeout)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read within the time left."""
        return self._stream.read(max_bytes, self._left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write within the time left."""
        self._stream.write(buffer, self._left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Go on with TLS, within the time left."""
        left = self._left(timeout, httpcore.ConnectTimeout)
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, left), self._until)

    def get_extra_info(self, info: str) -> Any:
        """Hand through what is asked about the connection."""
        return self._stream.get_extra_info(info)
