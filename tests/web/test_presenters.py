"""What pages say of jobs: sentences, strips of time, samples, logs, differences, forecasts."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from st_core.clock import now
from st_core.contracts import Artifact
from st_core.models import Attempt, Job, JobState
from st_core.services.playing import Caps, Run, play
from st_core.web import diffs
from st_core.web.presenters import samples
from st_core.web.presenters.log_lines import lines
from st_core.web.presenters.phases import phases
from st_core.web.presenters.standing import Standing, sentence, standing


def a_job(state: JobState, **fields: Any) -> Job:
    begun = now() - timedelta(minutes=90)
    known = {
        "id": 7,
        "name": "digits",
        "created_at": begun,
        "queued_at": begun,
        "attempt": 1,
        "max_attempts": 3,
        "devices": [],
        "requires_approval": False,
    }
    return Job(state=state, **{**known, **fields})


def an_attempt(**fields: Any) -> Attempt:
    known = {"number": 1, "created_at": now(), "progress": {}, "devices": []}
    return Attempt(**{**known, **fields})


@pytest.mark.parametrize(
    ("job", "progress", "seconds", "text"),
    [
        (a_job(JobState.PENDING_APPROVAL), {}, None, "Waits for a person to approve it."),
        (a_job(JobState.QUEUED, attempt=0), {}, None, "Waits for its turn."),
        (
            a_job(JobState.QUEUED, attempt=0, hold_reason="No free a100: 4 of 4 in use."),
            {},
            None,
            "No free a100: 4 of 4 in use.",
        ),
        (
            a_job(JobState.RUNNING, attempt=2),
            {"step": 72, "total": 100, "eta_seconds": 2220},
            60,
            "72%, about 37 min left. Attempt 2 of 3.",
        ),
        (
            a_job(JobState.RUNNING),
            {"stage": "loading the base model"},
            60,
            "Loading the base model",
        ),
        (
            a_job(JobState.RUNNING, cancel_requested_at=now()),
            {},
            60,
            "Was asked to end; saves a checkpoint first.",
        ),
        (
            a_job(JobState.COMPLETED),
            {"metrics": {"loss": 0.0381}},
            34,
            "34 s, last loss 0.0381",
        ),
        (
            a_job(JobState.FAILED, error_message="\n  FileNotFoundError: x.csv\nTraceback"),
            {},
            12,
            "FileNotFoundError: x.csv",
        ),
        (a_job(JobState.CANCELLED), {}, None, "Cancelled before it started."),
        (a_job(JobState.CANCELLED), {"step": 340}, 60, "Cancelled at step 340 after 1 min."),
    ],
)
def test_a_job_is_said_in_one_sentence(
    job: Job, progress: dict[str, Any], seconds: float | None, text: str
) -> None:
    assert sentence(job, an_attempt(progress=progress), seconds) == text


def test_an_end_that_is_near_is_not_said_in_clock_times() -> None:
    assert Standing(eta_seconds=30).ends_between is None
    found = Standing(eta_seconds=3600).ends_between
    assert found is not None
    assert found[0] < now() + timedelta(hours=1) < found[1]


def test_progress_without_a_length_has_no_percent() -> None:
    assert standing(an_attempt(progress={"step": 5})).percent is None
    assert standing(None).percent is None
    assert standing(an_attempt(progress={"step": 5, "total": 4})).percent == 100


def test_the_strip_of_time_fills_its_line_and_says_each_part() -> None:
    begun = now() - timedelta(minutes=90)
    job = a_job(JobState.RUNNING, queued_at=begun + timedelta(minutes=12), requires_approval=True)
    attempts = [
        an_attempt(
            started_at=begun + timedelta(minutes=43),
            ended_at=begun + timedelta(minutes=60),
            outcome="failed",
        ),
        an_attempt(
            number=2,
            started_at=begun + timedelta(minutes=61),
            resume_from="checkpoints/checkpoint-100",
        ),
    ]
    found = phases(job, attempts, Standing(eta_seconds=1800))
    assert [part.ink for part in found.parts] == [
        "ask",
        "wait",
        "run",
        "bad",
        "wait",
        "run",
        "rest",
    ]
    last = found.parts[-1]
    assert float(last.x) + float(last.width) == pytest.approx(100, abs=0.3)
    assert found.goes_on
    assert "Attempt 2, 29 min so far" in found.summary


def test_a_job_that_has_not_begun_has_no_strip() -> None:
    job = a_job(JobState.QUEUED, attempt=0, created_at=now(), queued_at=now())
    assert phases(job, [], Standing()).parts == ()


def pictures(folder: Path, *names: str) -> list[Artifact]:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (80, 32)).save(path)
    return [Artifact(name, "sample", 1, now()) for name in names]


def test_one_picture_per_step_is_a_strip_from_noise_to_the_newest(tmp_path: Path) -> None:
    found = pictures(tmp_path, *(f"samples/step-{n:06}.png" for n in range(0, 1000, 100)))
    grid = samples.grid(found, tmp_path, lambda path: path, brief=True)
    assert grid.is_strip
    assert len(grid.rows) == 6
    assert (grid.rows[0].word, grid.rows[-1].word) == ("step 0", "step 900")
    first = grid.rows[0].samples[0]
    assert first is not None
    assert (first.width, first.height, first.is_small) == (80, 32, True)


def test_several_pictures_per_step_are_rows_with_the_newest_first(tmp_path: Path) -> None:
    names = [f"validation_images/step_{s}_validation_{i}_64x64.png" for s in (4, 8) for i in (0, 1)]
    grid = samples.grid(pictures(tmp_path, *names[:-1]), tmp_path, lambda path: path)
    assert not grid.is_strip
    assert [row.word for row in grid.rows] == ["step 8", "step 4"]
    assert grid.rows[0].samples[1] is None


def test_pictures_without_a_step_are_a_gallery_after_the_rest(tmp_path: Path) -> None:
    singles = [f"samples/final/7-{n:02}.png" for n in range(80)]
    found = pictures(tmp_path, "samples/step-10.png", *singles)
    grid = samples.grid(found, tmp_path, lambda path: path)
    assert (len(grid.gallery), grid.gallery_rest, grid.total) == (60, 20, 81)
    assert samples.grid(found, tmp_path, lambda path: path, brief=True).gallery == ()


def test_a_picture_that_is_still_written_has_no_size(tmp_path: Path) -> None:
    (tmp_path / "step-1.png").write_bytes(b"\x89PNG")
    grid = samples.grid([Artifact("step-1.png", "sample", 4, now())], tmp_path, lambda path: path)
    sample = grid.rows[0].samples[0]
    assert sample is not None
    assert sample.width == 0


def test_a_bar_drawn_over_itself_is_one_line_and_colours_are_gone() -> None:
    text = "\x1b[31mwarning: few images\x1b[0m\nsteps:  1%|x\rsteps:  2%|xx\nValueError: no\n"
    found = lines(text, first=41)
    assert [(line.number, line.text, line.ink) for line in found] == [
        (41, "warning: few images", "warn"),
        (42, "steps:  2%|xx", ""),
        (43, "ValueError: no", "bad"),
    ]


def test_a_difference_shows_its_surroundings_and_counts_keys() -> None:
    old = {"a": 1, "b": [1, 2], "c": 3, "d": 4, "e": 5, "z": 0}
    found = diffs.compare(old, {**old, "a": 2, "y": None, "z": 1})
    assert found.changed == 3
    signs = "".join(line.sign for line in found.lines)
    assert "-+" in signs
    assert "@" in signs
    assert diffs.compare(old, dict(old)).lines == ()


def test_the_forecast_plays_the_queue_over_the_places_there_are() -> None:
    def one(number: int, priority: int = 10, user: int = 0) -> Run:
        return Run(number, priority, user, None, "digits", "tiny", here=True)

    def starts(left: list[float], waiting: list[Run], places: int, **more: Any) -> dict[int, float]:
        running = [(seconds, one(0, user=9)) for seconds in left]
        caps = Caps(total=10, user=more.get("user", 10), team=10, here=places)
        return play(running, waiting, iter(more.get("coming", ())), caps, lambda run: 60.0)

    two = [one(1), one(2)]
    assert starts([30.0], two, 1) == {1: 30.0, 2: 90.0}
    assert starts([30.0], two, 2) == {1: 0.0, 2: 30.0}
    assert starts([float("inf")], two, 1) == {}
    assert starts([], two, 0) == {}
    assert starts([30.0], two, 3, user=1) == {1: 0.0, 2: 60.0}
    assert starts([30.0], two, 1, coming=[(40.0, one(0, priority=20))]) == {1: 30.0, 2: 150.0}
