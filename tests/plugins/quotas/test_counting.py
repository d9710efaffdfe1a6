"""What counts for how long: places, windows, money, GPUs and GPU-hours; and who is let past."""

from __future__ import annotations

import pytest

from st_core.models import JobState
from st_core.testing.fixtures import Clock

from .house import House

REFUSED = (429, "quota_exceeded")


def said(answer: object) -> tuple[int, str]:
    return answer.status_code, answer.json.get("code", "")  # type: ignore[attr-defined]


def test_a_job_holds_its_place_until_it_ends_however_it_ends(house: House) -> None:
    mei = house.person("researcher", "mei")
    house.ceiling("concurrent_jobs", 1)
    house.cancel(house.admitted(mei))
    job = house.admitted(mei)
    house.move(job, JobState.STARTING, JobState.RUNNING)
    assert said(house.submit(mei)) == REFUSED
    house.move(job, JobState.QUEUED, JobState.STARTING)
    assert said(house.submit(mei)) == REFUSED
    house.move(job, JobState.FAILED)
    retried = mei.post(f"/api/cloud/jobs/{job}/retry")
    assert retried.status_code < 300, retried.text
    assert said(house.submit(mei)) == REFUSED
    assert mei.post(f"/api/cloud/jobs/{job}/cancel").status_code == 200
    other = house.admitted(mei)
    assert said(mei.post(f"/api/cloud/jobs/{job}/retry")) == REFUSED
    house.run(other)


def test_a_job_that_waits_for_approval_holds_its_place(house: House) -> None:
    mei = house.person("researcher", "mei")
    house.ceiling("concurrent_jobs", 1)
    assert house.submit(mei, for_approval=True).status_code == 202
    assert said(house.submit(mei)) == REFUSED


def test_an_edited_job_holds_one_place_with_its_new_estimate(house: House) -> None:
    mei = house.person("researcher", "mei")
    house.ceiling("concurrent_jobs", 1)
    house.ceiling("local_gpus", 4)
    job = house.admitted(mei, gpus=2)
    edited = mei.patch(f"/api/cloud/jobs/{job}", json={"gpu_count": 3})
    assert edited.status_code == 200, edited.text
    assert house.me(mei)["local_gpus"]["current"] == 3
    assert house.me(mei)["concurrent_jobs"]["current"] == 1


@pytest.mark.parametrize(("kind", "hours"), [("jobs_per_hour", 1), ("jobs_per_day", 24)])
def test_a_window_of_jobs_rolls_and_deleting_a_job_frees_nothing(
    house: House, clock: Clock, kind: str, hours: int
) -> None:
    mei = house.person("researcher", "mei")
    house.ceiling(kind, 1)
    job = house.admitted(mei)
    house.cancel(job)
    assert mei.delete(f"/api/cloud/jobs/{job}").status_code == 200
    clock.advance(hours=hours - 0.1)
    assert said(house.submit(mei)) == REFUSED
    clock.advance(hours=0.2)
    house.admitted(mei)


def test_money_is_held_by_estimate_and_counts_as_recorded(house: House, clock: Clock) -> None:
    mei = house.person("researcher", "mei")
    house.ceiling("cost_daily", 10)
    first = house.admitted(mei, "job $8")
    refused = house.submit(mei, "job $3")
    assert said(refused) == REFUSED
    assert "$8.00 of $10.00" in refused.json["detail"]
    house.run(first, cost="2.50")
    assert house.me(mei)["cost_daily"]["current"] == 2.5
    second = house.admitted(mei, "job $7.50")
    assert said(house.submit(mei, "job of unknown price")) == REFUSED
    house.admitted(mei, "job $0")
    house.run(second)
    assert house.me(mei)["cost_daily"]["current"] == 10
    clock.advance(hours=25)
    assert house.me(mei)["cost_daily"]["current"] == 0


