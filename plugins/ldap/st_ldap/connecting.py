"""Connections to a directory: the first server that answers, over TLS that is checked, bound as
the service.

This and the modules that use it import ldap3, which takes a third of a second: they are imported
when a directory is first asked. Every name is resolved and checked by `st_core.outgoing`, and the
connection goes to a checked address.
"""

from __future__ import annotations

import logging
import ssl
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPException, LDAPSASLPrepError
from ldap3.core.results import RESULT_SUCCESS
from ldap3.protocol.sasl.sasl import sasl_prep
from pyasn1.error import PyAsn1Error

from st_core import outgoing
from st_core.errors import StError, Unavailable

from .directory_config import LdapConfig, split_server

log = logging.getLogger(__name__)
#: What ldap3 raises when a server does not answer, or answers what no directory would: its decoder
#: trusts what it reads.
NO_ANSWER = (
    LDAPException,
    PyAsn1Error,
    OSError,
    struct.error,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
)
#: How long a server that did not answer is asked after the others.
AWAY_SECONDS = 60.0


class Trouble(Unavailable):
    """The directory could not be asked; `step` is where it ended: resolve, connect, TLS, bind,
    search (503)."""

    code, title = "directory_unavailable", "The directory does not answer"

    def __init__(self, step: str, detail: str) -> None:
        super().__init__(detail)
        self.step = step


@dataclass(frozen=True)
class Target:
    """One server of a directory."""

    host: str
    port: int
    is_ldaps: bool
    start_tls: bool

    @property
    def is_plain(self) -> bool:
        """Tell whether passwords travel in the clear."""
        return not (self.is_ldaps or self.start_tls)

    def __str__(self) -> str:
        return f"{'ldaps' if self.is_ldaps else 'ldap'}://{self.host}:{self.port}"


def targets(config: LdapConfig) -> list[Target]:
    """Return the servers in the order they are asked."""
    found = []
    for text in config.server:
        scheme, host, port = split_server(text)
        is_ldaps = scheme == "ldaps" or (not scheme and config.use_ssl)
        found.append(Target(host, port or (636 if is_ldaps else 389), is_ldaps, config.start_tls))
    return found


#: Server → moment of the monotonic clock until which it counts as away, in this process.
_away_until: dict[Target, float] = {}


@contextmanager
def bound(config: LdapConfig) -> Iterator[ldap3.Connection]:
    """Hold a connection bound as the service, to the first server that answers.

    Raises Trouble of the last server tried; a refused bind is not tried elsewhere.
    """
    connection = _first_open(config)
    try:
        bind_service(connection, config)
        yield connection
    finally:
        close(connection)


def _first_open(config: LdapConfig) -> ldap3.Connection:
    """Return a connection to the first server that answers; one that was away a moment ago is
    asked last, so that not every sign-in waits for it."""
    trouble = Trouble("connect", "no server is configured")
    for target in sorted(targets(config), key=_was_away):
        try:
            connection = opened(target, config)
            _away_until.pop(target, None)
            return connection
        except Trouble as error:
            log.warning("the directory server %s is passed over: %s", target, error.detail)
            _away_until[target] = time.monotonic() + AWAY_SECONDS
            trouble = error
    raise trouble


def _was_away(target: Target) -> bool:
    return _away_until.get(target, 0.0) > time.monotonic()


def opened(target: Target, config: LdapConfig) -> ldap3.Connection:
    """Return a connection to one server, TLS included, bound to nobody yet. Raises Trouble."""
    last: Exception | None = None
    for address in addresses(target):
        try:
            return _open(target, address, config)
        except NO_ANSWER as error:
            last = error
    raise _trouble(target, last)


def another(connection: ldap3.Connection, config: LdapConfig) -> ldap3.Connection:
    """Return a second connection to the very server that answered, bound to nobody yet.

    Raises Trouble.
    """
    target: Target = connection.st_target
    try:
        return _open(target, connection.server.host, config)
    except NO_ANSWER as error:
        raise _trouble(target, error) from error


