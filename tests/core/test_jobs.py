"""The life of a job: which moves there are, cancelling, deleting, and trying again."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from st_core.contracts import JobState
from st_core.db import db, unit_of_work
from st_core.errors import Conflict, NotAllowed, NotFound
from st_core.models import Attempt, Job, JobGate, JobLog
from st_core.progress.readings import Phase, Progress
from st_core.services import (
    claims,
    dispatcher,
    endings,
    jobs,
    retrying,
    users,
    watcher,
    workspaces,
)
from tests.core import zoo_jobs

NEW, ASKS, QUEUED, STARTING, RUNNING, COMPLETED, FAILED, CANCELLED = JobState
#: Guide section 3, and a retry.
ALLOWED = {
    (NEW, ASKS),
    (NEW, QUEUED),
    (ASKS, QUEUED),
    (ASKS, CANCELLED),
    (QUEUED, STARTING),
    (QUEUED, CANCELLED),
    (QUEUED, FAILED),
    (STARTING, RUNNING),
    (STARTING, QUEUED),
    (STARTING, FAILED),
    (STARTING, CANCELLED),
    (RUNNING, COMPLETED),
    (RUNNING, FAILED),
    (RUNNING, CANCELLED),
    (RUNNING, QUEUED),
    (FAILED, QUEUED),
    (FAILED, ASKS),
    (CANCELLED, QUEUED),
    (CANCELLED, ASKS),
    (QUEUED, JobState.NEW),
    (ASKS, JobState.NEW),
}
MOVES = list(product(JobState, JobState))
Services = Callable[..., None]


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(plugins=["zoo"])


@pytest.fixture
def ada(viewer: Callable[..., Any]) -> Any:
    return viewer("researcher", "ada")


@pytest.fixture
def root(viewer: Callable[..., Any]) -> Any:
    return viewer("admin", "root")


def moved(app: Flask, job_id: int, new: JobState) -> None:
    with app.app_context(), unit_of_work():
        jobs.move(jobs.lock(job_id), new)


def started(app: Flask, ada: Any, services: Services, **asked: Any) -> int:
    """Submit a job that runs until it is stopped, and start it."""
    job_id = zoo_jobs.submit(app, ada, **({"provider": "never"} | asked))
    services("dispatch")
    assert zoo_jobs.job(app, job_id).state is RUNNING
    return job_id


# ── moves ─────────────────────────────────────────────────────────────────────────────────────────


def test_only_the_moves_of_the_guide_are_made_and_every_other_is_refused(
    app: Flask, ada: Any
) -> None:
    job_id = zoo_jobs.submit(app, ada)
    for old, new in MOVES:
        zoo_jobs.put(app, job_id, old)
        before = zoo_jobs.names_of_events(app, job_id)
        if (old, new) in ALLOWED:
            moved(app, job_id, new)
            assert zoo_jobs.job(app, job_id).state is new
        else:
            with pytest.raises(Conflict, match=f"is {old} and cannot become {new}"):
                moved(app, job_id, new)
            assert zoo_jobs.job(app, job_id).state is old
            assert zoo_jobs.names_of_events(app, job_id) == before


def test_each_state_entered_is_told(app: Flask, ada: Any) -> None:
    job_id = zoo_jobs.submit(app, ada)
    for state in (STARTING, RUNNING, QUEUED, STARTING, RUNNING, FAILED, QUEUED, CANCELLED):
        moved(app, job_id, state)
    assert zoo_jobs.names_of_events(app, job_id) == [
        "job.submitted",
        "job.started",
        "job.queued",
        "job.started",
        "job.failed",
        "job.queued",
        "job.cancelled",
    ]


def test_a_job_that_was_started_keeps_its_place_and_a_retried_one_goes_to_the_end(
    app: Flask, ada: Any, clock: Any
) -> None:
    job_id = zoo_jobs.submit(app, ada)
    entered = zoo_jobs.job(app, job_id).queued_at
    for state, kept in ((STARTING, True), (RUNNING, True), (FAILED, False)):
        clock.advance(minutes=1)
        moved(app, job_id, state)
        moved(app, job_id, QUEUED)
        assert (zoo_jobs.job(app, job_id).queued_at == entered) is kept
        if state is STARTING:
            moved(app, job_id, STARTING)
        elif state is RUNNING:
            moved(app, job_id, STARTING)
            moved(app, job_id, RUNNING)


def test_a_plugin_that_raises_in_a_move_takes_it_back(
    make_app: Callable[..., Flask], install_plugin: Callable[..., Path]
) -> None:
    install_plugin(
        "veto",
        "from st_core import hookimpl\nfrom st_core.contracts import JobState\n\n\n"
        "@hookimpl\ndef st_job_transition(job, old, new):\n"
        "    if new is JobState.CANCELLED:\n        raise LookupError('not this one')\n",
    )
    app = make_app(plugins=["zoo", "veto"])
    with app.app_context():
        owner = users.local_viewer()
    job_id = zoo_jobs.submit(app, owner)
    before = zoo_jobs.names_of_events(app, job_id)
    with pytest.raises(LookupError), app.app_context():
        jobs.cancel(owner, job_id)
    assert zoo_jobs.job(app, job_id).state is QUEUED
    assert zoo_jobs.names_of_events(app, job_id) == before


# ── cancelling ────────────────────────────────────────────────────────────────────────────────────


def test_a_waiting_job_is_cancelled_at_once(app: Flask, ada: Any) -> None:
    job_id = zoo_jobs.submit(app, ada)
    with app.app_context():
        assert jobs.cancel(ada, job_id).state is CANCELLED
    assert zoo_jobs.starts(app, job_id) == []


def test_a_running_job_is_asked_to_end_and_then_cancelled(
    app: Flask, ada: Any, run_services_once: Services
) -> None:
    job_id = started(app, ada, run_services_once)
    with app.app_context():
        assert jobs.cancel(ada, job_id).state is RUNNING
        assert jobs.cancel(ada, job_id).state is RUNNING
    run_services_once("watch")
    assert zoo_jobs.job(app, job_id).state is CANCELLED
    assert zoo_jobs.names_of_events(app, job_id)[-2:] == ["job.cancel_requested", "job.cancelled"]


def test_an_end_asked_for_while_the_provider_is_asked_does_not_wait_for_the_pause(
    app: Flask, ada: Any, run_services_once: Services
) -> None:
    never = app.extensions["st"].providers["never"]
    job_id = started(app, ada, run_services_once)
    real, never.poll_seconds = never.poll, 3600.0

    def poll(state: dict[str, Any]) -> Progress:
        with app.app_context():
            jobs.cancel(ada, job_id)
        never.poll = real
        return real(state)

    never.poll = poll
    try:
        run_services_once("watch")
        assert zoo_jobs.job(app, job_id).state is RUNNING
        run_services_once("watch")
        assert zoo_jobs.job(app, job_id).state is CANCELLED
    finally:
        del never.poll, never.poll_seconds


def test_a_job_cancelled_while_it_is_started_is_started_once_and_then_ended(
    app: Flask, ada: Any, run_services_once: Services
) -> None:
    never = app.extensions["st"].providers["never"]
    real = never.start

    def start(order: Any, env: Any) -> Any:
        with app.app_context():
            jobs.cancel(ada, order.job_id)
        zoo_jobs.at_once([look])
        return real(order, env)

    def look() -> None:
        with app.app_context():
            watcher.run()
        watcher.lanes.drain()

    job_id = zoo_jobs.submit(app, ada, provider="never")
    never.start = start
    try:
        run_services_once("dispatch")
    finally:
        del never.start
    assert zoo_jobs.job(app, job_id).state is RUNNING
    run_services_once("watch")
    assert zoo_jobs.job(app, job_id).state is CANCELLED
    assert len(zoo_jobs.starts(app, job_id)) == 1
    assert _is_stopped(app, job_id)


def test_a_job_cancelled_between_claim_and_start_is_never_started(app: Flask, ada: Any) -> None:
    job_id = zoo_jobs.submit(app, ada, provider="never")
    with app.app_context():
        claimed = claims.claim()
        assert claimed is not None
        jobs.cancel(ada, job_id)
        dispatcher.start(job_id, claimed.number)
    assert zoo_jobs.job(app, job_id).state is CANCELLED
    assert zoo_jobs.starts(app, job_id) == []


def test_a_run_whose_attempt_was_given_up_while_it_was_started_is_ended(
    app: Flask, ada: Any, run_services_once: Services
) -> None:
    """Another process took the attempt for lost; what we started then belongs to nobody."""
    never = app.extensions["st"].providers["never"]
    real = never.start

    def start(order: Any, env: Any) -> Any:
        with app.app_context():
            endings.lost_start(order.job_id, order.attempt, 1)
        return real(order, env)

    job_id = zoo_jobs.submit(app, ada, provider="never")
    never.start = start
    try:
        with app.app_context():
            assert claims.claim() is not None
            dispatcher.start(job_id, 1)
    finally:
        del never.start
    assert zoo_jobs.job(app, job_id).state is QUEUED
    assert _is_stopped(app, job_id)


def _is_stopped(app: Flask, job_id: int) -> bool:
    never = app.extensions["st"].providers["never"]
    with app.app_context():
        one = db.session.get_one(Job, job_id)
        state = never.find(f"{one.key}-1", workspaces.of(one))
    return state is not None and never.poll(state).phase is Phase.CANCELLED


def test_a_job_that_completed_before_the_end_asked_for_stays_completed(
    app: Flask, ada: Any, run_services_once: Services
) -> None:
    job_id = zoo_jobs.submit(app, ada)
    run_services_once("dispatch")
    with app.app_context():
        jobs.cancel(ada, job_id)
        endings.finish(job_id, 1, 1, Progress(Phase.COMPLETED))
    assert zoo_jobs.job(app, job_id).state is COMPLETED


def test_a_job_that_crashed_after_the_end_asked_for_is_cancelled_and_not_tried_again(
    app: Flask, ada: Any, run_services_once: Services
) -> None:
    job_id = started(app, ada, run_services_once)
    with app.app_context():
        jobs.cancel(ada, job_id)
        endings.finish(job_id, 1, 1, Progress(Phase.FAILED, resumable=True))
    assert zoo_jobs.job(app, job_id).state is CANCELLED


def test_an_ended_job_cannot_be_cancelled(
    app: Flask, ada: Any, run_services_once: Services
) -> None:
    job_id = zoo_jobs.submit(app, ada)
    run_services_once("dispatch", "watch")
    with app.app_context(), pytest.raises(Conflict, match="completed already"):
        jobs.cancel(ada, job_id)


def test_others_jobs_are_not_there_for_those_who_may_not_see_them(
    app: Flask, ada: Any, viewer: Callable[..., Any]
) -> None:
    job_id = zoo_jobs.submit(app, ada)
    with app.app_context():
        with pytest.raises(NotFound):
            jobs.cancel(viewer("researcher"), job_id)
        with pytest.raises(NotAllowed):
            jobs.cancel(viewer("lead"), job_id)


def test_many_are_cancelled_one_by_one_and_each_told(app: Flask, ada: Any, root: Any) -> None:
    mine, other = zoo_jobs.submit(app, ada), zoo_jobs.submit(app, root)
    with app.app_context():
        told = jobs.cancel_many(ada, [mine, other, "nonsense"])
    assert [each["success"] for each in told] == [True, False, False]
    assert zoo_jobs.states(app) == {mine: CANCELLED, other: QUEUED}


def test_cancelling_against_claiming_has_one_winner(
    app: Flask, ada: Any, root: Any, database: Any
) -> None:
    for _ in range(5):
        job_id = zoo_jobs.submit(app, root, provider="never")

        def claim() -> Any:
            with app.app_context():
                return claims.claim()

        def cancel(job_id: int = job_id) -> Any:
            with app.app_context():
                return jobs.cancel(root, job_id).state

        claimed, state = zoo_jobs.at_once([claim, cancel])
        assert state is (STARTING if claimed is not None else CANCELLED)
        if claimed is not None:
            with app.app_context():
                endings.not_started(job_id, claimed.number, 1, "cancelled")
        assert zoo_jobs.job(app, job_id).state is CANCELLED


# ── ending ────────────────────────────────────────────────────────────────────────────────────────


def test_an_end_is_recorded_whatever_the_provider_says_with_it(
    app: Flask, ada: Any, run_services_once: Services, database: Any
) -> None:
    """A trainer's last words may hold zero bytes, and a loss that exploded is no number."""
    job_id = started(app, ada, run_services_once)
    end = Progress(
        Phase.FAILED,
        message="Segmentation\x00fault " * 1000,
        metrics={"loss": float("nan"), "grad_norm": float("inf"), "learning_rate": 0.1},
        step=7,
    )
    with app.app_context():
        endings.finish(job_id, 1, 1, end)
    one, attempt = zoo_jobs.job(app, job_id), zoo_jobs.attempts(app, job_id)[0]
    assert one.state is FAILED
    assert one.error_message is not None
    assert one.error_message.startswith("Segmentationfault")
    assert attempt.progress["metrics"] == {"learning_rate": 0.1}
    assert attempt.progress["step"] == 7


