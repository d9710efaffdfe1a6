"""The two doors to policy files: `/api/policy`, and `flask st policy` on the server's machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from st_core.cli import st
from tests.core.policy import conftest as world
from tests.core.policy.conftest import FILES, TESTS

URL = "/api/policy"


@pytest.fixture
def flask_st(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run `flask st policy …` on the test's own database."""
    monkeypatch.setenv("SIMPLETUNER_DATABASE_URL", app.config["SQLALCHEMY_DATABASE_URI"])
    return lambda *words: CliRunner().invoke(st, ("policy", *words), prog_name="flask st")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A policy as files, with its tests."""
    place = tmp_path / "policy"
    place.mkdir()
    for name, text in {**FILES, "tests.yaml": TESTS}.items():
        (place / name).write_text(text, "utf-8")
    return place


def test_policy_is_exported_planned_and_applied_over_http(
    app: Flask, as_user: Callable[..., Any]
) -> None:
    admin = as_user("admin")
    before = admin.get(URL).json
    planned = admin.post(f"{URL}/plan", json={"files": {**FILES, "tests.yaml": TESTS}}).json
    assert (planned["changes_anything"], planned["passes"]) == (True, True)
    assert [part["name"] for part in planned["parts"]] == ["levels", "orgs", "resource_rules"]
    assert planned["parts"][2]["history"]["considered"] == 0
    assert admin.get(URL).json == before
    body = {"files": FILES, "digest": planned["digest_before"]}
    applied = admin.post(f"{URL}/apply", json=body)
    assert applied.status_code == 200
    assert applied.json["digest_after"] == planned["digest_after"]
    exported = admin.get(URL).json
    again = admin.post(f"{URL}/apply", json={"files": exported["files"]})
    assert not again.json["changes_anything"]
    assert admin.get(URL).json == exported
    assert exported["digest"] == world.digest(app)


@pytest.mark.parametrize(
    ("files", "status", "code"),
    [
        ({"levels.yaml": "levels: 3"}, 422, "policy_malformed"),
        ({"levels.yaml": "levels: []"}, 400, "system_level"),
        ({**FILES, "tests.yaml": TESTS.replace("refused", "asked")}, 400, "policy_tests_failed"),
        ({}, 422, "validation_error"),
    ],
)
def test_what_does_not_fit_is_answered_with_its_code(
    app: Flask, as_user: Callable[..., Any], files: dict[str, str], status: int, code: str
) -> None:
    before = world.digest(app)
    answer = as_user("admin").post(f"{URL}/apply", json={"files": files})
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert world.digest(app) == before


def test_a_digest_that_is_out_of_date_is_a_conflict(as_user: Callable[..., Any]) -> None:
    body = {"files": FILES, "digest": "0" * 64}
    assert as_user("admin").post(f"{URL}/apply", json=body).json["code"] == "policy_changed"


def test_a_session_confirms_before_it_applies(app: Flask) -> None:
    def asks(path: str) -> bool:
        endpoint = next(rule.endpoint for rule in app.url_map.iter_rules() if rule.rule == path)
        view: Any = app.view_functions[endpoint]
        return bool(view.declared.step_up)

    assert [asks(path) for path in (URL, f"{URL}/plan", f"{URL}/apply")] == [False, False, True]


def test_files_are_planned_tested_applied_and_exported_on_the_command_line(
    app: Flask, flask_st: Callable[..., Result], folder: Path, tmp_path: Path
) -> None:
    shown = flask_st("plan", str(folder))
    assert shown.exit_code == 0, shown.output
    assert "+ orgs[ml-research]" in shown.stdout
    assert flask_st("test", str(folder)).stdout.count("passed") == 2
    applied = flask_st("apply", str(folder), "--force", "--json")
    assert json.loads(applied.stdout)["changes_anything"]
    out = tmp_path / "out"
    assert flask_st("export", str(out)).exit_code == 0
    assert {path.name for path in out.iterdir()} > set(FILES)
    assert "Nothing changes" in flask_st("plan", str(out)).stdout
    assert "ml-research" in flask_st("export").stdout


def test_mistakes_are_told_line_by_line_and_a_failing_test_is_exit_code_1(
    app: Flask, flask_st: Callable[..., Result], folder: Path
) -> None:
    rules = folder / "resource_rules.yaml"
    rules.write_text(rules.read_text("utf-8").replace("pattern: a100*", "patern: a100*"), "utf-8")
    shown = flask_st("plan", str(folder))
    assert shown.exit_code != 0
    assert "resource_rules.yaml:9" in shown.output
    assert "Did you mean 'pattern'?" in shown.output
    rules.write_text("rules: []", "utf-8")
    failed = flask_st("test", str(folder))
    assert "FAILED  Contractors run no A100: expected refused, was admitted" in failed.stdout
    assert failed.exit_code != 0
    assert flask_st("apply", str(folder), "--force").exit_code != 0
    assert world.in_force(app, "orgs") == {"orgs": []}
