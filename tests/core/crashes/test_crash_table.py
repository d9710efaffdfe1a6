"""What if it dies here? Each line of the crash table, by SIGKILL at a failpoint of a real process.

Afterwards a fresh process goes on: no job is lost, none is started twice, every event is delivered.
"""

from __future__ import annotations

from collections import Counter

import pytest

from st_core.contracts import JobState
from st_core.db import db
from st_core.models import Delivery
from st_core.services import jobs, retrying, users
from tests.core import zoo_jobs
from tests.core.crashes.conftest import World
from tests.core.processes import Died
from tests.exam import Exam

A_MINUTE = 61.0
ELSEWHERE = "another-machine:abc-1:1:00000000"


def only_job(world: World) -> int:
    """Return the number of the one job there is."""
    (job_id,) = zoo_jobs.states(world.app)
    return job_id


def assert_done(world: World, *, attempts: list[str], started: list[int]) -> None:
    """The one job completed; its attempts ended so, and only `started` were really started."""
    job_id = only_job(world)
    job = zoo_jobs.job(world.app, job_id)
    assert job.state is JobState.COMPLETED, world.describe()
    world.look(later=A_MINUTE)  # what a dead process was delivering
    assert [each.outcome for each in zoo_jobs.attempts(world.app, job_id)] == attempts
    assert zoo_jobs.starts(world.app, job_id) == [f"{job.key}-{number}" for number in started]
    assert set(world.witnessed()) == set(range(1, world.head() + 1))


def assert_completed_once(world: World) -> None:
    """The one job completed, started once; claims that died before a start do not count."""
    *lost, last = zoo_jobs.attempts(world.app, only_job(world))
    assert_done(world, attempts=[*("lost_start" for _ in lost), "completed"], started=[last.number])


def test_before_the_commit_of_a_submission_nothing_is_left_and_the_client_asks_again(
    world: World,
) -> None:
    before = world.head()
    world.submit("submit.before_commit", idempotency_key="k")
    assert zoo_jobs.states(world.app) == {}
    assert world.head() <= before + 1  # the local owner may have been made
    assert not world.submit(idempotency_key="k")["again"]
    assert world.submit(idempotency_key="k")["again"]
    world.serve()
    assert_done(world, attempts=["completed"], started=[1])


def test_after_the_commit_of_a_submission_the_job_waits_for_the_next_server(world: World) -> None:
    world.submit("submit.after_commit", idempotency_key="k")
    assert zoo_jobs.states(world.app) == {only_job(world): JobState.QUEUED}
    assert world.witnessed() == []
    assert world.submit(idempotency_key="k")["again"]
    world.serve()
    assert_done(world, attempts=["completed"], started=[1])


@pytest.mark.parametrize("point", ["dispatch.after_claim", "dispatch.before_start"])
def test_after_the_claim_the_job_is_queued_again_once(world: World, point: str) -> None:
    world.submit()
    world.serve(point)
    assert zoo_jobs.job(world.app, only_job(world)).state is JobState.STARTING
    world.serve()
    assert_done(world, attempts=["lost_start", "completed"], started=[2])


def test_a_start_lost_twice_running_fails_the_job_and_a_retry_may_lose_one_again(
    world: World,
) -> None:
    job_id = world.submit(max_attempts=9)["job_id"]
    for _ in range(2):
        world.serve("dispatch.after_claim")
    world.serve()
    job = zoo_jobs.job(world.app, job_id)
    assert job.state is JobState.FAILED
    assert "lost twice" in (job.error_message or "")
    with world.app.app_context():
        retrying.retry(users.local_viewer(), job_id)
    world.serve("dispatch.after_claim")
    world.serve()
    assert_done(world, attempts=["lost_start"] * 3 + ["completed"], started=[4])


def test_after_the_start_the_run_is_adopted_and_not_started_again(world: World) -> None:
    world.submit()
    world.serve("dispatch.after_start")
    assert zoo_jobs.job(world.app, only_job(world)).state is JobState.STARTING
    world.serve()
    assert_done(world, attempts=["completed"], started=[1])


@pytest.mark.parametrize("point", ["dispatch.after_claim", "dispatch.after_start"])
def test_of_a_dead_process_elsewhere_only_the_end_of_its_lease_tells(
    world: World, point: str
) -> None:
    world.submit()
    world.serve(point)
    zoo_jobs.change_attempts(world.app, lease_owner=ELSEWHERE)
    world.look()
    assert zoo_jobs.job(world.app, only_job(world)).state is JobState.STARTING
    world.serve(later=A_MINUTE)
    was_started = point == "dispatch.after_start"
    assert_done(
        world,
        attempts=["completed"] if was_started else ["lost_start", "completed"],
        started=[1] if was_started else [2],
    )


