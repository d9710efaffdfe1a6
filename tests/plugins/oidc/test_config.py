"""How a provider is described: on the page, over the API, and in the configuration file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from st_oidc.kind import KIND
from st_oidc.provider_config import PRESETS, OidcConfig

from st_core.errors import ConfigError
from st_core.services import auth_providers

from .conftest import BASE, House

#: The block of the guide, section 2.
GUIDE = {
    "enabled": True,
    "provider": "okta",
    "client_id": "0oa1234567890abcdef",
    "client_secret": "${OIDC_CLIENT_SECRET}",
    "issuer_url": "https://your-org.okta.com/oauth2/default",
    "scopes": ["openid", "email", "profile", "groups"],
    "role_mapping": {
        "claim": "groups",
        "admin_groups": ["ML-Platform-Admins"],
        "user_groups": ["ML-Researchers"],
    },
}
LEAST = {"issuer": "https://idp.example.org", "client_id": "server"}


@pytest.fixture
def from_file(
    make_app: Callable[..., Flask], state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Flask]:
    """Start a server whose configuration file has this block."""
    monkeypatch.setenv("OIDC_CLIENT_SECRET", "canary-secret")

    def start(block: dict[str, Any]) -> Flask:
        path = state_dir / "simpletuner-enterprise.json"
        path.write_text(json.dumps({"oidc": block}))
        return make_app(plugins=["oidc"])

    return start


def test_the_block_of_the_guide_is_a_provider(from_file: Callable[..., Flask]) -> None:
    app = from_file(GUIDE)
    with app.app_context():
        record = auth_providers.find("okta", "oidc")
    assert record.managed_by == "file"
    assert record.level_mapping == {
        "admin": ["ML-Platform-Admins"],
        "researcher": ["ML-Researchers"],
    }
    assert record.default_levels == ()
    assert isinstance(record.config, OidcConfig)
    assert record.config.issuer == "https://your-org.okta.com/oauth2/default"
    assert record.config.client_secret == "canary-secret"
    assert record.config.groups_claim == "groups"
    raw = (Path(app.instance_path) / "app.db").read_bytes()
    assert b"canary-secret" not in raw


def test_a_preset_fills_in_what_the_block_leaves_out(from_file: Callable[..., Flask]) -> None:
    app = from_file({**LEAST, "provider": "azure_ad"})
    with app.app_context():
        config = auth_providers.find("azure_ad", "oidc").config
    assert isinstance(config, OidcConfig)
    assert config.roles_claim == "roles"


def test_a_block_may_list_more_providers(from_file: Callable[..., Flask]) -> None:
    keycloak = {**LEAST, "provider": "keycloak", "client_secret": "${OIDC_CLIENT_SECRET}"}
    app = from_file({**GUIDE, "providers": [keycloak, {**LEAST, "provider": "partners"}]})
    with app.app_context():
        found = auth_providers.enabled("oidc")
    assert [record.name for record in found] == ["keycloak", "okta", "partners"]
    config = found[0].config
    assert isinstance(config, OidcConfig)
    assert (config.client_secret, config.roles_claim) == ("canary-secret", "realm_access.roles")
    with pytest.raises(ConfigError, match="two providers are named 'okta'"):
        from_file({**GUIDE, "providers": [{**LEAST, "provider": "okta"}]})


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"provider": "okta", "client_id": "x"}, "issuer"),
        ({**GUIDE, "issuer_url": "okta.com"}, "must begin with https://"),
        ({**GUIDE, "client_id": ""}, "client_id"),
        ({**GUIDE, "role_mapping": {"claims": "groups"}}, "admin_groups"),
        ({**GUIDE, "no_such_key": 1}, "no_such_key"),
        ({**GUIDE, "token_endpoint_auth_method": "magic"}, "token_endpoint_auth_method"),
    ],
)
def test_a_wrong_block_stops_the_start_and_names_the_key(
    from_file: Callable[..., Flask], block: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        from_file(block)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_needs_only_its_capitals_replaced(name: str) -> None:
    config = OidcConfig.model_validate({**PRESETS[name], "client_id": "x"})
    assert config.scopes[0] == "openid"
    assert KIND.presets[name] == PRESETS[name]


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"issuer": "ftp://idp.example.org"}, "config.issuer"),
        ({"issuer": "https://idp.example.org/?tenant=1"}, "config.issuer"),
        ({"issuer": "https://idp.example.org/#x"}, "config.issuer"),
        ({"issuer": "https://user@idp.example.org"}, "config.issuer"),
        ({"issuer": "https://"}, "config.issuer"),
        ({"issuer": "https://idp.example.org:99999"}, "config.issuer"),
        ({"allowed_algorithms": ["none"]}, "config.allowed_algorithms.0"),
        ({"allowed_algorithms": ["HS256"]}, "config.allowed_algorithms.0"),
        ({"allowed_algorithms": []}, "config.allowed_algorithms"),
        ({"clock_skew_seconds": 3601}, "config.clock_skew_seconds"),
        ({"scopes": ["openid email"]}, "config.scopes"),
        ({"redirect_url": "javascript:alert(1)"}, "config.redirect_url"),
        ({"verify_tls": False}, "config.verify_tls"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_saved(
    house: House, as_user: Callable[..., Any], wrong: dict[str, Any], path: str
) -> None:
    body = {"name": "op", "provider_type": "oidc", "config": LEAST | wrong}
    answer = as_user("admin").post(f"{BASE}/providers", json=body)
    assert answer.status_code == 422, answer.text
    assert path in [field["path"] for field in answer.get_json()["errors"]]


def test_the_issuer_is_kept_letter_by_letter() -> None:
    for issuer in (
        "https://idp.example.org",
        "https://idp.example.org/",
        "https://IDP.example.org",
    ):
        config = OidcConfig.model_validate({"issuer_url": issuer, "client_id": "server"})
        assert config.issuer == issuer


def test_the_secret_is_told_to_nobody(house: House, as_user: Callable[..., Any]) -> None:
    admin = as_user("admin")
    config = LEAST | {"client_secret": "canary-secret"}
    body = {"name": "op", "provider_type": "oidc", "config": config}
    made = admin.post(f"{BASE}/providers", json=body)
    told = [made, admin.get(f"{BASE}/providers/op"), admin.get(f"{BASE}/providers")]
    told += [admin.get(f"{BASE}/available"), admin.get("/api/events/recent")]
    assert not any("canary-secret" in each.text for each in told)
    (event,) = house.events("provider.configured")
    assert "canary-secret" not in f"{event.before}{event.after}{event.message}"
