"""The reader: files that grow, tear, vanish and come back, and attempts that repeat steps."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest

from st_core.progress.event_lines import parse_event_line
from st_core.progress.log_lines import LogLines
from st_core.progress.reader import Reader
from st_core.progress.reader_cache import ReaderCache
from st_core.progress.readings import Source
from st_core.progress.simpletuner_files import parse_manifest, parse_metrics_line
from st_core.progress.trainer_states import parse_trainer_state
from st_core.progress.whole_files import whole_file

EVENTS = Source("metrics.jsonl", parse_event_line)


def line(kind: str = "progress", **fields: object) -> str:
    return json.dumps({"v": 1, "type": kind, **fields}) + "\n"


def steps(numbers: Iterable[int], shift: float = 0.0, **fields: object) -> str:
    return "".join(line(step=n, metrics={"loss": n + shift}, **fields) for n in numbers)


def append(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", newline="") as file:
        file.write(text)


@pytest.fixture
def events(tmp_path: Path) -> Path:
    return tmp_path / "metrics.jsonl"


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path, [EVENTS])


def loss(reader: Reader, max_points: int = 1000) -> list[tuple[int, float]]:
    return reader.series(["loss"], max_points).get("loss", [])


def test_a_file_that_does_not_exist_yet_is_followed_from_when_it_appears(
    reader: Reader, events: Path
) -> None:
    reader.advance()
    assert (reader.latest.step, reader.series()) == (None, {})
    append(events, steps([1, 2], total=10))
    reader.advance()
    assert (reader.latest.step, reader.latest.total) == (2, 10)
    append(events, steps([3]))
    reader.advance()
    assert loss(reader) == [(1, 1.0), (2, 2.0), (3, 3.0)]


def test_lines_written_byte_by_byte_are_read_once_and_whole(reader: Reader, events: Path) -> None:
    text = steps(range(1, 6), total=5)
    for character in text:
        append(events, character)
        reader.advance()
    assert loss(reader) == [(n, float(n)) for n in range(1, 6)]


def test_a_bar_that_no_line_end_closes_yet_counts_already(tmp_path: Path) -> None:
    reader = Reader(tmp_path, [Source("log", LogLines(), splits_on_cr=True)])
    append(tmp_path / "log", "\rsteps:   1%|▏ | 1/100 [00:10<16:40,  10.00s/it, avr_loss=0.5]")
    reader.advance()
    assert (reader.latest.step, reader.latest.metrics["loss"]) == (1, 0.5)
    append(tmp_path / "log", "\rsteps:   2%|▏ | 2/100 [00:20<16:30,  10.00s/it, avr_loss=0.4]")
    reader.advance()
    assert loss(reader) == [(1, 0.5), (2, 0.4)]


def test_a_pattern_torn_within_its_number_is_not_believed(tmp_path: Path) -> None:
    parser = LogLines(patterns=[r"step (?P<step>\d+) loss (?P<loss>[\d.]+)"])
    reader = Reader(tmp_path, [Source("log", parser, splits_on_cr=True)])
    append(tmp_path / "log", "step 119 loss 0.5\nstep 12")
    reader.advance()
    append(tmp_path / "log", "0 loss 0.4\n")
    reader.advance()
    assert loss(reader) == [(119, 0.5), (120, 0.4)]


def test_a_resumed_attempt_replaces_what_it_repeats(reader: Reader, events: Path) -> None:
    append(events, line("status", status="starting") + steps(range(1, 8)))
    append(events, line("progress", step=4, metrics={"eval_loss": 4}))
    reader.advance()
    append(events, line("status", status="starting") + line("resume", step=3))
    reader.advance()
    assert reader.latest.step == 3
    assert loss(reader) == [(1, 1.0), (2, 2.0), (3, 3.0)]
    append(events, steps(range(4, 6), shift=0.5))
    reader.advance()
    assert loss(reader) == [(1, 1.0), (2, 2.0), (3, 3.0), (4, 4.5), (5, 5.5)]
    assert "eval_loss" not in reader.series()


def test_steps_that_go_back_without_a_word_are_a_new_attempt(tmp_path: Path) -> None:
    reader = Reader(tmp_path, [Source("output/m.jsonl", parse_metrics_line)])

    def metrics(step: int, value: float) -> str:
        return json.dumps({"metrics": {"train_loss": value}, "step": step}) + "\n"

    append(tmp_path / "output/m.jsonl", "".join(metrics(n, 1.0) for n in range(1, 9)))
    reader.advance()
    append(tmp_path / "output/m.jsonl", "".join(metrics(n, 2.0) for n in range(5, 7)))
    reader.advance()
    assert loss(reader) == [(n, 1.0) for n in range(1, 5)] + [(5, 2.0), (6, 2.0)]


def test_the_bar_at_zero_of_a_resumed_run_keeps_the_curve(tmp_path: Path) -> None:
    reader = Reader(tmp_path, [Source("log", LogLines(), splits_on_cr=True)])
    append(tmp_path / "log", "\rsteps: 60%|█ | 6/10 [00:10<00:04, 1.00s/it, loss=0.6]\n")
    append(tmp_path / "log", "\rsteps:  0%|  | 0/10 [00:00<?, ?it/s]")
    append(tmp_path / "log", "\rsteps: 70%|█ | 7/10 [00:10<00:04, 1.00s/it, loss=0.5]\n")
    reader.advance()
    assert loss(reader) == [(6, 0.6), (7, 0.5)]


def test_a_file_cut_short_is_read_anew(reader: Reader, events: Path) -> None:
    append(events, steps(range(1, 50)))
    reader.advance()
    events.write_text(steps([1, 2], shift=0.5))
    reader.advance()
    assert loss(reader) == [(1, 1.5), (2, 2.5)]


def test_a_file_replaced_by_a_longer_one_is_read_anew(reader: Reader, events: Path) -> None:
    append(events, steps(range(1, 4)))
    reader.advance()
    new = events.with_suffix(".new")
    new.write_text(steps(range(1, 9), shift=0.5))
    os.replace(new, events)
    reader.advance()
    assert loss(reader) == [(n, n + 0.5) for n in range(1, 9)]


def test_a_file_that_is_gone_for_a_while_loses_nothing(reader: Reader, events: Path) -> None:
    append(events, steps(range(1, 4)))
    reader.advance()
    away = events.rename(events.with_suffix(".away"))
    reader.advance()
    assert len(loss(reader)) == 3
    away.rename(events)
    append(events, steps([4]))
    reader.advance()
    assert len(loss(reader)) == 4


def test_a_line_without_end_is_dropped_and_what_follows_is_read(
    reader: Reader, events: Path
) -> None:
    append(events, steps([1]) + '{"v":1,"type":"log","message":"' + "x" * (3 << 20))
    reader.advance()
    append(events, '"}\n' + steps([2]))
    reader.advance()
    assert [step for step, _ in loss(reader)] == [1, 2]


def test_many_megabytes_are_caught_up_at_once(reader: Reader, events: Path) -> None:
    padding = {"text": "ü" * 400}
    append(events, "".join(line(step=n, metrics={"loss": n}, **padding) for n in range(1, 6001)))
    assert events.stat().st_size > 3 << 20
    reader.advance()
    assert reader.latest.step == 6000
    assert len(loss(reader, 100_000)) == 6000


def test_of_a_log_full_of_redraws_the_last_and_every_ended_line_are_read(tmp_path: Path) -> None:
    reader = Reader(tmp_path, [Source("log", LogLines(), splits_on_cr=True)])
    text = ""
    for n in range(1, 20_001):
        text += f"\rsteps: 1%|▏ | {n}/20000 [00:10<16:40,  10.00s/it, avr_loss=0.5]"
        if n % 2000 == 0:
            text += f"\r      \r{{'eval_loss': {n / 1000}, 'epoch': 1.0}}\n"
    append(tmp_path / "log", text)
    assert (tmp_path / "log").stat().st_size > 1 << 20
    reader.advance()
    series = reader.series(["loss", "eval_loss"])
    assert reader.latest.step == 20_000
    assert 200 < len(series["loss"]) <= 500
    assert reader.latest.metrics["eval_loss"] == 20
    assert series["eval_loss"] == [(2000 * n + 1, n * 2.0) for n in range(1, 10)]


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_is_no_plain_file_is_not_read(kind: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(steps([1]))
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    place = workspace / "metrics.jsonl"
    if kind == "link":
        place.symlink_to(secret)
    elif kind == "pipe":
        os.mkfifo(place)
    else:
        place.mkdir()
    reader = Reader(workspace, [EVENTS])
    reader.advance()
    assert reader.latest.step is None


def test_the_more_trusted_source_counts_for_each_figure_by_itself(tmp_path: Path) -> None:
    sources = [
        Source("m.jsonl", parse_metrics_line),
        Source("log", LogLines(), splits_on_cr=True),
    ]
    reader = Reader(tmp_path, sources)
    append(tmp_path / "log", "Steps:  50%|█ | 5/10 [00:05<00:05,  1.00it/s, loss=0.9]\n")
    reader.advance()
    assert (reader.latest.step, reader.latest.metrics["loss"]) == (5, 0.9)
    append(tmp_path / "m.jsonl", '{"metrics":{"train_loss":0.25},"step":6}\n')
    reader.advance()
    latest = reader.latest
    assert (latest.step, latest.total, latest.eta_seconds) == (6, 10, 5.0)
    assert latest.metrics == {"loss": 0.25, "steps_per_second": 1.0}
    assert loss(reader) == [(6, 0.25)]


def test_a_stage_shows_until_the_training_moves_on(tmp_path: Path) -> None:
    sources = [
        Source("m.jsonl", parse_metrics_line),
        Source("log", LogLines(stages={"Load VAE": "loading the VAE"}), splits_on_cr=True),
    ]
    reader = Reader(tmp_path, sources)
    append(tmp_path / "log", "[INFO] Load VAE: model/tiny\n")
    reader.advance()
    assert reader.latest.stage == "loading the VAE"
    append(tmp_path / "m.jsonl", '{"metrics":{"train_loss":0.25},"step":1}\n')
    reader.advance()
    assert reader.latest.stage is None


def test_the_end_is_told_and_a_new_attempt_takes_it_back(reader: Reader, events: Path) -> None:
    append(events, steps([1, 2], total=4) + line("error", message="the disk is full"))
    reader.advance()
    assert (reader.latest.failed, reader.latest.message) == (True, "the disk is full")
    append(events, line("status", status="starting") + line("resume", step=2))
    reader.advance()
    assert (reader.latest.failed, reader.latest.message) == (False, None)
    append(events, steps([3, 4]) + line("status", status="completed"))
    reader.advance()
    assert reader.latest.completed
    assert reader.latest.eta_seconds is None


def test_the_time_left_follows_from_the_pace_when_nobody_tells_it(
    reader: Reader, events: Path
) -> None:
    append(events, "".join(line(step=n, total=100, ts=1000.0 + 2 * n) for n in range(1, 41)))
    reader.advance()
    assert reader.latest.eta_seconds == pytest.approx(120)


def test_a_manifest_is_read_when_it_is_replaced(tmp_path: Path) -> None:
    reader = Reader(tmp_path, [whole_file("output/manifest.json", parse_manifest)])
    place = tmp_path / "output/manifest.json"
    append(place, '{"status":"running","config":{"max_train_steps":8}}')
    reader.advance()
    assert (reader.latest.total, reader.latest.completed) == (8, False)
    place.write_text('{"status":"comp')
    reader.advance()
    assert not reader.latest.completed
    place.write_text('{"status":"completed","config":{"max_train_steps":8}}')
    reader.advance()
    assert reader.latest.completed


def test_the_newest_saved_state_gives_the_curve(tmp_path: Path) -> None:
    reader = Reader(tmp_path, [whole_file("checkpoint-*/trainer_state.json", parse_trainer_state)])
    for saved in (2, 4):
        history = [{"step": n, "loss": n / 10} for n in range(1, saved + 1)]
        state = {"global_step": saved, "max_steps": 6, "log_history": history}
        append(tmp_path / f"checkpoint-{saved}/trainer_state.json", json.dumps(state))
        os.utime(tmp_path / f"checkpoint-{saved}/trainer_state.json", (saved, saved))
        reader.advance()
    assert (reader.latest.step, reader.latest.total) == (4, 6)
    assert [step for step, _ in loss(reader)] == [1, 2, 3, 4]


def test_a_thinned_curve_keeps_its_ends_and_its_spike(reader: Reader, events: Path) -> None:
    append(
        events,
        "".join(line(step=n, metrics={"loss": 99 if n == 4321 else 1}) for n in range(1, 10_001)),
    )
    reader.advance()
    points = loss(reader, 200)
    assert len(points) <= 200
    assert (points[0], points[-1]) == ((1, 1.0), (10_000, 1.0))
    assert (4321, 99.0) in points
    assert points == sorted(points)


def test_a_curve_of_a_very_long_run_stays_small_and_whole(reader: Reader, events: Path) -> None:
    text = "".join(
        f'{{"type":"progress","step":{n},"metrics":{{"loss":1}}}}\n' for n in range(120_001)
    )
    append(events, text)
    reader.advance()
    points = loss(reader, 10**6)
    assert len(points) <= 50_000
    assert (points[0][0], points[-1][0]) == (0, 120_000)


def test_threads_that_read_together_count_every_line_once(reader: Reader, events: Path) -> None:
    written = threading.Event()

    def follow() -> None:
        while not written.is_set():
            reader.advance()
            loss(reader)

    threads = [threading.Thread(target=follow) for _ in range(4)]
    for thread in threads:
        thread.start()
    for n in range(1, 301):
        append(events, steps([n]))
    written.set()
    for thread in threads:
        thread.join()
    reader.advance()
    assert loss(reader) == [(n, float(n)) for n in range(1, 301)]


def test_the_cache_gives_one_reader_per_workspace_and_forgets_the_oldest(tmp_path: Path) -> None:
    cache = ReaderCache(capacity=2)
    first = cache.reader(tmp_path / "a", [EVENTS])
    assert cache.reader(tmp_path / "a", [Source("metrics.jsonl", parse_event_line)]) is first
    assert cache.reader(tmp_path / "a", [Source("other", parse_event_line)]) is not first
    cache.reader(tmp_path / "a", [EVENTS])
    cache.reader(tmp_path / "b", [EVENTS])
    assert cache.reader(tmp_path / "a", [EVENTS]) is first
    cache.forget(tmp_path / "a")
    assert cache.reader(tmp_path / "a", [EVENTS]) is not first