def test_progress_with_a_loss_that_exploded_is_recorded(
    app: Flask, ada: Any, run_services_once: Services, database: Any
) -> None:
    never = app.extensions["st"].providers["never"]
    job_id = started(app, ada, run_services_once)
    never.poll = lambda state: Progress(Phase.RUNNING, step=3, metrics={"loss": float("nan")})
    try:
        run_services_once("watch")
    finally:
        del never.poll
    told = zoo_jobs.attempts(app, job_id)[0].progress
    assert told["step"] == 3
    assert "metrics" not in told


def test_the_word_of_a_former_watcher_counts_no_more(
    app: Flask, ada: Any, run_services_once: Services
) -> None:
    job_id = started(app, ada, run_services_once)
    zoo_jobs.change_attempts(app, fence=2)
    with app.app_context():
        endings.finish(job_id, 1, 1, Progress(Phase.FAILED, message="old news"))
    assert zoo_jobs.job(app, job_id).state is RUNNING
    with app.app_context():
        endings.finish(job_id, 1, 2, Progress(Phase.COMPLETED))
    assert zoo_jobs.job(app, job_id).state is COMPLETED


def test_an_end_told_by_many_at_once_counts_once(
    app: Flask, ada: Any, run_services_once: Services, database: Any
) -> None:
    job_id = started(app, ada, run_services_once)

    def finish() -> None:
        with app.app_context():
            endings.finish(job_id, 1, 1, Progress(Phase.COMPLETED, cost_usd="1.25"))

    assert zoo_jobs.at_once([finish] * 8) == [None] * 8
    assert str(zoo_jobs.job(app, job_id).cost_usd) == "1.250000"
    assert zoo_jobs.names_of_events(app, job_id).count("job.completed") == 1


