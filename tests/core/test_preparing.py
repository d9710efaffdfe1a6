"""Plugins complete a submission before its price is asked, or say what it lacks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

SUBMIT = "/api/cloud/jobs/submit?provider=instant"
SHORTENS = '''
"""Lets nothing run longer than an hour."""

from st_core import hookimpl


@hookimpl
def st_prepare_submission(submission):
    return submission.with_(time_limit_seconds=min(submission.time_limit_seconds or 3600, 3600))
'''
REFUSES = '''
"""Wants every job to have a name, and sees what the plugins before it have done."""

from st_core import hookimpl
from st_core.errors import SubmissionInvalid


@hookimpl
def st_prepare_submission(submission):
    assert submission.time_limit_seconds == 3600
    if submission.name is None:
        missing = [{"path": "name", "message": "missing"}]
        raise SubmissionInvalid("a name is missing", fields=missing)
'''


@pytest.fixture
def app(make_app: Callable[..., Flask], install_plugin: Callable[..., Path]) -> Flask:
    install_plugin("shortens", SHORTENS)
    install_plugin("refuses", REFUSES)
    return make_app(plugins=["zoo", "shortens", "refuses"])


def test_plugins_complete_a_submission_in_list_order(client: Any) -> None:
    body = {"config": {"steps": 1}, "name": "first", "time_limit_seconds": 9000}
    made = client.post(SUBMIT, json=body)
    assert made.status_code == 201, made.json
    told = client.get(f"/api/cloud/jobs/{made.json['job_id']}").json
    assert told["job"]["time_limit_seconds"] == 3600


def test_a_plugin_says_at_which_field_a_submission_lacks_something(client: Any) -> None:
    answer = client.post(SUBMIT, json={"config": {"steps": 1}})
    assert answer.status_code == 400
    assert answer.json["errors"] == [{"path": "name", "message": "missing"}]
    assert client.get("/api/cloud/jobs").json["jobs"] == []
