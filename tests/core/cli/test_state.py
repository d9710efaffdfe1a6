"""`flask st …`: this machine's state, from any folder and without a server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from st_core.cli import st
from st_core.testing.server import ServerProcess

pytestmark = pytest.mark.slow


@pytest.fixture
def flask_st(state_dir: Path) -> Callable[..., Result]:
    """Run `flask st …` in this process on the test's own state folder."""
    return lambda *words: CliRunner().invoke(st, words, prog_name="flask st")


def test_it_works_from_any_folder_whatever_flask_app_says(state_dir: Path) -> None:
    ended = subprocess.run(
        [str(Path(sys.executable).with_name("flask")), "st", "plugins", "-f", "json"],
        cwd="/",
        env={**os.environ, "FLASK_APP": "somebody.elses:app"},
        capture_output=True,
        text=True,
        check=True,
    )
    names = [row["name"] for row in json.loads(ended.stdout)["plugins"]]
    assert "tiny_trainer" in names


def test_migrating_twice_finds_nothing_to_do(flask_st: Callable[..., Result]) -> None:
    assert "core" in flask_st("migrate").stderr
    assert "nothing to migrate" in flask_st("migrate").stderr


def test_a_check_names_the_command_that_helps_until_all_is_well(
    flask_st: Callable[..., Result],
) -> None:
    before = flask_st("check", "-f", "json")
    findings = {row["check"]: row for row in json.loads(before.stdout)["checks"]}
    assert before.exit_code == 1
    assert "flask st migrate" in findings["database"]["detail"]
    flask_st("migrate")
    after = flask_st("check", "-f", "json")
    findings = {row["check"]: row for row in json.loads(after.stdout)["checks"]}
    assert findings["database"]["result"] == "ok"


def test_settings_tell_value_and_source_and_no_secret(
    flask_st: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMPLETUNER_PORT", "9999")
    monkeypatch.setenv("SIMPLETUNER_DATABASE_URL", "postgresql://app:hunter22@db/app")
    told = flask_st("settings", "-f", "json").stdout
    rows = {row["key"]: row for row in json.loads(told)["settings"]}
    assert (rows["server.port"]["value"], rows["server.port"]["source"]) == (9999, "environment")
    assert "hunter22" not in told


@pytest.mark.parametrize(
    ("words", "cell"),
    [
        (("settings", "--markdown", "--owner", "core"), "| `queue.max_concurrent` | int, 1 to 100"),
        (("hooks", "--markdown"), "| `st_check_access(submission)` |"),
    ],
)
def test_tables_for_the_documentation_are_markdown(
    flask_st: Callable[..., Result], words: tuple[str, ...], cell: str
) -> None:
    assert cell in flask_st(*words).stdout


def test_hooks_say_who_answers_them(flask_st: Callable[..., Result]) -> None:
    rows = json.loads(flask_st("hooks", "-f", "json").stdout)["hooks"]
    answered = {row["hook"]: row["answered_by"] for row in rows}
    assert "tiny_trainer" in answered["st_trainers"]


def test_a_wrong_setting_is_one_line_and_code_2(
    flask_st: Callable[..., Result], state_dir: Path
) -> None:
    (state_dir / "simpletuner-enterprise.yaml").write_text("server: {prot: 1}")
    ended = flask_st("settings")
    assert ended.exit_code == 2
    assert ended.stderr.splitlines()[0].startswith("simpletuner: ")
    assert "Did you mean 'server.port'" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_the_overview_needs_no_working_configuration(
    flask_st: Callable[..., Result], state_dir: Path
) -> None:
    (state_dir / "simpletuner-enterprise.yaml").write_text("plugins: [")
    ended = flask_st("--help")
    assert ended.exit_code == 0
    assert "migrate" in ended.stdout
    assert "left out" in ended.stderr


def test_purging_an_unknown_plugin_is_code_3_and_a_known_one_needs_a_yes(
    flask_st: Callable[..., Result],
) -> None:
    assert flask_st("plugins", "purge", "nobody", "--yes").exit_code == 3
    assert flask_st("plugins", "purge", "local_gpu").exit_code == 2


def test_a_purged_plugin_has_lost_its_tables_and_gets_them_back(
    flask_st: Callable[..., Result],
) -> None:
    flask_st("migrate")
    assert flask_st("plugins", "purge", "local_gpu", "--yes").exit_code == 0
    assert "local_gpu" in flask_st("migrate").stderr


def test_a_new_api_key_stands_alone_on_standard_output_and_opens_the_server(
    flask_st: Callable[..., Result], server: Callable[..., ServerProcess]
) -> None:
    made = flask_st("api-keys", "create", "airflow")
    assert made.exit_code == 0, made.stderr
    key = made.stdout.strip()
    assert key.startswith("st_")
    with server().start().client(timeout=60, headers={"Authorization": f"Bearer {key}"}) as client:
        assert client.get("/api/cloud/jobs").is_success


def test_services_run_without_the_web_until_they_are_told_to_end(state_dir: Path) -> None:
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("flask")), "st", "background"],
        cwd=state_dir,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        assert any("services run" in line for line in process.stderr)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.communicate()
