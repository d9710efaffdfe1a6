"""Who may submit what: profiles and parameters with a right of their own, and paths."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from st_core.contracts import Submission, Viewer
from st_core.plugins import current_plugins

from .conftest import TOY


@pytest.fixture
def app(make_app: Callable[..., Flask], tmp_path: Path) -> Iterator[Flask]:
    guarded = copy.deepcopy(TOY) | {"permission": "trainer.run_code", "resume": None}
    app = make_app(
        plugins=["simpletuner_trainer", "command_trainer"],
        command_trainer__profiles={"toy": TOY, "guarded": guarded},
        command_trainer__allowed_roots=[str(tmp_path / "data")],
    )
    with app.app_context():
        yield app


@pytest.fixture
def denied(app: Flask, viewer: Callable[..., Viewer]) -> Callable[..., list[str]]:
    """Submit as a person of a level; return the rules that forbid it."""

    def ask(level: str, trainer: str = "command:toy", **asked: Any) -> list[str]:
        options = {key: asked.pop(key) for key in ("start_from_checkpoint",) if key in asked}
        submission = Submission(
            viewer=viewer(level),
            provider="local_gpu",
            trainer=trainer,
            config={"steps": 5, **asked},
            config_name="x",
            **options,
        )
        return [denial.rule for denial in current_plugins().check_access(submission)]

    return ask


def test_filling_in_parameters_needs_no_further_right(denied: Callable[..., list[str]]) -> None:
    assert denied("researcher", note="hello", fp16=True) == []


def test_a_parameter_with_a_right_of_its_own_is_refused_without_it(
    denied: Callable[..., list[str]],
) -> None:
    assert denied("researcher", crash_at=3) == ["trainer.run_code"]
    assert denied("admin", crash_at=3) == []


def test_a_profile_with_a_right_of_its_own_is_refused_without_it(
    denied: Callable[..., list[str]],
) -> None:
    assert denied("lead", "command:guarded") == ["trainer.run_code"]
    assert denied("admin", "command:guarded") == []


def test_every_text_that_leads_out_must_lie_below_an_allowed_folder(
    denied: Callable[..., list[str]], tmp_path: Path
) -> None:
    rule = ["command_trainer.allowed_roots"]
    assert denied("researcher", data=f"{tmp_path}/data/x") == []
    assert denied("researcher", data="data/x") == []
    assert denied("researcher", data="/etc") == rule
    assert denied("researcher", note="../other") == rule
    assert denied("researcher", prompt="/imagine ../ a cat") == []
    assert denied("admin", data="/etc") == []


def test_a_command_that_cannot_resume_cannot_begin_with_a_checkpoint(
    denied: Callable[..., list[str]],
) -> None:
    checkpoint = "/state/jobs/7/output/checkpoint-4"
    assert denied("admin", start_from_checkpoint=checkpoint) == []
    assert denied("admin", "command:guarded", start_from_checkpoint=checkpoint) == [
        "command_trainer.start_from"
    ]
