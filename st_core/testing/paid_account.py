"""The far side of the stand-in provider `paid`: its account with keys, runs, bills and faults.

An *account* is a folder that every process of a server reads, so that a kill loses nothing. Tests
change it: `paid.account(app).change(keys=["second"])`, `.fault("slow")`. A *fault* happens a given
number of times, or until it is taken away.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from ..errors import KeyRefused

KEY = "paid-key-1"
#: What can go wrong: the key is refused; the run starts and the answer is lost; the answer takes
#: `slow_seconds`; too many requests; the service answers nothing.
FAULTS = ("refused_key", "lost_answer", "slow", "too_many", "down")


@dataclass(frozen=True)
class Terms:
    """How the service behaves. A step takes `step_seconds` of billed time, `speed` of which pass
    in one second of the product's clock. Without `quotes` it names no price beforehand."""

    keys: tuple[str, ...] = (KEY,)
    demands_key: bool = True
    checks_keys: bool = True
    quotes: bool = True
    step_seconds: float = 60.0
    speed: float = 1.0
    slow_seconds: float = 0.2
    faults: dict[str, int | None] = field(default_factory=dict)


class Account:
    """One customer's account, kept in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "runs").mkdir(parents=True, exist_ok=True)

    def terms(self) -> Terms:
        """Return how the service behaves now."""
        file = self._folder / "terms.json"
        if not file.exists():
            return Terms()
        stored = json.loads(file.read_text("utf-8"))
        return Terms(**stored | {"keys": tuple(stored["keys"])})

    def change(self, **terms: Any) -> None:
        """Let the service behave otherwise; keywords are the fields of `Terms`."""
        with self._alone():
            self._write(replace(self.terms(), **terms))

    def fault(self, name: str, times: int | None = None) -> None:
        """Let a fault happen at the next `times` calls that can have it, None: until `heal`."""
        assert name in FAULTS, f"{name!r} is none of {', '.join(FAULTS)}"
        with self._alone():
            now = self.terms()
            self._write(replace(now, faults={**now.faults, name: times}))

    def heal(self) -> None:
        """Let every fault end."""
        self.change(faults={})

    def revoke(self, key: str) -> None:
        """Let a key be accepted no more."""
        with self._alone():
            now = self.terms()
            self._write(replace(now, keys=tuple(each for each in now.keys if each != key)))

    def has(self, fault: str) -> bool:
        """Tell whether this call suffers `fault`, and count it."""
        if fault not in self.terms().faults:  # the usual case takes no lock
            return False
        with self._alone():
            now = self.terms()
            if fault not in now.faults:
                return False
            left = now.faults[fault]
            rest = {name: n for name, n in now.faults.items() if name != fault}
            if left is None or left > 1:
                rest[fault] = None if left is None else left - 1
            self._write(replace(now, faults=rest))
            return True

    def accept(self, key: str | None) -> None:
        """Pass for a key of this account. Raises KeyRefused."""
        terms = self.terms()
        if self.has("refused_key") or (terms.demands_key and key not in terms.keys):
            what = "this key is not accepted" if key else "no key was given"
            raise KeyRefused(f"paid: {what}; set a credential paid/api_key that is in force")

    def open(self, key: str, run: dict[str, Any]) -> None:
        """Note a run under the attempt's key, once."""
        with self._alone():
            if self.run(key) is None:
                self.put(key, run)

    def put(self, key: str, run: dict[str, Any]) -> None:
        """Write a run."""
        new = self._run(key).with_suffix(".new")
        new.write_text(json.dumps(run), "utf-8")
        new.replace(self._run(key))

    def run(self, key: str) -> dict[str, Any] | None:
        """Return the run started under an attempt's key."""
        file = self._run(key)
        if not file.exists():
            return None
        found: dict[str, Any] = json.loads(file.read_text("utf-8"))
        return found

    def runs(self) -> list[dict[str, Any]]:
        """Return every run that was ever started, by key."""
        files = sorted((self._folder / "runs").glob("*.json"))
        return [json.loads(file.read_text("utf-8")) for file in files]

    def bill(self) -> Decimal:
        """Return what all ended runs cost, in USD."""
        return sum(
            (Decimal(run["cost_usd"]) for run in self.runs() if "cost_usd" in run), Decimal()
        )

    def _run(self, key: str) -> Path:
        return self._folder / "runs" / f"{key}.json"

    def _write(self, terms: Terms) -> None:
        new = self._folder / "terms.new"
        new.write_text(json.dumps(asdict(terms)), "utf-8")
        new.replace(self._folder / "terms.json")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