def test_a_crash_goes_on_in_a_new_attempt_until_the_last(
    app: Flask, ada: Any, run_services_once: Services
) -> None:
    job_id = zoo_jobs.submit(app, ada, provider="crashing", max_attempts=3)
    for _ in range(40):
        run_services_once("dispatch", "watch")
        zoo_jobs.change_attempts(app, next_poll_at=zoo_jobs.job(app, job_id).created_at)
    assert zoo_jobs.job(app, job_id).state is FAILED
    found = zoo_jobs.attempts(app, job_id)
    assert [attempt.number for attempt in found] == [1, 2, 3]
    assert {attempt.outcome for attempt in found} == {"failed"}
    key = zoo_jobs.job(app, job_id).key
    assert zoo_jobs.starts(app, job_id) == [f"{key}-{n}" for n in (1, 2, 3)]


def test_a_start_that_is_refused_is_tried_again_until_the_last_attempt(
    app: Flask, ada: Any, run_services_once: Services
) -> None:
    job_id = zoo_jobs.submit(app, ada, provider="failing", max_attempts=2)
    for _ in range(4):
        run_services_once("dispatch")
    one = zoo_jobs.job(app, job_id)
    assert (one.state, one.attempt) == (FAILED, 2)
    assert "refuses to start anything" in (one.error_message or "")