def test_while_the_job_runs_the_next_server_takes_it_over(world: World) -> None:
    world.submit(provider="slow")
    world.serve("watch.after_poll:2")
    assert zoo_jobs.job(world.app, only_job(world)).state is JobState.RUNNING
    world.serve()
    assert_done(world, attempts=["completed"], started=[1])


@pytest.mark.parametrize("point", ["watch.after_take_over", "watch.after_poll"])
def test_whoever_takes_over_may_die_as_well(world: World, point: str) -> None:
    world.submit(provider="slow")
    world.serve("watch.after_poll")
    for _ in range(2):
        world.serve(point)
    world.serve()
    assert_done(world, attempts=["completed"], started=[1])


def test_before_the_end_is_recorded_it_is_recorded_by_the_next(world: World) -> None:
    world.submit()
    world.serve("endings.before_commit")
    assert zoo_jobs.job(world.app, only_job(world)).state is JobState.RUNNING
    world.serve()
    assert_done(world, attempts=["completed"], started=[1])
    names = zoo_jobs.names_of_events(world.app, only_job(world))
    assert names.count("job.completed") == 1


def test_an_end_asked_for_is_not_forgotten(world: World) -> None:
    job_id = world.submit(provider="never")["job_id"]
    world.serve("watch.after_poll")
    with world.app.app_context():
        jobs.cancel(users.local_viewer(), job_id)
    world.serve("watch.after_poll")
    world.serve()
    assert zoo_jobs.job(world.app, job_id).state is JobState.CANCELLED
    assert len(zoo_jobs.starts(world.app, job_id)) == 1


def test_in_the_middle_of_a_delivery_the_try_counts_and_it_is_made_again(world: World) -> None:
    world.submit("submit.after_commit")
    (world.folder / "deadly").touch()
    with pytest.raises(Died, match="ended with -9"):
        world.look()
    (first,) = world.witnessed()
    with world.app.app_context():
        row = db.session.get_one(Delivery, (first, "witness"))
        assert (row.state, row.attempts) == ("pending", 1)
    world.look()
    assert world.witnessed().count(first) == 1  # a minute's claim: perhaps the other lives
    world.serve(later=A_MINUTE)
    assert world.witnessed().count(first) == 2
    assert_done(world, attempts=["completed"], started=[1])


def test_after_a_delivery_and_before_it_is_noted_it_is_made_again(world: World) -> None:
    world.submit("submit.after_commit")
    world.serve("deliver.before_done")
    world.serve(later=A_MINUTE)
    assert_completed_once(world)  # the kill may also have hit between the claim and the start
    assert Counter(world.witnessed()).most_common(1)[0][1] == 2


def test_deliveries_to_a_plugin_that_was_switched_off_are_skipped_at_the_start(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.submit("submit.after_commit")
    monkeypatch.setenv("LIFE_PLUGINS", "zoo")
    world.serve()
    assert world.witnessed() == []
    skipped = world.head()
    monkeypatch.setenv("LIFE_PLUGINS", "zoo witness")
    world.submit()
    world.serve()
    assert min(world.witnessed()) > 1
    assert max(world.witnessed()) == world.head() > skipped


POINTS = (
    "submit.before_commit",
    "dispatch.after_claim",
    "dispatch.before_start",
    "dispatch.after_start",
    "watch.after_poll",
    "watch.after_take_over",
    "endings.before_commit",
    "deliver.before_done",
)


def test_killed_again_and_again_at_any_point_no_job_is_lost_and_none_started_twice(
    world: World, exam: Exam
) -> None:
    wanted = [world.submit(max_attempts=50)["job_id"] for _ in range(exam.count("jobs", 4, 12))]
    later = 0.0
    for _ in range(exam.count("kills", 6, 120)):
        point = exam.random.choice(POINTS[1:])
        hit = exam.random.randint(1, 4)
        if not world.serve_until_it_dies(f"{point}:{hit}", later=later):
            wanted.append(world.submit(max_attempts=50)["job_id"])  # all was done before that hit
        later += A_MINUTE
    world.serve(later=later)
    assert sorted(zoo_jobs.states(world.app)) == sorted(wanted)
    for job_id in wanted:
        outcomes = {a.number: a.outcome for a in zoo_jobs.attempts(world.app, job_id)}
        started = [int(key.rpartition("-")[2]) for key in zoo_jobs.starts(world.app, job_id)]
        real = [number for number, outcome in outcomes.items() if outcome != "lost_start"]
        assert started == real, world.describe()
        lost_twice = list(outcomes.values())[-2:] == ["lost_start"] * 2
        expected = JobState.FAILED if lost_twice else JobState.COMPLETED
        assert zoo_jobs.job(world.app, job_id).state is expected, world.describe()
    assert set(world.witnessed()) == set(range(1, world.head() + 1))
