"""Entries as syslog messages (RFC 5424): over UDP, TCP (RFC 6587, counted) or TLS (RFC 5425).

The message is the entry's line of an export, so that a receiver's copy can be verified. TCP has no
receipts: a batch counts as taken when the other side, told that nothing more comes, ends the
connection too. A system that ends one with something unread resets it, so an orderly end says that
all of it was read; silence and a reset say nothing, and the batch is sent again.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from st_core import outgoing

from . import entries

AUDIT_FACILITY = 13
#: Severity of an event → of syslog.
LEVELS = {"critical": 2, "error": 3, "warning": 4, "info": 6, "debug": 7}
TIMEOUT_SECONDS = 10.0
#: How long a receiver may take to read a batch and end the connection.
GOODBYE_SECONDS = 10.0


def message(entry: Mapping[str, Any], host: str) -> bytes:
    """Return one entry as a message of RFC 5424."""
    level = AUDIT_FACILITY * 8 + LEVELS.get(str(entry["severity"]), 6)
    kind = re.sub(r"[^!-~]", "_", str(entry["event_type"]))[:32] or "-"
    data = "".join(
        f' {name}="{_parameter(entry[column])}"'
        for name, column in (("number", "number"), ("actor", "actor_username"), ("ip", "actor_ip"))
        if entry[column] is not None
    )
    head = f"<{level}>1 {entry['timestamp']} {host} simpletuner - {kind} [audit@32473{data}] "
    return head.encode() + entries.line(entry).encode()


def _parameter(value: Any) -> str:
    return re.sub(r'(["\\\]])', r"\\\1", str(value))


def send(options: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Send entries in order. Raises OSError or DestinationRefused when that failed."""
    host = re.sub(r"[^!-~]", "_", socket.gethostname())[:255] or "-"
    messages = [message(row, host) for row in rows]
    addresses = outgoing.resolve(options["host"], options["port"])
    if options["protocol"] == "udp":
        _datagrams(addresses[0], options["port"], messages)
    else:
        _stream(addresses[0], options, messages)


def _datagrams(address: str, port: int, messages: Iterable[bytes]) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        for each in messages:
            sender.sendto(each, (address, port))


def _stream(address: str, options: Mapping[str, Any], messages: Iterable[bytes]) -> None:
    counted = b"".join(f"{len(each)} ".encode() + each for each in messages)
    with socket.create_connection((address, options["port"]), TIMEOUT_SECONDS) as plain:
        if options["protocol"] == "tls":
            context = outgoing.tls_context()
            with context.wrap_socket(plain, server_hostname=options["host"]) as sealed:
                sealed.sendall(counted)
                sealed.settimeout(GOODBYE_SECONDS)
                with _patience():
                    _end_sealed(sealed)
        else:
            plain.sendall(counted)
            plain.shutdown(socket.SHUT_WR)
            plain.settimeout(GOODBYE_SECONDS)
            with _patience():
                _read_to_end(plain)


def _end_sealed(sealed: ssl.SSLSocket) -> None:
    """Say that nothing more comes, and wait for the other side to end, too.

    Many receivers close the connection without the goodbye of TLS, which OpenSSL calls an error;
    a reset and an alert (our certificate is not wanted, say) are errors to us as well.
    """
    try:
        sealed.unwrap().close()
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
        return
    except OSError as error:
        if type(error) is not OSError or error.errno:
            raise


def _read_to_end(plain: socket.socket) -> None:
    while plain.recv(4096):
        pass  # a receiver has nothing to say; whatever it is, the end follows


@contextmanager
def _patience() -> Iterator[None]:
    """Say what silence means. Raises TimeoutError with the words for it."""
    try:
        yield
    except TimeoutError:
        raise TimeoutError(
            f"the receiver did not end the connection within {GOODBYE_SECONDS:g} s, so nobody "
            "knows what it has read"
        ) from None
