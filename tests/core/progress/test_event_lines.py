"""The product's own progress protocol, line by line."""

from __future__ import annotations

import pytest

from st_core.progress.event_lines import parse_event_line

PROGRESS = (
    '{"v":1,"seq":7,"ts":1795446573.1,"type":"progress","step":120,"total":1000,'
    '"eta_seconds":24.1,"metrics":{"loss":0.51,"learning_rate":0.0019,"steps_per_second":36.0}}'
)


def test_a_progress_line_tells_step_total_time_left_and_metrics() -> None:
    reading = parse_event_line(PROGRESS)
    assert reading is not None
    assert (reading.step, reading.total, reading.eta_seconds) == (120, 1000, 24.1)
    assert reading.metrics == {"loss": 0.51, "learning_rate": 0.0019, "steps_per_second": 36.0}
    assert reading.at == 1795446573.1


@pytest.mark.parametrize(
    ("line", "event", "path", "message"),
    [
        ('{"v":1,"type":"status","status":"starting"}', "started", None, None),
        ('{"v":1,"type":"resume","step":250}', "resumed", None, None),
        (
            '{"v":1,"type":"checkpoint","step":250,"path":"checkpoints/step-250"}',
            "checkpoint",
            "checkpoints/step-250",
            None,
        ),
        (
            '{"v":1,"type":"sample","step":250,"path":"samples/step-250.png"}',
            "sample",
            "samples/step-250.png",
            None,
        ),
        ('{"v":1,"type":"status","status":"completed"}', "completed", None, None),
        (
            '{"v":1,"type":"status","status":"stopped","message":"asked to"}',
            "stopped",
            None,
            "asked to",
        ),
        ('{"v":1,"type":"error","message":"loss is NaN"}', "failed", None, "loss is NaN"),
    ],
)
def test_events_of_a_run_are_told(
    line: str, event: str, path: str | None, message: str | None
) -> None:
    reading = parse_event_line(line)
    assert reading is not None
    assert (reading.event, reading.path, reading.message) == (event, path, message)


def test_a_stage_is_told_by_its_label() -> None:
    reading = parse_event_line('{"v":1,"type":"stage","stage":"data","label":"Reading the data"}')
    assert reading is not None
    assert reading.stage == "Reading the data"


def test_a_line_torn_at_any_byte_tells_nothing() -> None:
    assert [parse_event_line(PROGRESS[:end]) for end in range(len(PROGRESS))].count(None) == len(
        PROGRESS
    )


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[1, 2]",
        '"progress"',
        "training…",
        '{"v":2,"type":"progress","step":1}',
        '{"v":1,"type":"dataset","count":1797}',
        '{"v":1,"type":"something new"}',
        '{"v":1}',
        "[" * 5000,
        '{"a":' * 5000,
    ],
)
def test_foreign_lines_newer_versions_and_unknown_types_tell_nothing(line: str) -> None:
    assert parse_event_line(line) is None


def test_numbers_that_are_none_are_left_out() -> None:
    reading = parse_event_line(
        '{"v":1,"type":"progress","step":-3,"total":"many","metrics":'
        '{"loss":NaN,"grad_norm":Infinity,"ok":true,"lr":"0.5","deep":{"a":1}}}'
    )
    assert reading is not None
    assert (reading.step, reading.total) == (None, None)
    assert reading.metrics == {"learning_rate": 0.5}
