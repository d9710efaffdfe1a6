"""The test button: it walks a real directory and names the step that fails, with what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from st_core.contracts import TestStep
from st_core.services import auth_providers
from tests.testbed.service import free_ports
from tests.testbed.slapd import ORG, Slapd

STEPS = ["resolve", "connect", "TLS", "bind", "search base", "user filter", "groups"]


@pytest.fixture
def walk(app: Flask, provide: Callable[..., None]) -> Callable[..., list[TestStep]]:
    """Add a directory and test it."""

    def test(config: dict[str, Any], name: str = "dir") -> list[TestStep]:
        provide(config, name)
        with app.app_context():
            return auth_providers.test(name)[0]

    return test


def test_a_directory_that_is_right_passes_every_step(
    walk: Callable[..., list[TestStep]], org: dict[str, Any], corp: dict[str, Any]
) -> None:
    for name, config in (("org", org), ("corp", corp)):
        steps = walk(config, name)
        assert [step.name for step in steps] == STEPS
        assert [step.message for step in steps if not step.passed] == []
        assert "Warning" not in str(steps)


@pytest.mark.parametrize(
    ("wrong", "step", "advice"),
    [
        ({"server": "ldaps://no-such-host.invalid"}, "resolve", "not known"),
        ({"server": "ldaps://127.0.0.1:{dead}"}, "connect", "firewall"),
        ({"server": "ldaps://127.0.0.1:{plain}"}, "TLS", r"tls.ca_bundle"),
        ({"bind_password": "wrong"}, "bind", "bind_dn and bind_password"),
        ({"base_dn": "dc=nowhere"}, "search base", "There is no dc=nowhere"),
        ({"user_search_filter": "(sAMAccount={username})"}, "user filter", "sAMAccountName"),
        ({"group_attribute": "x", "group_search_filter": "(y={user_dn})"}, "groups", "default"),
    ],
)
def test_the_step_that_fails_is_named_with_what_to_do(
    slapd: Slapd,
    walk: Callable[..., list[TestStep]],
    org: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    wrong: dict[str, Any],
    step: str,
    advice: str,
) -> None:
    import socket

    real = socket.getaddrinfo

    def look_up(host: Any, *rest: Any, **how: Any) -> Any:
        if host == "no-such-host.invalid":
            raise socket.gaierror(-2, "Name or service not known")
        return real(host, *rest, **how)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    ports = {"dead": free_ports(1)[0], "plain": slapd.port}
    filled = {key: value.replace("{dead}", str(ports["dead"])) for key, value in wrong.items()}
    filled = {key: value.replace("{plain}", str(ports["plain"])) for key, value in filled.items()}
    steps = walk(org | filled)
    assert [each.passed for each in steps] == [True] * (len(steps) - 1) + [False]
    assert steps[-1].name == step
    assert advice in steps[-1].message
    assert "service-secret" not in str(steps)


def test_passwords_in_the_clear_are_warned_of(
    slapd: Slapd, walk: Callable[..., list[TestStep]], org: dict[str, Any]
) -> None:
    steps = {step.name: step.message for step in walk(org | {"server": slapd.url})}
    assert steps["TLS"].startswith("Warning: none.")
    started = walk(org | {"server": slapd.url, "start_tls": True}, "starttls")
    assert "Warning" not in str(started)


def test_a_server_that_was_passed_over_is_told(
    slapd: Slapd, walk: Callable[..., list[TestStep]], org: dict[str, Any]
) -> None:
    dead, _ = free_ports(2)
    steps = walk(org | {"server": f"ldaps://127.0.0.1:{dead}, {slapd.tls_url}"})
    assert all(step.passed for step in steps)
    assert str(dead) in steps[1].message


def test_the_button_answers_over_http(
    slapd: Slapd, provide: Callable[..., None], org: dict[str, Any], as_user: Callable[..., Any]
) -> None:
    provide(org | {"bind_dn": f"cn=nobody,{ORG}"})
    answer = as_user("admin").get("/api/cloud/external-auth/providers/dir/test").json
    assert (answer["success"], answer["provider"]) == (False, "dir")
    assert answer["error"].startswith("bind: ")
    assert [step["name"] for step in answer["steps"]] == STEPS[:4]
