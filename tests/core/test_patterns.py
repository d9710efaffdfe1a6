"""Patterns of rules: globs and linear expressions, and names of hardware."""

from __future__ import annotations

import time

import pytest

from st_core.errors import SetTimeRule
from st_core.services import patterns


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("a100*", "a100-80gb", True),
        ("a100*", "A100-80gb", False),
        ("a100", "a100-80gb", False),
        ("flux-[ab]?", "flux-b1", True),
        ("^flux", "flux-dev", True),
        ("^flux", "my-flux-dev", False),
        ("dev$", "flux-dev", True),
        ("^(flux|sdxl)-.*-full$", "sdxl-tiles-full", True),
        ("^(flux|sdxl)-.*-full$", "sdxl-tiles-lora", False),
    ],
)
def test_a_pattern_is_a_glob_or_an_expression(pattern: str, text: str, fits: bool) -> None:
    assert patterns.matches(pattern, text) is fits


@pytest.mark.parametrize("pattern", ["a100*", "gpu-a100*", "*a100*", "^a100", "^gpu-a100", "80gb$"])
@pytest.mark.parametrize("hardware", ["a100-80gb", "gpu-a100-80gb"])
def test_the_prefix_of_hardware_says_nothing(pattern: str, hardware: str) -> None:
    assert patterns.matches_hardware(pattern, hardware)
    assert not patterns.matches_hardware(pattern, hardware.replace("a100-80gb", "h200"))


@pytest.mark.parametrize("pattern", ["", "^(a", "(?=a)b$", "x" * 201])
def test_a_pattern_that_cannot_be_used_is_refused_when_it_is_set(pattern: str) -> None:
    with pytest.raises(SetTimeRule) as refused:
        patterns.check(pattern, "threshold")
    assert refused.value.fields[0]["path"] == "threshold"


def test_no_expression_takes_more_than_linear_time() -> None:
    began = time.process_time()
    assert not patterns.matches("^(a+)+$", "a" * 5000 + "b")
    assert time.process_time() - began < 5  # a backtracking engine would not end at all
