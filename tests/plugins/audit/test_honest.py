"""No false alarm: writers in eight processes, retention, backup and restore, and ranges."""

from __future__ import annotations

import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from st_audit import archives, ledger

from st_core.db import db
from st_core.testing.databases import dispose
from tests.core.processes import Nursery
from tests.exam import Exam
from tests.plugins.audit import logs

WRITER = Path(__file__).with_name("log_writer.py")
MakeApp = Callable[..., Flask]


class Honest:
    """Looks at a log in every honest way while others write; nothing may be found."""

    def __init__(self, app: Flask, exam: Exam, restore: Callable[[Flask], Flask]) -> None:
        self.app = app
        self.random = exam.random
        self.restore = restore
        self.anchors: list[dict[str, Any]] = []
        self.done: Counter[str] = Counter()
        self.ways = (self.whole, self.part, self.anchored, self.exported, self.excerpt)

    def look(self) -> None:
        """Look once, in one of the ways."""
        way = self.ways[self.done.total() % len(self.ways)]
        way()
        self.done[way.__name__] += 1

    def head(self) -> int:
        """Return the number of the newest entry."""
        with self.app.app_context():
            return ledger.read().number

    def whole(self) -> None:
        """Check the whole log."""
        told = logs.verify(self.app)
        assert told.valid, told.findings
        assert told.entries_checked == (told.last_number or 0)

    def part(self) -> None:
        """Check a range; it counts what lies in it."""
        last = self.random.randint(1, max(self.head(), 1))
        first = self.random.randint(1, last)
        told = logs.verify(self.app, first, last)
        assert told.valid, told.findings
        if self.head():
            assert (told.first_number, told.last_number) == (first, last)
            assert told.entries_checked == last - first + 1

    def anchored(self) -> None:
        """Take an anchor away, and check the log with all there are."""
        if self.head():
            self.anchors.append(logs.checkpoint(self.app))
        told = logs.verify(self.app, anchors=self.anchors[-5:])
        assert told.valid, told.findings

    def exported(self) -> None:
        """Check an export of the whole log with the verifier."""
        if not self.head():
            return
        told = logs.check_file(logs.exported(self.app), logs.public_keys(self.app), self.anchors)
        assert told.valid, told.findings

    def excerpt(self) -> None:
        """Check an export of a range with the verifier."""
        last = self.random.randint(1, max(self.head(), 1))
        first = self.random.randint(1, last)
        lines = logs.exported(self.app, first, last)
        if lines:
            told = logs.check_file(lines, logs.public_keys(self.app))
            assert told.valid, told.findings

    def archive(self) -> None:
        """Let the oldest entries move into a file, and check files and log together."""
        with self.app.app_context():
            moved = archives.purge(dry_run=False)
            folder = archives.folder()
        assert moved
        files = [path.read_text().splitlines() for path in sorted(folder.glob("*.jsonl"))]
        lines = [line for file in files for line in file] + logs.exported(self.app)
        told = logs.check_file(lines, logs.public_keys(self.app), self.anchors)
        assert told.valid, told.findings
        assert told.first_number == 1
        self.done["archive"] += 1

    def restored(self) -> None:
        """Put a backup in the place of the database, and check it with the newest anchor."""
        self.anchors.append(logs.checkpoint(self.app))
        self.app = self.restore(self.app)
        self.whole()
        self.anchored()
        self.done["restore"] += 1


def test_honest_logs_raise_no_alarm(
    make_app: MakeApp, database: Any, exam: Exam, processes: Nursery, clock: Any
) -> None:
    app = make_app(plugins=["audit"], audit__checkpoint_entries=25, audit__retention_days=1)
    honest = Honest(app, exam, lambda old: restored(make_app, old, database))
    wanted = exam.count("honest looks", 40, 500)  # on each of two databases
    rounds = exam.count("rounds of 8 writers", 2, 10)
    for number in range(rounds):
        written = honest.head()
        kept = processes.run(
            WRITER,
            8,
            exam.count("units each", 15, 60),
            url=url_of(honest.app),
            meanwhile=honest.look,
        )
        assert honest.head() == written + sum(kept)
        while honest.done.total() < wanted * (number + 1) / rounds:
            honest.look()
        clock.advance(days=1.5)
        honest.archive()
        honest.restored()
    honest.whole()
    assert honest.done.total() >= wanted


