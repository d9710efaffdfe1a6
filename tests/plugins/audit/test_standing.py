"""What is told of a check and of archives: on the page without scripts, and over the API."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from st_audit import archives, continuing, ledger

from st_core.db import db
from tests.plugins.audit import logs


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """A server that archives what is older than a day."""
    return make_app(plugins=["audit", "zoo"], audit__retention_days=1)


@pytest.fixture
def lead(app: Flask, as_user: Callable[..., Any]) -> Any:
    """Somebody who may read the log."""
    client = as_user("lead")
    logs.write(app, 12)
    return client


def page(client: Any, query: str = "") -> str:
    """Return the words of the page, without its tags."""
    answer = client.get(f"/audit?{query}", headers={"Accept": "text/html"})
    assert answer.status_code == 200
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def archive(app: Flask, clock: Any) -> None:
    clock.advance(days=3)
    with app.app_context():
        assert archives.purge(dry_run=False) > 0


def test_a_check_tells_the_hash_it_ended_in_and_the_key(app: Flask, lead: Any) -> None:
    first = logs.rows(app)[4]
    told = lead.get("/api/audit/verify?end_id=5").json
    assert told["last_hash"] == first["entry_hash"]
    with app.app_context():
        assert told["key"] == ledger.checked().signer.name
        after = continuing.rotate_key()
    assert lead.get("/api/audit/verify?end_id=5").json["key"] == told["key"]
    assert lead.get("/api/audit/verify").json["key"] == after


def test_the_hash_of_an_archived_entry_is_the_signed_one(app: Flask, lead: Any, clock: Any) -> None:
    last = logs.rows(app)[-1]
    archive(app, clock)
    told = lead.get(f"/api/audit/verify?end_id={last['number']}").json
    assert (told["valid"], told["last_hash"]) == (True, last["entry_hash"])


def test_the_page_tells_a_whole_check_and_one_of_a_range(app: Flask, lead: Any) -> None:
    assert "The chain is" not in page(lead)
    text = page(lead, "check=1")
    assert "The chain is intact" in text
    assert logs.rows(app)[-1]["entry_hash"] in text
    assert "Range 3 to 7" in page(lead, "check=1&start_id=3&end_id=7")
    assert "turn it round" in page(lead, "check=1&start_id=7&end_id=3")
    beyond = page(lead, "check=1&start_id=4000")
    assert "Nothing was checked" in beyond
    assert "before the range begins" in beyond


def test_the_page_tells_what_is_broken_and_where(app: Flask, lead: Any) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(sa.text("UPDATE audit_entry SET actor_ip = '<b>' WHERE number IN (4,6)"))
    text = page(lead, "check=1")
    assert "The first entry that does not fit is 4 ." in text
    assert "6 : entry 6 was not written by this server, or changed since" in text
    assert "The chain is intact" in page(lead, "check=1&end_id=3")


def test_many_findings_are_cut_short(app: Flask, lead: Any) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(sa.text("UPDATE audit_entry SET severity = 'x'"))
    assert re.search(r"and \d+ more; flask st audit verify lists them all", page(lead, "check=1"))


def test_archives_are_listed_and_a_missing_file_is_told(app: Flask, lead: Any, clock: Any) -> None:
    assert "Nothing was archived yet. Entries older than 1 day move" in page(lead)
    archive(app, clock)
    assert re.search(r"entries-0+1-0+\d+\.jsonl 1 to \d+ .* Here", page(lead))
    with app.app_context():
        (file,) = archives.folder().glob("*.jsonl")
    file.rename(file.with_suffix(".taken"))
    text = page(lead, "check=1")
    assert "Elsewhere: its entries are not checked" in text
    assert "which is not here; only its signed end was used." in text


def test_a_log_that_is_kept_for_ever_says_so(make_app: Callable[..., Flask]) -> None:
    app = make_app(plugins=["audit", "zoo"], audit__retention_days=0)
    logs.write(app, 1)
    assert "Entries stay in the database for ever" in page(app.test_client())


def test_what_was_done_to_one_thing_is_a_filter_of_the_page_and_of_its_exports(
    lead: Any,
) -> None:
    query = "target_type=queue&target_id=q-3&since=2020-01-31 00:00"
    assert "1 of 1" in page(lead, query)
    html = lead.get(f"/audit?{query}", headers={"Accept": "text/html"}).text
    links = [unescape(found) for found in re.findall(r'href="(/api/audit/export[^"]*)"', html)]
    assert len(links) == 2
    for link in links:
        lines = lead.get(link).text.splitlines()
        assert len(lines) == 2, link
        assert "q-3" in lines[1]
