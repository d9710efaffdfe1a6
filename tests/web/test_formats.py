"""Figures, sizes, spans and moments, as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from st_core.clock import now
from st_core.web import formats


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "unknown"),
        (0, "0"),
        (0.0713, "0.0713"),
        (0.000022, "2.2e-5"),
        (2.417, "2.42"),
        (1480.2, "1,480"),
        (float("nan"), "unknown"),
        (-0.5, "-0.500"),
    ],
)
def test_a_measured_value_has_three_digits_that_count(value: float | None, text: str) -> None:
    assert formats.figure(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "unknown"),
        (0.04, "0.0 s"),
        (34, "34 s"),
        (59.7, "1 min"),
        (114, "1 min 54 s"),
        (240, "4 min"),
        (3120, "52 min"),
        (7080, "1 h 58 min"),
        (7200, "2 h"),
        (86_399, "24 h"),
        (183_600, "2 d 3 h"),
        (-3, "0.0 s"),
    ],
)
def test_a_span_has_its_two_largest_units(seconds: float | None, text: str) -> None:
    assert formats.duration(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(None, "unknown"), (0, "0 bytes"), (999, "999 bytes"), (7900, "7.9 kB"), (164e6, "164 MB")],
)
def test_files_are_counted_in_thousands(size: float | None, text: str) -> None:
    assert formats.file_size(size) == text


def test_memory_is_counted_as_it_is_sold() -> None:
    assert formats.memory(80 * 2**30) == "80.0 GB"
    assert formats.memory(int(61.4 * 2**30)) == "61.4 GB"


@pytest.mark.parametrize(
    ("usd", "text"), [(None, "unknown"), (Decimal("3.784"), "$3.78"), (Decimal("212.4"), "$212")]
)
def test_small_amounts_are_exact_and_large_ones_whole(usd: Decimal | None, text: str) -> None:
    assert formats.money(usd) == text


def test_a_table_of_record_shows_large_amounts_exactly() -> None:
    assert formats.money(Decimal("1212.4"), exact=True) == "$1,212.40"


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(seconds=2), "just now"),
        (timedelta(seconds=34), "34 s ago"),
        (timedelta(minutes=4, seconds=50), "4 min ago"),
        (timedelta(hours=3, minutes=59), "3 h ago"),
        (timedelta(days=5), "5 d ago"),
    ],
)
def test_a_moment_is_said_by_how_long_ago_it_was(ago: timedelta, text: str) -> None:
    assert formats.ago(now() - ago) == text


def test_a_moment_long_ago_is_said_by_its_day() -> None:
    assert formats.ago(datetime(2024, 11, 3, 9, 5, tzinfo=UTC)) == "3 Nov 2024"


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (1, 64, "1 to 64."),
        (0, None, "At least 0."),
        (None, 1_000_000, "At most 1,000,000."),
        (1e-6, 0.9999, "1e-6 to 0.9999."),
        (None, None, ""),
    ],
)
def test_bounds_are_said_in_words(low: float | None, high: float | None, text: str) -> None:
    assert formats.between(low, high) == text


def test_backticks_become_code_and_the_rest_stays_text() -> None:
    assert formats.with_code("`a<b` or <i>") == "<code>a&lt;b</code> or &lt;i&gt;"
    assert formats.with_code("one ` alone") == "one ` alone"


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300))
def test_every_number_can_be_said(value: float) -> None:
    assert formats.figure(value)
    assert formats.duration(value)
    assert formats.plain(value)


def test_a_help_text_ends_as_a_sentence_so_that_another_may_follow() -> None:
    assert formats.sentence("The base model") == "The base model."
    assert [formats.sentence(text) for text in ("Done.", "wan, …", "")] == ["Done.", "wan, …", ""]