def test_a_retry_counts_only_what_it_adds(house: House) -> None:
    mei = house.person("researcher", "mei")
    house.ceiling("cost_monthly", 100)
    job = house.admitted(mei, "job $5")
    house.move(job, JobState.STARTING, JobState.RUNNING, JobState.FAILED, cost="4")
    assert mei.post(f"/api/cloud/jobs/{job}/retry").status_code < 300
    assert house.me(mei)["cost_monthly"]["current"] == 9
    house.run(job, cost="7")
    assert house.me(mei)["cost_monthly"]["current"] == 7


def test_gpus_of_this_machine_count_from_submission_to_end(house: House) -> None:
    mei = house.person("researcher", "mei")
    house.ceiling("local_gpus", 3)
    job = house.admitted(mei, gpus=2)
    assert said(house.submit(mei, gpus=2)) == REFUSED
    house.admitted(mei, gpus=1)
    house.admitted(mei)
    house.run(job)
    house.admitted(mei, gpus=2)


def test_gpu_hours_are_held_then_counted_as_they_were(house: House, clock: Clock) -> None:
    mei = house.person("researcher", "mei")
    house.ceiling("gpu_hours_weekly", 10)
    job = house.admitted(mei, "job 7200s", gpus=4)
    assert said(house.submit(mei, "job 3600s", gpus=3)) == REFUSED
    house.move(job, JobState.STARTING, JobState.RUNNING)
    clock.advance(hours=1)
    house.move(job, JobState.COMPLETED)
    assert house.me(mei)["gpu_hours_weekly"]["current"] == pytest.approx(4, abs=0.05)
    house.admitted(mei, "job 3600s", gpus=3)
    clock.advance(days=8)
    assert house.me(mei)["gpu_hours_weekly"]["current"] == pytest.approx(3, abs=0.05)


def test_the_warning_at_80_percent_comes_once_per_crossing(house: House) -> None:
    mei = house.person("researcher", "mei")
    house.ceiling("concurrent_jobs", 5)
    jobs = [house.admitted(mei) for _ in range(5)]
    (warning,) = house.events("quota.warning")
    assert "4 of 5 jobs at the same time" in warning.message
    for job in jobs[:3]:
        house.cancel(job)
    house.admitted(mei)
    house.admitted(mei)
    assert len(house.events("quota.warning")) == 2


def test_user_beats_level_beats_everybody_and_the_largest_level_counts(house: House) -> None:
    mei = house.person("researcher", "mei")
    levels = {one["name"]: one["id"] for one in house.root.get("/api/users/levels").json["levels"]}
    body = {"level_name": "lead"}
    added = house.root.post(f"/api/users/{house.ids['mei']}/levels", json=body)
    assert added.status_code < 300, added.text
    for limit, who in (
        (9, {}),
        (3, {"level_id": levels["researcher"]}),
        (4, {"level_id": levels["lead"]}),
        (7, {"user_id": house.ids["mei"]}),
    ):
        house.ceiling("jobs_per_day", limit, **who)
        expected = 9 if limit == 9 else max(limit, 3)
        assert house.me(mei)["jobs_per_day"]["limit"] == expected


def test_whoever_may_bypass_quotas_is_let_past_and_it_is_told(house: House) -> None:
    house.ceiling("concurrent_jobs", 1)
    house.admitted(house.root)
    assert not house.events("job.bypass_used")
    house.admitted(house.root)
    (told,) = house.events("job.bypass_used")
    assert told.data["right"] == "job.bypass.quota"
    assert told.data["limits"] == ["concurrent_jobs/global"]


def test_a_shadow_ceiling_does_nothing(house: House) -> None:
    mei = house.person("researcher", "mei")
    house.ceiling("concurrent_jobs", 1, mode="shadow")
    house.admitted(mei)
    house.admitted(mei)
    assert house.me(mei) == {}


def test_a_dry_run_says_the_same_and_takes_nothing(house: House) -> None:
    mei = house.person("researcher", "mei")
    house.ceiling("concurrent_jobs", 1)
    body = {"trainer": "fake_trainer", "config": {"steps": 1}, "hardware_profile": "cpu"}
    house.admitted(mei)
    dry = mei.post("/api/cloud/house/submit?dry_run=true", json=body)
    assert "1 of 1 jobs at the same time" in dry.text
    assert house.me(mei)["concurrent_jobs"]["current"] == 1
