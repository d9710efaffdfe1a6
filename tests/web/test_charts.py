"""Drawings: what a strict policy allows, axes with round numbers, gaps that stay gaps."""

from __future__ import annotations

import math
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from st_core.web import charts

STEPS = list(range(0, 400, 2))
LOSS = [2.0 * math.exp(-step / 120) + 0.3 for step in STEPS]


def test_a_chart_brings_no_style_no_script_and_says_what_it_shows() -> None:
    drawing = charts.lines("Loss by step", "falls from 2.3 to 0.37", STEPS, [("raw", LOSS)])
    root = ET.fromstring(drawing)
    assert root.attrib["aria-label"] == "Loss by step. falls from 2.3 to 0.37"
    for element in root.iter():
        assert "style" not in element.attrib
        assert not any(name.startswith("on") for name in element.attrib)
        assert element.tag.rsplit("}", 1)[-1] not in ("style", "script", "title", "defs")


def test_a_chart_escapes_what_trainers_name() -> None:
    drawing = charts.lines('<b>"loss"', "</svg>", STEPS, [("raw", LOSS)])
    assert "<b>" not in drawing
    assert ET.fromstring(drawing).attrib["aria-label"].startswith('<b>"loss"')


def test_two_curves_of_160_points_stay_below_eight_kilobytes() -> None:
    kept = charts.thin(5000)
    values = [1.0 + math.sin(n) for n in kept]
    drawing = charts.lines("Loss", "", kept, [("raw", values), ("smoothed", values)])
    assert len(drawing.encode()) < 8000


def test_a_gap_is_not_drawn_over() -> None:
    values: list[float | None] = [*LOSS[:50], *[None] * 50, *LOSS[100:]]
    drawing = charts.lines("Loss", "", STEPS, [("raw", values)])
    path = next(
        e for e in ET.fromstring(drawing).iter() if "line" in (e.get("class") or "").split()
    )
    paths = [
        e.attrib["d"]
        for e in ET.fromstring(drawing).iter()
        if (e.get("class") or "").startswith("line reactive")
    ]
    assert path is not None
    assert len(paths) > 1 or any(d.count("M") > 1 for d in paths)


def test_a_log_scale_leaves_out_what_is_not_above_zero() -> None:
    drawing = charts.lines("Loss", "", [1, 2, 3], [("raw", [0.0, 0.01, 1.0])], log=True)
    assert "svg" in drawing
    assert charts.lines("Loss", "", [1, 2], [("raw", [0.0, -1.0])], log=True) == ""


def test_one_level_value_still_has_an_axis() -> None:
    assert "svg" in charts.lines("Epoch", "", [1, 2], [("raw", [3.0, 3.0])])


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 0.31, [0.0, 0.1, 0.2, 0.3, 0.4]),
        (0, 4000, [0, 1000, 2000, 3000, 4000]),
        (0, 1e-4, [0.0, 2.5e-5, 5e-5, 7.5e-5, 1e-4]),
    ],
)
def test_ticks_are_round(low: float, high: float, ticks: list[float]) -> None:
    assert charts.ticks(low, high) == pytest.approx(ticks)


@given(st.floats(min_value=-1e12, max_value=1e12), st.floats(min_value=1e-9, max_value=1e12))
def test_ticks_hold_every_value_between_them(low: float, span: float) -> None:
    found = charts.ticks(low, low + span)
    assert 2 <= len(found) <= 9
    assert found == sorted(found)
    assert found[0] <= low + 1e-6 * (abs(low) + span)
    assert found[-1] >= low + span - 1e-6 * (abs(low) + span)


@given(st.floats(min_value=1e-12, max_value=1e12), st.floats(min_value=1, max_value=1e6))
def test_logarithmic_ticks_reach_around_the_values(low: float, factor: float) -> None:
    found = charts.log_ticks(low, low * factor)
    assert found[0] <= low * 1.000001
    assert found[-1] >= low * factor * 0.999999
    assert len(found) >= 2


def test_smoothing_is_unbiased_from_the_first_value_on() -> None:
    assert charts.smooth([4.0, 4.0, 4.0], 0.9) == pytest.approx([4.0, 4.0, 4.0])
    assert charts.smooth([1.0, 3.0], 0.5) == pytest.approx([1.0, 7 / 3])


@given(st.integers(min_value=1, max_value=5000), st.integers(min_value=2, max_value=200))
def test_thinning_keeps_both_ends_and_the_order(length: int, points: int) -> None:
    kept = charts.thin(length, points)
    assert kept[0] == 0
    assert kept[-1] == length - 1
    assert kept == sorted(set(kept))
    assert len(kept) <= max(points, min(length, points))


def test_a_sparkline_needs_two_values() -> None:
    assert charts.spark([1.0], "one") == ""
    assert 'aria-label="a &amp; b"' in charts.spark([1.0, 2.0], "a & b")
