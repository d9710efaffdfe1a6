"""Check an exported audit log with nothing but the file and the public key.

    python verifier.py --public-key audit-key.pem [--anchor checkpoint.json] FILE...

This one file is all that is needed besides the package `cryptography`; the server checks its own
log with the same code.

The form: every line is a JSON object with sorted keys (by code point), no spaces, ASCII only with
`\\u` escapes for the rest, numbers as Python's shortest `repr`; close to RFC 8785. An *entry* holds
every field; `entry_hash` is the SHA-256 (hex) of its line without `entry_hash`, `previous_hash`
that of the entry before ("genesis" for number 1): a hash covers everything up to its entry. A
*statement* is signed (Ed25519 over its line without `signature`): a `checkpoint` names number and
hash of the newest entry at that moment, an `excerpt` those of the last entry of a file, a `segment`
those of an archive. An *anchor* is a checkpoint that was kept elsewhere. A `log` line says what a
file holds and is not signed.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

GENESIS = "genesis"
_END = "-----END PUBLIC KEY-----"


@dataclass(frozen=True)
class Finding:
    """Something wrong at entry `number`; no key vouches for the entries from `since` on."""

    number: int
    since: int
    kind: str
    message: str


@dataclass
class Report:
    """What was checked, what is wrong (the lowest number first), and what could not be told."""

    first_number: int | None = None
    last_number: int | None = None
    entries_checked: int = 0
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def valid(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.findings

    @property
    def first_bad(self) -> int | None:
        """Name the first bad entry, None when nothing is wrong."""
        return min((each.number for each in self.findings), default=None)

    def told(self) -> str:
        """Return the report as people read it."""
        span = f"{self.entries_checked} entries, {self.first_number} to {self.last_number}"
        wrong = "".join(f"\nentry {each.number}: {each.message}" for each in self.findings)
        notes = "".join(f"\nnote: {note}" for note in self.notes)
        return f"{'intact' if self.valid else 'BROKEN'}: {span}{wrong}{notes}"


def canonical(value: Any) -> str:
    """Return a JSON value in the one form that is hashed. Raises ValueError for NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(text: str) -> str:
    """Return the SHA-256 of a text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_keys(pem: str) -> dict[str, Ed25519PublicKey]:
    """Return the Ed25519 public keys in a PEM text by fingerprint. Raises ValueError."""
    keys = {}
    for block in pem.split(_END)[:-1]:
        key = load_pem_public_key((block + _END + "\n").encode())
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError("the public key is no Ed25519 key")
        keys[fingerprint(key.public_bytes_raw())] = key
    if not keys:
        raise ValueError("there is no public key in PEM form")
    return keys


def fingerprint(public: bytes) -> str:
    """Return the name of a public key: the beginning of its SHA-256."""
    return hashlib.sha256(public).hexdigest()[:16]


def is_signed(statement: Mapping[str, Any], keys: Mapping[str, Ed25519PublicKey]) -> bool:
    """Tell whether a statement was signed with one of the keys and is unchanged since."""
    signed = {name: value for name, value in statement.items() if name != "signature"}
    key = keys.get(str(statement.get("key")))
    try:
        signature = base64.b64decode(str(statement.get("signature")), validate=True)
        if key is not None:
            key.verify(signature, canonical(signed).encode())
    except (InvalidSignature, ValueError):
        return False
    return key is not None


class Chain:
    """Walks entries in order and notes what does not fit.

    `expected` is the number the next entry must have, None when any may come first; `previous` the
    hash it must name; `proven` the last number that a signature vouches for.
    """

    def __init__(self, expected: int | None = None, previous: str | None = None) -> None:
        self.expected = expected
        self.previous = previous
        self.proven = (expected or 1) - 1
        self.report = Report()
        self.anchors: list[dict[str, Any]] = []

    def find(self, number: int, kind: str, message: str) -> None:
        """Note that something is wrong at entry `number`."""
        since = min(number, self.proven + 1)
        self.report.findings.append(Finding(number, since, kind, message))

    def entry(self, entry: Mapping[str, Any], text: str, *, altered: str = "") -> None:
        """Take the next entry and the text its hash is of; `altered` says what else is wrong."""
        number, report = entry["number"], self.report
        if not isinstance(number, int):
            self.find(self.expected or 1, "changed", f"an entry has the number {number!r}")
            return
        if self.expected is None:
            self.expected, self.proven = number, number - 1
        wanted = self.expected
        if number > wanted:
            self.find(wanted, "missing", f"entries {wanted} to {number - 1} are missing")
        elif number < wanted:
            self.find(number, "misplaced", f"entry {number} stands after entry {wanted - 1}")
        hash_ = entry["entry_hash"]
        if altered or digest(text) != hash_:
            self.find(number, "changed", altered or f"entry {number} does not fit its own hash")
        elif number == wanted and self.previous not in (entry["previous_hash"], None):
            self.find(number, "unlinked", f"entry {number} names another hash before it")
        report.entries_checked += 1
        report.first_number = number if report.first_number is None else report.first_number
        report.last_number = number
        self.expected, self.previous = number + 1, hash_
        self._compare(number, hash_, str(entry["timestamp"]))

    def _compare(self, number: int, hash_: str, written_at: str) -> None:
        for anchor in self.anchors:
            if number <= anchor["number"] and written_at > anchor["at"]:
                anchor.setdefault("later", number)  # no such entry was there at that moment
            if anchor["number"] == number and anchor["hash"] != hash_:
                message = f"on {anchor['at']} entry {number} was another: the log was rolled back"
                self.find(anchor.get("later", number), "anchor", message)

    def vouch(self, number: int, hash_: str, what: str) -> None:
        """Compare a signed statement about `number`, the entry just walked, with it."""
        last = number - 1 if self.expected is None else self.expected - 1
        if number > last:
            self.find(last + 1, "missing", f"entries {last + 1} to {number} are missing: {what}")
            self.expected, self.previous = number + 1, None
        elif number == last and self.previous not in (hash_, None):
            self.find(number, "changed", f"{what} names another hash for entry {number}")
        elif number == last:
            self.proven = number

    def end(self, is_head: bool = True) -> Report:
        """Return the report; an anchor beyond the end tells of a log that was cut."""
        report, last = self.report, (self.expected or 1) - 1
        for anchor in self.anchors:
            at, number = anchor["at"], anchor["number"]
            if number > last and is_head:
                message = f"the log ends at {last}, but had an entry {number} on {at}"
                self.find(last + 1, "missing", message)
            elif number > last or number < (report.first_number or 1):
                report.notes.append(f"the anchor of entry {number} lies outside")
        report.findings.sort(key=lambda each: each.number)
        return report


class Files:
    """Checks exported files and archives in the order of their entries; of a filtered one only
    single entries."""

    def __init__(
        self, keys: Mapping[str, Any], anchors: Iterable[Any] = (), *, filtered: bool = False
    ) -> None:
        self._keys = keys
        self._chain = Chain()
        self._closed: Mapping[str, Any] | None = None
        self._log: str | None = None
        self._filtered = filtered
        self._last = 0
        for anchor in anchors:
            if not is_signed(anchor, keys):
                raise ValueError("an anchor was not signed with this key")
            self._belongs(anchor)
            self._chain.anchors.append(dict(anchor))

    def read(self, lines: Iterable[str]) -> None:
        """Check the lines of one file after those read before."""
        for line in lines:
            text = line.rstrip("\n")
            try:
                item = json.loads(text)
                fits = isinstance(item, dict) and canonical(item) == text
            except (ValueError, RecursionError):
                item, fits = {}, False
            if not fits:
                self._wrong("a line is not in the form of this log")
            if isinstance(item, dict):
                self._take(item, text)

    def _wrong(self, message: str) -> None:
        self._chain.find(self._chain.expected or 1, "changed", message)

    def _take(self, item: dict[str, Any], text: str) -> None:
        kind = item.get("kind")
        if kind == "log":
            first, last = item.get("first"), item.get("last")
            self._last = last if isinstance(last, int) else self._last
            if self._chain.expected is None and isinstance(first, int):
                self._chain.expected, self._chain.proven = first, first - 1
                self._chain.previous = str(item.get("previous_hash"))
        elif kind == "entry" and {"number", "entry_hash", "timestamp"} <= set(item):
            if self._filtered:
                self._chain.expected = self._chain.previous = None
            bare = {name: value for name, value in item.items() if name != "entry_hash"}
            self._chain.entry({"previous_hash": None, **item}, canonical(bare))
            self._closed = None
        elif is_signed(item, self._keys) and self._belongs(item):
            self._chain.vouch(item["number"], item["hash"], f"the signed {kind} of {item['at']}")
            self._closed = item
        else:
            self._wrong(f"a {kind} was not signed with this key")

    def _belongs(self, statement: Mapping[str, Any]) -> bool:
        """Tell whether a statement is about the same log as those before."""
        self._log = self._log or str(statement["log"])
        return statement["log"] == self._log

    def end(self) -> Report:
        """Return the report on everything read."""
        closed, end = self._closed, self._chain.expected or 1
        if self._filtered:
            self._chain.report.notes.append("a filtered export: only single entries were checked")
        elif closed is None or closed["number"] != end - 1 or end <= self._last:
            end = end if closed is None else min(closed["number"] + 1, end)
            self._chain.find(end, "missing", f"from entry {end} on no signature closes the file")
        return self._chain.end(bool(closed and closed["kind"] == "checkpoint"))


def main(argv: list[str] | None = None) -> int:
    """Check files and print the report; return 0 when all is well, 1 when not, 2 when unable."""
    parser = argparse.ArgumentParser(description="Check an exported audit log.")
    parser.add_argument("files", nargs="+", type=Path, help="exports or archives, oldest first")
    parser.add_argument("--public-key", required=True, type=Path, help="the server's, as PEM")
    parser.add_argument("--anchor", action="append", default=[], type=Path, help="a checkpoint")
    parser.add_argument("--filtered", action="store_true", help="only check single entries")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    given = parser.parse_args(argv)
    try:
        anchors = [json.loads(path.read_text("utf-8")) for path in given.anchor]
        files = Files(
            read_keys(given.public_key.read_text("ascii")), anchors, filtered=given.filtered
        )
        for path in given.files:
            with path.open(encoding="utf-8") as lines:
                files.read(lines)
    except (OSError, ValueError) as error:
        print(f"verifier: {error}", file=sys.stderr)
        return 2
    report = files.end()
    told = {**asdict(report), "valid": report.valid, "first_bad": report.first_bad}
    print(json.dumps(told, indent=2) if given.json else report.told())
    return 0 if report.valid else 1


if __name__ == "__main__":
    sys.exit(main())