def test_a_start_whose_answer_was_lost_is_found_and_not_made_twice(
    app: Flask, ada: Any, run_services_once: Services
) -> None:
    job_id = zoo_jobs.submit(app, ada, provider="losing")
    run_services_once("dispatch", "watch")
    assert zoo_jobs.job(app, job_id).state is RUNNING
    assert len(zoo_jobs.starts(app, job_id)) == 1


def test_a_trainer_that_cannot_be_prepared_fails_the_job_with_the_reason(
    app: Flask, ada: Any, run_services_once: Services
) -> None:
    trainer = app.extensions["st"].trainers["fake_trainer"]

    def launch(config: Any, workspace: Path) -> None:
        raise ZeroDivisionError("no GPU to divide by")

    job_id = zoo_jobs.submit(app, ada, max_attempts=1)
    trainer.launch = launch
    run_services_once("dispatch")
    one = zoo_jobs.job(app, job_id)
    assert one.state is FAILED
    assert "no GPU to divide by" in (one.error_message or "")


# ── deleting ──────────────────────────────────────────────────────────────────────────────────────


def test_deleting_an_ended_job_leaves_nothing_of_it(
    app: Flask, ada: Any, run_services_once: Services, database: Any
) -> None:
    job_id = zoo_jobs.submit(app, ada)
    run_services_once("dispatch", "watch")
    with app.app_context():
        folder = workspaces.of(db.session.get_one(Job, job_id))
        assert folder.is_dir()
        jobs.delete(ada, job_id)
        assert not folder.exists()
        for model in (Job, Attempt, JobGate, JobLog):
            assert db.session.scalar(select(func.count()).select_from(model)) == 0


