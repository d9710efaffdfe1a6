"""Whatever somebody does to the log without its key is found, and the first bad entry named."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, func, insert, text, update
from st_audit import keys, ledger, verifier
from st_audit.models import AuditCheckpoint, AuditEntry, AuditHead

from st_core.db import db, table_of
from tests.exam import Exam
from tests.plugins.audit import logs, tampering
from tests.plugins.audit.tampering import Log

ENTRIES, HEAD = table_of(AuditEntry), table_of(AuditHead)


class Bench:
    """A log of which tampered versions are put into the database, one after the other."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.pristine = Log(logs.rows(app), logs.rows(app, "audit_head", "id")[0])
        self.pem = logs.public_keys(app)
        self.journal = int(_one(app, "SELECT value FROM lock WHERE name = 'journal'"))

    def put(self, log: Log) -> None:
        """Write what differs from the pristine log into the database."""
        with self.app.app_context(), db.engine.begin() as connection:
            connection.execute(delete(ENTRIES))
            if log.rows:
                connection.execute(insert(ENTRIES), log.rows)
            connection.execute(update(HEAD).values(log.head))

    def fresh(self) -> Log:
        """Return a copy to tamper with."""
        return copy.deepcopy(self.pristine)


def _one(app: Flask, statement: str) -> Any:
    with app.app_context():
        return db.session.execute(text(statement)).scalar_one()


@pytest.fixture
def bench(make_app: Callable[..., Flask]) -> Bench:
    """A log of some forty entries with checkpoints among them."""
    app = make_app(plugins=["audit", "zoo"], audit__checkpoint_entries=10)
    logs.write(app, 12, each=2)
    logs.write(app, 20)
    return Bench(app)


def file_of(bench: Bench, log: Log) -> list[str] | None:
    """Return the export the server makes of the tampered log; None when it refuses."""
    try:
        return logs.exported(bench.app)
    except ledger.HeadForged:
        return None


def test_random_tamperings_are_all_found_and_placed(bench: Bench, exam: Exam) -> None:
    count = exam.count("tamperings", 300, 10_000)
    done: Counter[str] = Counter()
    for number in range(count):
        way = tampering.WAYS[number % len(tampering.WAYS)]
        log = bench.fresh()
        way(exam.random, log)
        bench.put(log)
        told = logs.verify(bench.app)
        label = f"{way.__name__}, entry {log.bad}: {told.findings[:2]}"
        assert not told.valid, label
        assert told.first_bad == log.bad, label
        lines = file_of(bench, log)
        if lines is not None:
            _verifier_agrees(bench, log, lines, label)
        done[way.__name__] += 1
    bench.put(bench.fresh())
    assert logs.verify(bench.app).valid
    assert len(done) == len(tampering.WAYS)


def _verifier_agrees(bench: Bench, log: Log, lines: list[str], label: str) -> None:
    """An export tells the same; of a log written anew from somewhere on, between which entries."""
    alone = logs.check_file(lines, bench.pem)
    assert not alone.valid, label
    first = alone.findings[0]
    if log.exact:
        assert alone.first_bad == log.bad, f"{label} / {first}"
    else:
        assert first.since <= log.bad <= first.number, f"{label} / {first}"


def test_an_older_copy_is_found_by_an_anchor_and_the_fork_is_named(
    bench: Bench, exam: Exam
) -> None:
    """The whole database goes back to an older state and lives on, with true seals."""
    app = bench.app
    newer = bench.pristine
    anchor = logs.checkpoint(app)
    for _ in range(exam.count("rollbacks", 5, 500)):
        at = exam.random.randrange(1, len(newer.rows))
        older = _state_at(bench, at)
        bench.put(older)
        told = logs.verify(app, anchors=[anchor])
        assert told.first_bad == at + 1
        alone = logs.check_file(logs.exported(app), bench.pem, [anchor])
        assert alone.first_bad == at + 1
        logs.write(app, len(newer.rows) - at + exam.random.randrange(3))
        told = logs.verify(app, anchors=[anchor])
        assert (told.valid, told.first_bad) == (False, at + 1)
        alone = logs.check_file(logs.exported(app), bench.pem, [anchor])
        assert (alone.valid, alone.first_bad) == (False, at + 1)
        assert logs.verify(app).valid, "without an anchor an older copy is a log like any other"
        with app.app_context(), db.engine.begin() as connection:
            connection.execute(text("DELETE FROM audit_checkpoint"))


