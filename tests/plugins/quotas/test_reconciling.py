"""What the plugin did not see, or somebody changed behind its back, is found and repaired."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from flask import Flask
from sqlalchemy import delete, update
from st_quotas import commands, figures, reconciling
from st_quotas.models import QuotasUse

from st_core.db import db, unit_of_work
from st_core.models import JobState
from st_core.testing.fixtures import Clock

from .house import House


def test_every_kind_of_untruth_is_found_told_and_repaired(house: House) -> None:
    mei = house.person("researcher", "mei")
    house.ceiling("concurrent_jobs", 10)
    jobs = [house.admitted(mei, "job $2") for _ in range(5)]
    house.run(jobs[4], cost="1")
    with house.app.app_context(), unit_of_work():
        missing = QuotasUse.job_id.in_([jobs[0], jobs[4]])
        db.session.execute(delete(QuotasUse).where(missing))
        db.session.execute(
            update(QuotasUse).where(QuotasUse.job_id == jobs[1]).values(held_cost_usd=9)
        )
        db.session.execute(update(QuotasUse).where(QuotasUse.job_id == jobs[2]).values(job_id=999))
    runner = house.app.test_cli_runner()
    looked = runner.invoke(commands.group, ["reconcile", "--check"])
    assert looked.exit_code == 1
    assert f"missing: job {jobs[0]}" in looked.output
    with house.app.app_context():
        report = reconciling.reconcile()
        assert report.missing == [jobs[0], jobs[2]]
        assert (report.stale, report.different, report.uncounted) == ([999], [jobs[1]], [jobs[4]])
        again = reconciling.reconcile()
        assert (again.open, again.wrong) == (4, 0)
    assert house.me(mei)["concurrent_jobs"]["current"] == 4
    (told,) = house.events("quota.reconciled")
    assert told.data["stale"] == [999]


def test_jobs_admitted_without_the_plugin_are_counted_when_it_starts(
    house: House, make_app: Callable[..., Flask]
) -> None:
    mei = house.person("researcher", "mei")
    running = house.admitted(mei, gpus=2)
    house.move(running, JobState.STARTING, JobState.RUNNING)
    with house.app.app_context(), unit_of_work():
        db.session.execute(delete(QuotasUse))
    with house.app.app_context():
        reconciling.reconcile()
    house.ceiling("local_gpus", 2)
    assert house.me(mei)["local_gpus"]["current"] == 2
    assert house.submit(mei, gpus=1).status_code == 429


def test_what_is_past_its_time_is_forgotten_and_what_is_open_stays(
    house: House, clock: Clock
) -> None:
    mei = house.person("researcher", "mei")
    house.run(house.admitted(mei))
    house.admitted(mei)
    clock.advance(days=366)
    with house.app.app_context():
        assert figures.purge(dry_run=True) == 1
        assert figures.purge(dry_run=False) == 1
        assert figures.purge(dry_run=False) == 0
        kept = db.session.scalars(db.select(QuotasUse)).one()
        assert kept.ended_at is None
        assert kept.admitted_at < clock.now() - timedelta(days=300)
