"""Providers that misbehave on purpose: the zoo. `fake_trainer` has the trainer beside them.

Every fake keeps what it knows in the job's workspace (`fake/<key>.json`), so that it remembers over
restarts of the server, and writes one line per real start to `starts`, so that a test can count.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from ..contracts import Capability, Estimate, Hardware, Order, Problem, Provider, Submission
from ..errors import ProviderError
from ..progress.readings import Phase, Progress


class FakeProvider:
    """Runs nothing: an attempt is a file in the workspace, complete after `polls` questions."""

    name = "fake"
    title = "Fake"
    polls = 0
    ends = Phase.COMPLETED
    capabilities = frozenset({Capability.RESUME})
    poll_seconds = 0.02
    timeout_seconds = 5.0

    def hardware(self) -> Sequence[Hardware]:
        """Return one kind of machine at a dollar an hour, always free."""
        return [Hardware("fake-1", "Nothing at all", cost_per_hour_usd=Decimal(1))]

    def validate(self, submission: Submission) -> Sequence[Problem]:
        """Return a problem for hardware it does not have."""
        if submission.hardware in (None, "fake-1"):
            return []
        return [Problem("hardware", f"{submission.hardware!r} is not offered; fake-1 is")]

    def estimate(self, submission: Submission) -> Estimate | None:
        """Return that it costs nothing."""
        return Estimate(Decimal(0), "fakes are free")

    def start(self, order: Order, env: Mapping[str, str]) -> dict[str, Any]:
        """Note the start of `order`, once per key.

        One line of the file `starts` is the start: whoever is killed here has started it or not.
        """
        state = {"key": order.key, "workspace": str(order.workspace)}
        if self.find(order.key, order.workspace) is None:
            with self._starts(state).open("a", encoding="utf-8") as starts:
                starts.write(f"{order.key}\n")
        return state

    def poll(self, state: dict[str, Any]) -> Progress:
        """Count the question and answer how far that many questions have brought the attempt."""
        seen = self._read(state)
        if seen is None:
            return Progress(Phase.LOST, message="no trace of this attempt")
        if not seen["stopped"]:
            seen["polls"] += 1
            self._write(state, seen)
        return self._progress(seen["polls"], bool(seen["stopped"]))

    def stop(self, state: dict[str, Any]) -> None:
        """Let the attempt end as cancelled, unless it has ended before."""
        seen = self._read(state)
        if seen is not None and not self._progress(seen["polls"], False).phase.is_final:
            self._write(state, seen | {"stopped": True})

    def checkpoint(self, state: dict[str, Any]) -> None:
        """Raise: a fake has nothing to save."""
        raise ProviderError(f"{self.name} cannot save checkpoints")

    def find(self, key: str, workspace: Path) -> dict[str, Any] | None:
        """Return the state of the attempt started under `key`."""
        state = {"key": key, "workspace": str(workspace)}
        return state if self._read(state) is not None else None

    def _progress(self, polls: int, stopped: bool) -> Progress:
        if stopped:
            return Progress(Phase.CANCELLED, message="stopped when asked")
        if polls > self.polls:
            return Progress(self.ends, step=self.polls, total=self.polls, exit_code=0)
        return Progress(Phase.RUNNING, step=polls, total=self.polls, started_at=time.time())

    def _file(self, state: Mapping[str, Any]) -> Path:
        return Path(state["workspace"]) / "fake" / f"{state['key']}.json"

    def _starts(self, state: Mapping[str, Any]) -> Path:
        return Path(state["workspace"]) / "starts"

    def _read(self, state: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return what became of an attempt so far, None when it was never started."""
        starts, file = self._starts(state), self._file(state)
        if not starts.exists() or state["key"] not in starts.read_text("utf-8").split():
            return None
        if not file.exists():
            return {"polls": 0, "stopped": False}
        found: dict[str, Any] = json.loads(file.read_text("utf-8"))
        return found

    def _write(self, state: Mapping[str, Any], content: Mapping[str, Any]) -> None:
        path = self._file(state)
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        new.write_text(json.dumps(content), "utf-8")
        new.replace(path)


class InstantProvider(FakeProvider):
    """Completes at the first question."""

    name = "instant"
    title = "Fake: instant"


class SlowProvider(FakeProvider):
    """Runs for five questions, then completes."""

    name = "slow"
    title = "Fake: slow"
    polls = 5


class NeverProvider(FakeProvider):
    """Runs until somebody stops it."""

    name = "never"
    title = "Fake: never"
    polls = sys.maxsize


class FailingProvider(FakeProvider):
    """Refuses every start: nothing ever runs."""

    name = "failing"
    title = "Fake: failing"

    def start(self, order: Order, env: Mapping[str, str]) -> dict[str, Any]:
        """Raise ProviderError."""
        raise ProviderError("failing refuses to start anything")


class CrashingProvider(FakeProvider):
    """Starts; at the third question the attempt has crashed and is worth another."""

    name = "crashing"
    title = "Fake: crashing"
    polls = 2

    def _progress(self, polls: int, stopped: bool) -> Progress:
        if polls <= self.polls or stopped:
            return super()._progress(polls, stopped)
        return Progress(Phase.FAILED, message="crashed", exit_code=139, signal=11, resumable=True)


class LosingProvider(SlowProvider):
    """Starts the attempt and loses the answer: the caller gets a timeout, `find` knows better."""

    name = "losing"
    title = "Fake: losing"

    def start(self, order: Order, env: Mapping[str, str]) -> dict[str, Any]:
        """Start, then raise TimeoutError."""
        super().start(order, env)
        raise TimeoutError("the answer was lost")


class VanishingProvider(FakeProvider):
    """Starts, and then knows nothing of the attempt any more."""

    name = "vanishing"
    title = "Fake: vanishing"
    ends = Phase.LOST
    polls = 1


#: One of each, as the plugin `zoo` hands them over.
PROVIDERS: tuple[Provider, ...] = (
    InstantProvider(),
    SlowProvider(),
    NeverProvider(),
    FailingProvider(),
    CrashingProvider(),
    LosingProvider(),
    VanishingProvider(),
)