def _state_at(bench: Bench, number: int) -> Log:
    """Return the log as it was when entry `number` was the last, journal and all."""
    log = bench.fresh()
    del log.rows[number:]
    last = log.rows[-1]
    app = bench.app
    with app.app_context():
        signer = keys.in_force_at(1)
        head = ledger.Head(
            log.head["log"], last["number"], last["entry_hash"], last["event_id"], 1
        ).sealed(signer)
        with db.engine.begin() as connection:
            connection.execute(text("DELETE FROM audit_checkpoint"))
            connection.execute(text("DELETE FROM event WHERE id > :id"), {"id": last["event_id"]})
            connection.execute(
                text("UPDATE lock SET value = :id WHERE name = 'journal'"),
                {"id": last["event_id"]},
            )
    log.head.update(vars(head))
    return log


def test_tampering_with_an_exported_file_is_found_and_placed(bench: Bench, exam: Exam) -> None:
    lines = logs.exported(bench.app)
    entries = [n for n, line in enumerate(lines) if json.loads(line)["kind"] == "entry"]
    for _ in range(exam.count("tamperings of files", 200, 3000)):
        wrong, bad = list(lines), 0
        at = exam.random.choice(entries)
        item = json.loads(lines[at])
        match exam.random.choice(("edit", "byte", "delete", "double", "swap", "cut")):
            case "edit":
                name = exam.random.choice(sorted(set(item) - {"number", "kind"}))
                item[name] = "0" * 64 if item[name] != "0" * 64 else "1"
                wrong[at], bad = verifier.canonical(item) + "\n", item["number"]
            case "byte":
                place = exam.random.randrange(len(lines[at]) - 1)
                wrong[at] = lines[at][:place] + "~" + lines[at][place + 1 :]
                bad = item["number"]
            case "delete":
                del wrong[at]
                bad = item["number"]
            case "double":
                wrong.insert(at, lines[at])
                bad = item["number"]
            case "swap":
                other = exam.random.choice([n for n in entries if n != at])
                wrong[at], wrong[other] = wrong[other], wrong[at]
                bad = min(item["number"], json.loads(lines[other])["number"])
            case "cut":
                del wrong[at:]
                bad = item["number"]
        told = logs.check_file(wrong, bench.pem)
        assert not told.valid
        assert told.first_bad == bad, told.findings


def test_a_statement_of_another_key_proves_nothing(
    bench: Bench, make_app: Callable[..., Flask]
) -> None:
    other = make_app(plugins=["audit", "zoo"])
    logs.write(other, 3)
    lines = logs.exported(bench.app)
    told = logs.check_file(lines, logs.public_keys(other))
    assert not told.valid
    with pytest.raises(Exception, match="anchor"):
        logs.verify(bench.app, anchors=[logs.checkpoint(other)])


def test_a_changed_checkpoint_is_found(bench: Bench) -> None:
    with bench.app.app_context(), db.engine.begin() as connection:
        forged = update(table_of(AuditCheckpoint)).values(
            statement=func.replace(AuditCheckpoint.statement, '"at":"2', '"at":"3')
        )
        connection.execute(forged)
    told = logs.verify(bench.app)
    assert {each.kind for each in told.findings} == {"checkpoint"}


def test_the_script_needs_only_the_file_and_the_public_key(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, key = tmp_path / "log.jsonl", tmp_path / "key.pem"
    file.write_text("".join(logs.exported(bench.app)))
    key.write_text(bench.pem)
    anchor = logs.anchor_file(tmp_path, logs.checkpoint(bench.app))
    words = [str(file), "--public-key", str(key), "--anchor", str(anchor)]
    assert verifier.main(words) == 0
    assert capsys.readouterr().out.startswith("intact: ")
    file.write_text("".join(logs.exported(bench.app)).replace("Pause, 3", "Pause, 4"))
    assert verifier.main([*words, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["first_bad"] == told["findings"][0]["number"]
    assert verifier.main([str(tmp_path / "none"), "--public-key", str(key)]) == 2
