"""`simpletuner auth audit show|export|verify`: one entry, the log as a file, what a check says."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from st_core.testing.server import ServerProcess

from .conftest import Ended

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with two facts in its log, one of them a formula to spreadsheets."""
    server = ServerProcess(tmp_path_factory.mktemp("state"))
    try:
        with server.start().client() as client:
            for name in ("for the log", "=HYPERLINK(1)\u2028"):
                client.post("/api/auth/api-keys", json={"name": name}).raise_for_status()
        yield server
    finally:
        server.clean()


def test_one_entry_is_shown_with_what_changed(run: Callable[..., Ended]) -> None:
    found = run("auth", "audit", "list", "--event-type", "api_key.created", "-f", "json").json
    told = run("auth", "audit", "show", str(found["entries"][-1]["id"]))
    assert told.code == 0, told.err
    assert "for the log" in told.out
    assert found["entries"][-1]["entry_hash"] in told.out
    missing = run("auth", "audit", "show", "4000")
    assert (missing.code != 0, "no audit entry 4000" in missing.err) == (True, True)


def test_the_log_is_written_to_a_file_with_filters(
    run: Callable[..., Ended], tmp_path: Path
) -> None:
    target = tmp_path / "log.jsonl"
    assert run("auth", "audit", "export", str(target), "--start-id", "2", "--end-id", "3").code == 0
    kinds = [json.loads(line)["kind"] for line in target.read_text("ascii").splitlines()]
    assert [kind for kind in kinds if kind != "checkpoint"] == ["log", "entry", "entry", "excerpt"]
    asked = ("--csv", "--event-type", "api_key.created")
    assert run("auth", "audit", "export", str(target), *asked).code == 0
    with target.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["event_type"] for row in rows] == ["api_key.created"] * 2
    assert not [cell for row in rows for cell in row.values() if cell[:1] in "=+-@" and cell]
    told = run("auth", "audit", "export", str(tmp_path / "none" / "log.jsonl"))
    assert (told.code, "cannot be written" in told.err) == (1, True)


def test_a_check_of_a_range_says_hash_and_key(run: Callable[..., Ended]) -> None:
    told = run("auth", "audit", "verify", "--start-id", "2", "--end-id", "3")
    entry = run("auth", "audit", "show", "3", "-f", "json").json
    assert told.code == 0
    assert entry["entry_hash"] in told.out
    assert "key" in told.out