def addresses(target: Target) -> list[str]:
    """Return where a server may be reached. Raises Trouble when nowhere."""
    try:
        return outgoing.resolve(target.host, target.port, only_listed=target.is_plain)
    except OSError as error:
        raise Trouble("resolve", f"{target.host} is not known: {error}.") from error
    except StError as error:
        raise Trouble("resolve", error.detail) from error


def bind_service(connection: ldap3.Connection, config: LdapConfig) -> None:
    """Bind as the configured service. Raises Trouble saying what the directory answered."""
    if not config.bind_dn:
        fits, said = bind(connection, None, None)
    else:
        fits, said = bind(connection, config.bind_dn, config.bind_password)
    if not fits:
        raise Trouble(
            "bind", f"the directory refused {config.bind_dn or 'an anonymous bind'}: {said}."
        )


def bind(connection: ldap3.Connection, dn: str | None, password: str | None) -> tuple[bool, str]:
    """Bind; return whether the directory took it, and what it said.

    A password that is empty, also once it is prepared (RFC 4513), is refused before anything is
    sent: a directory takes it as an anonymous bind and says yes. Raises Trouble when it does not
    answer.
    """
    if dn is not None:
        try:
            prepared = sasl_prep(password or "")
        except LDAPSASLPrepError:
            return False, "the password holds characters no password may hold"
        if not prepared:
            return False, "the password is empty"
        connection.user, connection.password = dn, prepared
        connection.authentication = ldap3.SIMPLE
    try:
        connection.bind(read_server_info=False)
    except NO_ANSWER as error:
        raise Trouble("bind", f"{connection.server.name} does not answer: {error}.") from error
    result: dict[str, Any] = connection.result
    message = str(result.get("message", "")).strip("\x00 ")
    said = " ".join(filter(None, (result["description"], message)))[:300]
    return result["result"] == RESULT_SUCCESS, said


def close(connection: ldap3.Connection) -> None:
    """Let go of a connection, whatever state it is in."""
    try:
        connection.unbind()
    except NO_ANSWER as error:
        log.debug("closing a connection to the directory: %s", error)


def _open(target: Target, address: str, config: LdapConfig) -> ldap3.Connection:
    server = ldap3.Server(
        address,
        target.port,
        use_ssl=target.is_ldaps,
        get_info=ldap3.NONE,
        tls=_CheckedTls(target.host, config.verify_ssl),
        connect_timeout=config.timeout_seconds,
    )
    connection = ldap3.Connection(
        server,
        auto_referrals=False,
        read_only=True,
        receive_timeout=config.timeout_seconds,
        raise_exceptions=False,
        check_names=False,
    )
    connection.st_target = target
    try:
        connection.open(read_server_info=False)
        if target.start_tls:
            connection.start_tls(read_server_info=False)
    except BaseException:
        close(connection)
        raise
    return connection


class _CheckedTls(ldap3.Tls):
    """TLS as every outgoing call has it, checked for the name the administrator wrote."""

    def __init__(self, host: str, verify: bool) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED if verify else ssl.CERT_NONE)
        self._host, self._verify = host, verify

    def wrap_socket(self, connection: ldap3.Connection, do_handshake: bool = False) -> None:
        """Begin TLS on a connection; Python itself compares the certificate with the name."""
        context = outgoing.tls_context(verify=self._verify)
        connection.socket = context.wrap_socket(connection.socket, server_hostname=self._host)


def _trouble(target: Target, error: Exception | None) -> Trouble:
    said = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in said or "ssl" in said.lower() or "tls" in said.lower():
        return Trouble(
            "TLS",
            f"{target} shows a certificate that is not trusted, or none ({said}). Put the "
            "authority's certificate into the file of tls.ca_bundle, and name the server as its "
            "certificate does.",
        )
    return Trouble(
        "connect",
        f"{target} does not answer ({said}). Check name, port and firewall; ldaps has 636, ldap "
        "389.",
    )
