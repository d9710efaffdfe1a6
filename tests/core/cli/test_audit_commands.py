"""`simpletuner auth audit …` against a real server that keeps the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from st_core.app import BUNDLED
from st_core.testing.server import ServerProcess

from .conftest import Ended

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with the audit log, and one fact in it."""
    server = ServerProcess(tmp_path_factory.mktemp("state"))
    server.configure({"plugins.enabled": list(dict.fromkeys([*BUNDLED, "audit"]))})
    try:
        with server.start().client() as client:
            client.post("/api/auth/api-keys", json={"name": "for the log"})
        yield server
    finally:
        server.clean()


def test_the_audit_log_is_read_and_checked(run: Callable[..., Ended]) -> None:
    def audit(*words: str) -> Ended:
        return run("auth", "audit", *words)

    made = audit(
        "list", "--event-type", "api_key.created", "--target-type", "api_key", "-f", "json"
    )
    assert made.code == 0, made.err
    (entry,) = made.json["entries"]
    assert audit("list", "--target-id", entry["target_id"], "-o", "id").out.split()
    assert audit("user", str(entry["actor_id"]), "-o", "id").out.split()
    assert audit("security").code == 0
    assert audit("stats", "-f", "json").json["total_entries"] > 0
    assert "api_key.created" in audit("types", "-o", "value").out.split()
    assert audit("list", "--since", "yesterday").code == 1
    checked = audit("verify", "-f", "json")
    assert (checked.code, checked.json["valid"]) == (0, True)