@pytest.mark.parametrize("state", [ASKS, QUEUED, STARTING, RUNNING])
def test_a_job_that_has_not_ended_cannot_be_deleted(app: Flask, ada: Any, state: JobState) -> None:
    job_id = zoo_jobs.submit(app, ada)
    zoo_jobs.put(app, job_id, state)
    with app.app_context(), pytest.raises(Conflict, match="cancel it before deleting"):
        jobs.delete(ada, job_id)


# ── trying again ──────────────────────────────────────────────────────────────────────────────────


def test_a_failed_job_is_tried_again_as_a_new_attempt_of_the_same_job(
    app: Flask, ada: Any, run_services_once: Services
) -> None:
    job_id = zoo_jobs.submit(app, ada, provider="failing", max_attempts=1)
    run_services_once("dispatch")
    with app.app_context():
        again = retrying.retry(ada, job_id)
        assert (again.id, again.state) == (job_id, QUEUED)
        assert again.max_attempts == 2
    run_services_once("dispatch")
    assert [each.number for each in zoo_jobs.attempts(app, job_id)] == [1, 2]


@pytest.mark.parametrize("state", [ASKS, QUEUED, STARTING, RUNNING, COMPLETED])
def test_only_a_failed_or_cancelled_job_is_tried_again(
    app: Flask, ada: Any, state: JobState
) -> None:
    job_id = zoo_jobs.submit(app, ada)
    zoo_jobs.put(app, job_id, state)
    with app.app_context(), pytest.raises(Conflict, match="only a failed or cancelled"):
        retrying.retry(ada, job_id)


def test_trying_again_many_times_at_once_queues_once(app: Flask, ada: Any, database: Any) -> None:
    job_id = zoo_jobs.submit(app, ada)
    with app.app_context():
        jobs.cancel(ada, job_id)

    def retry() -> JobState:
        with app.app_context():
            return retrying.retry(ada, job_id).state

    told = zoo_jobs.at_once([retry] * 8)
    assert sum(each is QUEUED for each in told) == 1
    assert sum(isinstance(each, Conflict) for each in told) == 7
    assert zoo_jobs.names_of_events(app, job_id).count("job.requeued") == 1


def test_trying_again_against_deleting_has_one_winner(app: Flask, ada: Any, database: Any) -> None:
    for _ in range(5):
        job_id = zoo_jobs.submit(app, ada)
        with app.app_context():
            jobs.cancel(ada, job_id)

        def retry(job_id: int = job_id) -> str:
            with app.app_context():
                return retrying.retry(ada, job_id).state

        def delete(job_id: int = job_id) -> str:
            with app.app_context():
                return jobs.delete(ada, job_id) or "deleted"

        retried, deleted = zoo_jobs.at_once([retry, delete])
        if deleted == "deleted":
            assert isinstance(retried, NotFound)
            assert job_id not in zoo_jobs.states(app)
        else:
            assert retried is QUEUED
            assert isinstance(deleted, Conflict)


def test_an_earlier_wish_to_end_is_forgotten_with_the_new_try(
    app: Flask, ada: Any, run_services_once: Services, clock: Any
) -> None:
    job_id = started(app, ada, run_services_once)
    with app.app_context():
        jobs.cancel(ada, job_id)
    run_services_once("watch")
    clock.advance(minutes=1)
    with app.app_context():
        retrying.retry(ada, job_id)
    run_services_once("dispatch", "watch")
    assert zoo_jobs.job(app, job_id).state is RUNNING
