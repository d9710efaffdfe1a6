"""What every provider promises: subclass `ProviderContract` in three lines.

    class TestContract(ProviderContract):
        plugin = provider = "local_gpu"

The orders it gets carry `FakeTrainer`'s process. A provider that takes its orders elsewhere
overrides `make_order`; one that runs nothing says `runs = False`.
"""

from __future__ import annotations

import contextvars
import json
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest
from flask import Flask

from ..contracts import Capability, Order, Provider
from ..errors import ProviderError
from ..progress.readings import Phase, Progress
from .fake_trainer import FakeTrainer

T = TypeVar("T")
END_SECONDS = 60.0


class ProviderContract:
    """Tests of one provider's promises (`st_core.contracts.Provider`)."""

    plugin: ClassVar[str]
    provider: ClassVar[str]
    #: Whether it runs the order's launch; a fake that runs nothing does not.
    runs: ClassVar[bool] = True

    @pytest.fixture
    def app(self, make_app: Any) -> Iterator[Flask]:
        """The server with this plugin alone, in an application context."""
        app = make_app(plugins=[self.plugin])
        with app.app_context():
            yield app

    @pytest.fixture
    def it(self, app: Flask) -> Iterator[Provider]:
        """The provider under test; whatever a test leaves running is stopped."""
        found: Provider = app.extensions["st"].providers[self.provider]
        watched = _Watched(found)
        yield watched
        for state in watched.states:
            found.stop(state)
            _until_final(found, state)

    @pytest.fixture
    def order(self, tmp_path: Path) -> Callable[..., Order]:
        """Make orders: `order(steps=5)` for a new job whose fake training has these settings."""
        return lambda **config: self.make_order(tmp_path, config)

    def make_order(self, folder: Path, config: dict[str, Any]) -> Order:
        """Return an order for the first attempt of a new job with a workspace below `folder`."""
        key = uuid.uuid4().hex
        trainer = FakeTrainer()
        filled, problems = trainer.validate(config)
        assert problems == []
        workspace = folder / key[:8]
        workspace.mkdir()
        return Order(
            key=f"{key}-1",
            job_id=1,
            job_key=key,
            attempt=1,
            workspace=workspace,
            trainer=trainer.name,
            config=filled,
            launch=trainer.launch(filled, workspace),
        )

    def test_it_says_who_it_is(self, it: Provider) -> None:
        assert isinstance(it, Provider)
        assert it.name == self.provider
        assert it.title
        assert it.poll_seconds > 0
        assert it.timeout_seconds > 0
        assert all(isinstance(each, Capability) for each in it.capabilities)

    def test_its_hardware_has_unique_names(self, it: Provider) -> None:
        ids = [each.id for each in it.hardware()]
        assert len(ids) == len(set(ids))

    def test_an_attempt_runs_and_completes(self, it: Provider, order: Callable[..., Order]) -> None:
        state = it.start(order(steps=3), {})
        assert _until_final(it, state).phase is Phase.COMPLETED

    def test_the_state_survives_being_stored_as_json(
        self, it: Provider, order: Callable[..., Order]
    ) -> None:
        state = it.start(order(steps=3), {})
        stored = json.loads(json.dumps(state))
        assert stored == state
        assert _until_final(it, stored).phase is Phase.COMPLETED

    def test_an_end_stays_the_same_end(self, it: Provider, order: Callable[..., Order]) -> None:
        state = it.start(order(steps=1), {})
        first = _until_final(it, state)
        assert [it.poll(state).phase for _ in range(3)] == [first.phase] * 3

    def test_the_same_key_starts_one_run(self, it: Provider, order: Callable[..., Order]) -> None:
        given = order(steps=3)
        first = it.start(given, {})
        second = it.start(given, {})
        assert _until_final(it, first).phase is Phase.COMPLETED
        assert _until_final(it, second).phase is Phase.COMPLETED
        if self.runs:
            assert _times(given, '"starting"') == 1

    def test_it_finds_an_attempt_by_its_key(
        self, it: Provider, order: Callable[..., Order]
    ) -> None:
        given = order(steps=3)
        it.start(given, {})
        found = it.find(given.key, given.workspace)
        assert found is not None
        assert _until_final(it, found).phase is Phase.COMPLETED

    def test_it_does_not_find_what_was_never_started(
        self, it: Provider, order: Callable[..., Order]
    ) -> None:
        """`None` is for ever: whoever asked may start the job under another key."""
        given = order(steps=3)
        assert [it.find(given.key, given.workspace) for _ in range(2)] == [None, None]

    def test_a_failing_trainer_is_failed(self, it: Provider, order: Callable[..., Order]) -> None:
        if self.runs:
            ended = _until_final(it, it.start(order(steps=5, fail_at=2), {}))
            assert (ended.phase, ended.exit_code) == (Phase.FAILED, 3)

    def test_a_killed_trainer_is_worth_another_attempt(
        self, it: Provider, order: Callable[..., Order]
    ) -> None:
        if self.runs:
            ended = _until_final(it, it.start(order(steps=5, crash_at=2), {}))
            assert ended.phase is Phase.FAILED
            assert ended.resumable

    def test_stopping_cancels_what_runs(self, it: Provider, order: Callable[..., Order]) -> None:
        state = it.start(order(steps=10_000), {})
        it.stop(state)
        it.stop(state)
        assert _until_final(it, state).phase in (Phase.CANCELLED, Phase.COMPLETED)
        if self.runs:
            assert it.poll(state).phase is Phase.CANCELLED

    def test_stopping_an_ended_attempt_changes_nothing(
        self, it: Provider, order: Callable[..., Order]
    ) -> None:
        state = it.start(order(steps=1), {})
        ended = _until_final(it, state)
        it.stop(state)
        assert it.poll(state).phase is ended.phase

    def test_a_checkpoint_can_be_asked_for_where_promised(
        self, it: Provider, order: Callable[..., Order]
    ) -> None:
        given = order(steps=10_000, save_every=100_000)
        state = it.start(given, {})
        if Capability.CHECKPOINT not in it.capabilities:
            with pytest.raises(ProviderError):
                it.checkpoint(state)
            return
        _until(lambda: it.poll(state).phase is Phase.RUNNING)
        if self.runs:  # what is asked before the trainer listens, it may never hear
            _until(lambda: _has_begun(given))
        it.checkpoint(state)
        _until(lambda: list((given.workspace / "checkpoints").glob("step-*.json")))
        assert not it.poll(state).phase.is_final

    def test_secrets_are_handed_on_and_not_kept(
        self, it: Provider, order: Callable[..., Order]
    ) -> None:
        given = order(steps=2)
        secret = "hunter2-is-a-secret"
        state = it.start(given, {"SECRET_TOKEN": secret})
        _until_final(it, state)
        assert secret not in json.dumps(state)
        files = [each for each in given.workspace.rglob("*") if each.is_file()]
        told = [each for each in files if secret in each.read_text(errors="replace")]
        assert told == []


