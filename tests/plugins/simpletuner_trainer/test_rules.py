"""Who may submit what: the keys that run code, that send data out, and paths (st_check_access).

And who gets the Hub's token (st_job_environment).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from st_core.contracts import Submission, Viewer
from st_core.models import Job
from st_core.plugins import current_plugins


@pytest.fixture
def roots(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "pictures").mkdir(parents=True)
    (folder / "way-out").symlink_to(tmp_path)
    return folder


@pytest.fixture
def app(make_app: Callable[..., Flask], roots: Path) -> Iterator[Flask]:
    app = make_app(
        plugins=["simpletuner_trainer"],
        simpletuner_trainer__python=sys.executable,
        simpletuner_trainer__allowed_roots=[str(roots)],
        simpletuner_trainer__hub_token="hf_secret",
    )
    with app.app_context():
        yield app


Rules = Callable[..., list[str]]


@pytest.fixture
def denied(app: Flask, viewer: Callable[..., Viewer], config: dict[str, Any]) -> Rules:
    """Submit `config` with changes as a person of a level; return the rules that forbid it."""

    def ask(level: str, **changes: Any) -> list[str]:
        options = {key: changes.pop(key) for key in ("start_from_checkpoint",) if key in changes}
        submission = Submission(
            viewer=viewer(level),
            provider="local_gpu",
            trainer="simpletuner_trainer",
            config={**config, **changes},
            config_name="x",
            **options,
        )
        return [denial.rule for denial in current_plugins().check_access(submission)]

    return ask


def test_an_ordinary_config_passes(denied: Rules) -> None:
    assert denied("researcher") == []


@pytest.mark.parametrize(
    "change",
    [
        {"post_checkpoint_script": "/data/x.sh"},
        {"post_upload_script": "x.sh"},
        {"validation_external_script": "x.sh"},
        {"custom_tracker": "mine"},
        {"trust_remote_code": True},
        {"trust_remote": True},
        {"accelerate_extra_args": "--x"},
        {"deepspeed_config": {"stage": 2}},
        {"dataloader_config": [{"id": "x", "trust_remote_code": True}]},
    ],
)
def test_keys_that_run_code_are_the_admins(denied: Rules, change: dict[str, Any]) -> None:
    assert "trainer.run_code" in denied("lead", **change)
    assert denied("admin", **change) == []


@pytest.mark.parametrize(
    "change",
    [
        {"push_to_hub": True},
        {"push_checkpoints_to_hub": True},
        {"hub_model_id": "me/model"},
        {"webhook_config": {"callback_url": "https://example.com"}},
        {"publishing_config": [{"provider": "s3"}]},
        {"report_to": "simpletuner,wandb"},
        {"dataloader_config": [{"id": "x", "type": "aws"}]},
    ],
)
def test_keys_that_send_data_out_need_their_right(denied: Rules, change: dict[str, Any]) -> None:
    assert denied("researcher", **change) == []
    assert set(denied("viewer", **change)) == {"trainer.publish"}


def test_a_key_that_is_switched_off_needs_no_right(denied: Rules) -> None:
    assert denied("viewer", push_to_hub=False, trust_remote_code="false", webhook_config=None) == []


def test_paths_lead_into_the_job_or_below_an_allowed_folder(
    denied: Rules, roots: Path, state_dir: Path
) -> None:
    rule = "simpletuner_trainer.allowed_roots"

    def data(path: str) -> list[str]:
        return denied("researcher", dataloader_config=[{"id": "x", "instance_data_dir": path}])

    assert data(f"{roots}/pictures") == []
    assert data("data/pictures") == []
    assert data(f"{roots}/../other") == [rule]
    assert data(f"{roots}/way-out/other") == [rule]
    assert data("../other-job") == [rule]
    assert data("~/.ssh") == [rule]
    assert data("file:///etc") == [rule]
    assert data(str(state_dir / "jobs" / "1-abc")) == [rule]
    assert denied("researcher", pretrained_model_name_or_path="/opt/models/x") == [rule]
    assert denied("researcher", pretrained_model_name_or_path="org/model") == []
    assert denied("researcher", validation_prompt="/imagine a cat") == []
    assert denied("researcher", user_prompt="/etc/prompts.json") == [rule]
    assert denied("admin", pretrained_model_name_or_path="/opt/models/x") == []


def test_another_jobs_checkpoint_can_begin_an_adapter_only(denied: Rules) -> None:
    checkpoint = "/state/jobs/7/output/checkpoint-4"
    assert denied("researcher", start_from_checkpoint=checkpoint) == []
    rules = denied("researcher", start_from_checkpoint=checkpoint, model_type="full")
    assert rules == ["simpletuner_trainer.start_from"]


def test_without_a_python_every_submission_is_refused_with_what_to_set(
    make_app: Callable[..., Flask], viewer: Callable[..., Viewer], config: dict[str, Any]
) -> None:
    asking = viewer("admin")
    with make_app(plugins=["simpletuner_trainer"]).app_context():
        submission = Submission(asking, "local_gpu", "simpletuner_trainer", config, "x")
        (denial,) = current_plugins().check_access(submission)
    assert "simpletuner_trainer.python" in denial.text


def test_other_trainers_are_none_of_its_business(
    app: Flask, viewer: Callable[..., Viewer], config: dict[str, Any]
) -> None:
    submission = Submission(viewer("viewer"), "local_gpu", "tiny_trainer", config, "x")
    assert current_plugins().check_access(submission.with_(config={"push_to_hub": True})) == []


def test_only_a_job_that_pushes_gets_the_hub_token(app: Flask, config: dict[str, Any]) -> None:
    def environment(trainer: str, **changes: Any) -> dict[str, str]:
        return current_plugins().job_environment(Job(trainer=trainer, config=config | changes))

    assert environment("simpletuner_trainer") == {}
    assert environment("simpletuner_trainer", push_to_hub=False) == {}
    assert environment("tiny_trainer", push_to_hub=True) == {}
    for key in ("push_to_hub", "push_checkpoints_to_hub"):
        assert environment("simpletuner_trainer", **{key: True}) == {"HF_TOKEN": "hf_secret"}