def url_of(app: Flask) -> str:
    return str(app.config["SQLALCHEMY_DATABASE_URI"])


def restored(make_app: MakeApp, app: Flask, database: Any) -> Flask:
    """Return an app on a database that a backup of `app`'s was played back into."""
    old = sa.make_url(url_of(app))
    new = sa.make_url(database.empty())
    dispose(app)
    if old.get_backend_name() == "sqlite":
        with sqlite3.connect(str(old.database)) as source, sqlite3.connect(str(new.database)) as to:
            source.backup(to)
    else:
        dump = subprocess.run(
            ["pg_dump", "--format=plain", _libpq(old)], capture_output=True, check=True
        )
        subprocess.run(
            ["psql", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname", _libpq(new)],
            input=dump.stdout,
            stdout=subprocess.DEVNULL,
            check=True,
        )
    settings = {"audit__checkpoint_entries": 25, "audit__retention_days": 1}
    return make_app(
        plugins=["audit"],
        database_url=new.render_as_string(hide_password=False),
        **settings,
    )


def _libpq(url: sa.URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture
def short(make_app: MakeApp) -> Flask:
    """A log that keeps its entries for one day."""
    return make_app(plugins=["audit"], audit__retention_days=1)


def test_entries_past_their_time_move_into_a_signed_file(short: Flask, clock: Any) -> None:
    logs.write(short, 5)
    clock.advance(days=2)
    logs.write(short, 3)
    with short.app_context():
        assert archives.purge(dry_run=True) == 5
        assert archives.purge(dry_run=False) == 5
        assert archives.purge(dry_run=False) == 0
        (path,) = archives.folder().glob("*.jsonl")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [row["number"] for row in logs.rows(short)] == [6, 7, 8, 9]
    assert logs.rows(short)[-1]["event_type"] == "audit.archived"
    assert logs.check_file(path.read_text().splitlines(), logs.public_keys(short)).valid
    told = logs.verify(short)
    assert (told.valid, told.entries_checked) == (True, 9)


def test_zero_days_keep_everything(make_app: MakeApp, clock: Any) -> None:
    app = make_app(plugins=["audit"], audit__retention_days=0)
    logs.write(app, 3)
    clock.advance(days=10_000)
    with app.app_context():
        assert archives.purge(dry_run=False) == 0
    assert len(logs.rows(app)) == 3


def test_an_archive_that_was_changed_is_found_and_placed(short: Flask, clock: Any) -> None:
    logs.write(short, 5)
    clock.advance(days=2)
    with short.app_context():
        archives.purge(dry_run=False)
        (path,) = archives.folder().glob("*.jsonl")
    path.write_text(path.read_text().replace("Pause, 3", "Pause, 9"))
    assert logs.verify(short).first_bad == 4
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:3]))
    assert logs.verify(short).first_bad == 3


def test_an_archive_that_lies_elsewhere_is_a_note_and_no_alarm(short: Flask, clock: Any) -> None:
    logs.write(short, 5)
    clock.advance(days=2)
    with short.app_context():
        archives.purge(dry_run=False)
        (path,) = archives.folder().glob("*.jsonl")
    path.rename(path.with_name("elsewhere"))
    told = logs.verify(short)
    assert told.valid
    assert path.name in told.notes[0]
    assert (told.first_number, told.last_number) == (6, 6)


def test_what_was_changed_is_not_archived(short: Flask, clock: Any) -> None:
    logs.write(short, 5)
    with short.app_context(), db.engine.begin() as connection:
        connection.execute(sa.text("UPDATE audit_entry SET message = 'x' WHERE number = 2"))
    clock.advance(days=2)
    with short.app_context(), pytest.raises(archives.Broken, match="entry 2"):
        archives.purge(dry_run=False)
    assert len(logs.rows(short)) == 5


def test_a_range_behind_the_end_finds_nothing_wrong(short: Flask) -> None:
    logs.write(short, 3)
    told = logs.verify(short, 100, 200)
    assert (told.valid, told.entries_checked, told.first_number) == (True, 0, None)