class _Watched:
    """A provider whose every call must come back within its own timeout."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.states: list[dict[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._provider, name)
        if not callable(found):
            return found

        def call(*arguments: Any) -> Any:
            answer = _in_time(lambda: found(*arguments), self._provider.timeout_seconds, name)
            if name == "start":
                self.states.append(answer)
            return answer

        return call


def _in_time(call: Callable[[], T], seconds: float, name: str) -> T:
    """Return what `call` returns, raise what it raises, or fail when it hangs."""
    context = contextvars.copy_context()  # the application context goes with it
    pool = ThreadPoolExecutor(1)
    answer = pool.submit(context.run, call)
    pool.shutdown(wait=False)
    wait([answer], seconds)
    assert answer.done(), f"{name} took longer than its {seconds:g} s"
    return answer.result()


def _until(ready: Callable[[], Any]) -> None:
    end = time.monotonic() + END_SECONDS
    while not ready():
        assert time.monotonic() < end, f"nothing happened within {END_SECONDS:.0f} s"
        time.sleep(0.02)


def _until_final(provider: Provider, state: dict[str, Any]) -> Progress:
    last: list[Progress] = []

    def ended() -> bool:
        last[:] = [provider.poll(state)]
        return last[0].phase.is_final

    _until(ended)
    return last[0]


def _has_begun(order: Order) -> bool:
    events = order.workspace / "metrics.jsonl"
    return events.exists() and '"progress"' in events.read_text("utf-8")


def _times(order: Order, text: str) -> int:
    return (order.workspace / "metrics.jsonl").read_text("utf-8").count(text)
