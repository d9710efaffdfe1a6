"""`simpletuner configs …`, `queue …`, `plugins`, `status` against a real server."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import SHORT, Ended

pytestmark = pytest.mark.slow
Run = Callable[..., Ended]
PORTRAITS = {
    "--model_family": "sdxl",
    "--model_type": "lora",
    "--optimizer": "adamw_bf16",
    "--max_train_steps": 10,
    "--data_backend_config": "config/portraits/multidatabackend.json",
}


@pytest.fixture
def config(run: Run, request: pytest.FixtureRequest) -> str:
    """A stored config of the test's own."""
    name = request.node.name.removeprefix("test_")[:60]
    made = run("configs", "create", name, "--trainer", "tiny_trainer", "--set", "steps=100")
    assert made.code == 0, made.err
    return name


def test_a_fresh_server_holds_the_sample_config(run: Run) -> None:
    names = [row["name"] for row in run("configs", "list", "-f", "json").json["configs"]]
    assert "digits" in names


def test_a_config_is_shown_as_plain_json_that_can_be_edited(run: Run, config: str) -> None:
    assert run("configs", "show", config).json["steps"] == 100


def test_every_edit_is_a_revision_that_can_be_compared_and_restored(run: Run, config: str) -> None:
    edited = run("configs", "edit", config, "--set", "steps=200", "-m", "longer", "-f", "json")
    assert edited.json["revision"] == 2
    changes = run("configs", "diff", config, "1", "2", "-f", "json").json["changes"]
    assert [(c["path"], c["before"], c["after"]) for c in changes] == [("steps", 100, 200)]
    notes = run("configs", "revisions", config, "-f", "json").json["revisions"]
    assert [row["number"] for row in notes] == [2, 1]
    assert notes[0]["note"] == "longer"
    assert run("configs", "restore", config, "1").code == 0
    assert run("configs", "show", config).json["steps"] == 100
    assert run("configs", "show", config, "--revision", "2").json["steps"] == 200


def test_an_edit_that_changes_nothing_saves_nothing(run: Run, config: str) -> None:
    assert "nothing changed" in run("configs", "edit", config, "--set", "steps=100").err
    assert run("configs", "show", config, "-o", "revision").out == "1\n"


def test_validating_tells_every_problem_at_its_parameter(run: Run, config: str) -> None:
    assert run("configs", "validate", config).code == 0
    wrong = run("configs", "validate", config, "--set", "steps=-1", "--set", "nonsense=1")
    assert wrong.code == 1
    assert "steps:" in wrong.err
    assert "nonsense:" in wrong.err


def test_a_config_goes_out_as_a_zip_and_comes_in_again(
    run: Run, config: str, tmp_path: Path
) -> None:
    target = tmp_path / "out.zip"
    assert run("configs", "export", config, str(target)).code == 0
    assert zipfile.is_zipfile(target)
    assert run("configs", "delete", config, "--force").code == 0
    assert run("configs", "show", config).code == 3
    taken = run("configs", "import", str(target), "-f", "json")
    assert taken.code == 0, taken.err
    assert run("configs", "show", config).json["steps"] == 100


def test_a_folder_of_simpletuners_own_configs_is_taken_in(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "config" / "portraits"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(PORTRAITS))
    (folder / "multidatabackend.json").write_text(json.dumps([{"id": "faces", "type": "local"}]))
    taken = run("configs", "import", str(folder), "-f", "json")
    assert taken.code == 0, taken.err
    assert [row["name"] for row in taken.json["configs"]] == ["portraits"]


def test_the_queue_can_be_paused_and_goes_on(run: Run) -> None:
    assert run("queue", "pause").code == 0
    assert run("queue", "stats", "-f", "json").json["paused"] is True
    job_id = run("jobs", "submit", "digits", *SHORT, "-o", "job_id").out.strip()
    place = run("queue", "position", job_id, "-f", "json").json
    assert place["position"] == 1
    moved = run("queue", "priority", job_id, "45", "-f", "json").json
    assert moved["new_effective_priority"] == 45
    rows = run("queue", "list", "-o", "job_id,effective_priority").out.splitlines()
    assert f"{job_id}\t45" in rows
    assert run("queue", "resume").code == 0
    assert run("jobs", "get", job_id, "--follow").code == 0


def test_limits_are_shown_and_changed(run: Run) -> None:
    before = run("queue", "limits", "-f", "json").json["user_max_concurrent"]
    changed = run("queue", "limits", "--user-max-concurrent", str(before + 1), "-f", "json")
    assert changed.json["user_max_concurrent"] == before + 1
    wrong = run("queue", "limits", "--max-concurrent", "1000")
    assert wrong.code == 1
    assert "max_concurrent" in wrong.err


def test_a_priority_that_is_no_number_is_a_usage_error(run: Run) -> None:
    assert run("queue", "priority", "1", "urgent").code == 2


def test_the_plugins_of_the_server_are_listed(run: Run) -> None:
    rows = run("plugins", "list", "-o", "name,enabled").out.splitlines()
    assert "tiny_trainer\tyes" in rows


def test_a_healthy_server_says_so(run: Run) -> None:
    ended = run("status", "-f", "json")
    assert ended.code == 0, ended.out
    assert ended.json["status"] == "healthy"


def test_both_versions_are_told(run: Run) -> None:
    versions = run("version", "-f", "json").json
    assert versions["command"] == versions["server"]


def test_a_wrong_api_key_ends_with_code_4(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMPLETUNER_API_KEY", "st_wrong")
    ended = run("jobs", "list")
    assert ended.code == 4
    assert "SIMPLETUNER_API_KEY" in ended.err
