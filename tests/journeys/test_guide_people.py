"""The guide's requests about people, providers, organisations and teams, sent exactly as printed.

Only host and token are filled in: no content type is added, and user 123 is somebody who is there.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from st_core.testing.server import ServerProcess
from tests.journeys.test_guide import at, shell

pytestmark = pytest.mark.slow

KEYCLOAK = """
curl -X POST http://localhost:8080/api/cloud/external-auth/providers \\
  -H "Authorization: Bearer $ADMIN_TOKEN" \\
  -d '{
    "name": "keycloak",
    "provider_type": "oidc",
    "enabled": true,
    "config": {
      "issuer": "https://keycloak.example.com/realms/ml-training",
      "client_id": "simpletuner",
      "client_secret": "your-client-secret",
      "scopes": ["openid", "email", "profile", "roles"],
      "roles_claim": "realm_access.roles"
    }
  }'
"""
ACTIVE_DIRECTORY = """
curl -X POST http://localhost:8080/api/cloud/external-auth/providers \\
  -H "Authorization: Bearer $ADMIN_TOKEN" \\
  -d '{
    "name": "corporate-ad",
    "provider_type": "ldap",
    "enabled": true,
    "level_mapping": {
      "CN=ML-Admins,OU=Groups,DC=corp,DC=com": ["admin"]
    },
    "config": {
      "server": "ldaps://ldap.corp.com:636",
      "base_dn": "DC=corp,DC=com",
      "bind_dn": "CN=svc-simpletuner,OU=Service Accounts,DC=corp,DC=com",
      "bind_password": "service-account-password",
      "user_search_filter": "(sAMAccountName={username})",
      "use_ssl": true
    }
  }'
"""
RESEARCHER = """
curl -X POST http://localhost:8080/api/users \\
  -H "Authorization: Bearer $ADMIN_TOKEN" \\
  -d '{
    "email": "researcher@company.com",
    "username": "jsmith",
    "password": "secure_password_123",
    "level_names": ["researcher"]
  }'
"""
GRANT = """
curl -X POST http://localhost:8080/api/users/123/permissions \\
  -H "Authorization: Bearer $ADMIN_TOKEN" \\
  -d '{"permission_name": "admin.approve", "granted": true}'
"""
ORGANISATION = """
curl -X POST http://localhost:8080/api/orgs \\
  -H "Authorization: Bearer $ADMIN_TOKEN" \\
  -d '{"name": "ML Research", "slug": "ml-research"}'
"""
TEAM = """
curl -X POST http://localhost:8080/api/orgs/1/teams \\
  -H "Authorization: Bearer $ADMIN_TOKEN" \\
  -d '{"name": "NLP Team", "slug": "nlp"}'
"""
MEMBER = """
curl -X POST http://localhost:8080/api/orgs/1/teams/1/members \\
  -H "Authorization: Bearer $ADMIN_TOKEN" \\
  -d '{"user_id": 123, "role": "member"}'
"""
MEMBERS = """
curl http://localhost:8080/api/orgs/1/teams/1/members -H "Authorization: Bearer $ADMIN_TOKEN"
"""
SECRETS = ("your-client-secret", "service-account-password", "secure_password_123")


@pytest.fixture
def office(server: Callable[..., ServerProcess]) -> ServerProcess:
    """A running server with somebody who has the number 123."""
    running = server().start()
    with sqlite3.connect(running.state_dir / "app.db", timeout=30) as connection:
        connection.execute(
            "INSERT INTO user_account (id, email, username, auth_provider, is_active, is_service,"
            " is_local_owner, email_verified, created_at)"
            " VALUES (123, 'n@company.com', 'number-123', 'local', 1, 0, 0, 0, '2026-01-01')"
        )
    return running


@pytest.fixture
def ask(office: ServerProcess) -> Callable[[str], Any]:
    """Run a request of the guide as an administrator, and return its JSON."""
    making = office.beside("flask", "st", "api-keys", "create", "for the guide")
    key, complaints = making.communicate()
    assert making.returncode == 0, complaints

    def run(script: str) -> Any:
        done = shell(f"{at(office, script)} --silent --show-error", ADMIN_TOKEN=key.strip())
        told = json.loads(done.stdout)
        assert "code" not in told, told
        assert not any(secret in done.stdout for secret in SECRETS)
        return told

    return run


def test_the_guides_requests_about_people_work_as_they_are_printed(
    office: ServerProcess, ask: Callable[[str], Any]
) -> None:
    keycloak = ask(KEYCLOAK)
    assert (keycloak["name"], keycloak["type"], keycloak["enabled"]) == ("keycloak", "oidc", True)
    directory = ask(ACTIVE_DIRECTORY)
    assert (directory["name"], directory["type"]) == ("corporate-ad", "ldap")

    researcher = ask(RESEARCHER)
    assert (researcher["username"], researcher["is_admin"]) == ("jsmith", False)
    assert [level["name"] for level in researcher["levels"]] == ["researcher"]
    with office.client() as browser:
        name = {"username": "jsmith", "password": "secure_password_123"}
        assert browser.post("/api/auth/login", json=name).json()["success"]

    ask(GRANT)
    assert ask(ORGANISATION)["organization"]["slug"] == "ml-research"
    assert ask(TEAM)["team"]["slug"] == "nlp"
    assert ask(MEMBER)["success"]
    members = ask(MEMBERS)
    assert [each["user_id"] for each in members["members"]] == [123]
