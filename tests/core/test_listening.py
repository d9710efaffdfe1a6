"""Binding a port: told at once and in one sentence when it cannot be."""

from __future__ import annotations

import socket

import pytest

from st_core.errors import ConfigError
from st_core.listening import listen, url_of


def test_any_free_port_is_taken_for_zero() -> None:
    with listen("127.0.0.1", 0) as sock:
        assert url_of(sock) == f"http://127.0.0.1:{sock.getsockname()[1]}"


def test_a_port_in_use_is_named_with_what_to_do() -> None:
    with listen("127.0.0.1", 0) as sock:
        port = sock.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port} .* in use .*--port"):
            listen("127.0.0.1", port)


def test_the_next_free_port_is_taken_when_that_will_do() -> None:
    with listen("127.0.0.1", 0) as sock:
        port = sock.getsockname()[1]
        with listen("127.0.0.1", port, next_free=True) as other:
            assert other.getsockname()[1] > port


def test_clients_can_connect_before_anything_is_served() -> None:
    with listen("127.0.0.1", 0) as sock:
        socket.create_connection(sock.getsockname(), timeout=5).close()


def test_a_server_that_listens_everywhere_is_shown_by_an_address_one_can_open() -> None:
    with listen("0.0.0.0", 0) as sock:  # noqa: S104
        assert url_of(sock).startswith("http://127.0.0.1:")
