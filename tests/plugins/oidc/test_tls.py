"""A provider behind https: its certificate counts, and it may not lead to addresses without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from st_core.testing.people import make_user, viewer_of
from tests.testbed.certificates import Authority

from .conftest import House
from .rogue import Rogue


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """An authority of the company's own."""
    return Authority(tmp_path / "authority")


@pytest.fixture
def op(authority: Authority) -> Iterator[Rogue]:
    """A provider with a certificate of that authority."""
    with Rogue(certificate=authority.issue("127.0.0.1")) as provider:
        yield provider


@pytest.fixture
def trusting(make_app: Callable[..., Flask], authority: Authority) -> House:
    """A server that knows the authority."""
    app = make_app(
        plugins=["oidc"],
        network__allowed_private=["127.0.0.0/8"],
        tls__ca_bundle=str(authority.bundle),
    )
    return House(app, viewer_of(app, make_user(app, "admin")))


def test_a_certificate_of_a_known_authority_is_believed(trusting: House, op: Rogue) -> None:
    trusting.add(op)
    assert trusting.browser().sign_in(op).status_code == 200


def test_a_certificate_of_an_unknown_authority_is_not(house: House, op: Rogue) -> None:
    house.add(op)
    answer = house.browser().sign_in(op)
    assert (answer.status_code, answer.get_json()["code"]) == (502, "oidc_provider_unreachable")
    assert "certificate" in answer.get_json()["detail"]
    assert house.events()[-1].data["reason"] == "oidc_provider_unreachable"


def test_for_a_trial_the_certificate_may_be_ignored(house: House, op: Rogue) -> None:
    house.add(op, config={"verify_ssl": False})
    assert house.browser().sign_in(op).status_code == 200


@pytest.mark.parametrize(
    "name", ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"]
)
def test_https_does_not_lead_to_http(trusting: House, op: Rogue, name: str) -> None:
    op.discovery = {name: f"http://127.0.0.1:{op.server.server_port}/downgraded"}
    trusting.add(op)
    answer = trusting.browser().sign_in(op)
    assert (answer.status_code, answer.get_json()["code"]) == (502, "oidc_insecure_endpoint")
    assert trusting.events()[-1].data["reason"] == "oidc_insecure_endpoint"
    assert "/downgraded" not in op.asked
