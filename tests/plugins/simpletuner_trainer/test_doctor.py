"""The doctor, with real interpreters that fail in the ways installations really fail.

It is reached by command (st_commands), route and page (st_blueprints), a link in the sidebar
(st_nav_items), and its last finding is a health check (st_health_checks).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from st_simpletuner_trainer.doctor import examine
from st_simpletuner_trainer.settings import Options

from st_core.cli import st

from .conftest import STANDIN

TORCHAUDIO = """
try:
    raise OSError("libtorchaudio.so: undefined symbol: _ZN3c104cuda9SetDeviceEa")
except OSError as error:
    raise RuntimeError(
        "Failed to import transformers.loaders because of the following error (look up to see its "
        "traceback): Could not import BloomPreTrainedModel"
    ) from error
"""
TRANSFORMERS = """
raise ImportError(
    "cannot import name 'Qwen3VLCausalLMOutputWithPast' from 'transformers.models.qwen3_vl'"
)
"""


def options(fault: str = "", python: str = sys.executable) -> Options:
    environment = {"PYTHONPATH": str(STANDIN), "STANDIN_FAULT": fault}
    return Options(python=python, environment=environment)


def test_a_working_installation_is_told_with_its_versions() -> None:
    found = examine(options())
    assert found.healthy
    assert found.versions is not None
    assert found.versions["python"] == sys.version.split()[0]
    assert found.summary.startswith("SimpleTuner can be imported")


@pytest.mark.parametrize(
    ("fault", "error", "advice"),
    [
        (TORCHAUDIO, "OSError: libtorchaudio.so: undefined symbol", "torchaudio==2.11.0"),
        (TRANSFORMERS, "ImportError: cannot import name 'Qwen3VL", "transformers==5.20.0"),
        ("import nothing_like_this", "ModuleNotFoundError: No module named", "incomplete"),
        (
            'compile("type X[T] = 1 1", "skrample/x.py", "exec")',
            "SyntaxError",
            "Python 3.12 to 3.14",
        ),
        ("raise SystemExit(3)", "exit code 3", "output below"),
    ],
)
def test_the_real_error_is_shown_with_what_to_do(fault: str, error: str, advice: str) -> None:
    found = examine(options(fault))
    assert not found.healthy
    assert error in found.error
    assert advice in found.advice
    assert found.summary == found.error


def test_the_first_error_of_a_chain_counts_and_all_of_it_is_kept() -> None:
    found = examine(options(TORCHAUDIO))
    assert "BloomPreTrainedModel" not in found.error
    assert "BloomPreTrainedModel" in found.output


def test_a_python_without_simpletuner_is_told_how_to_install_it() -> None:
    found = examine(Options(python=sys.executable))
    assert found.error == "ModuleNotFoundError: No module named 'simpletuner'"
    assert f"{sys.executable} -m pip install" in found.advice


def test_an_import_that_never_ends_is_ended() -> None:
    child = "import subprocess; subprocess.Popen(['sleep', '60']).wait()"
    found = examine(options(child), limit_seconds=1.0)
    assert "did not end within 1 seconds" in found.error


@pytest.mark.parametrize("kind", ["unset", "missing", "not executable", "not a program"])
def test_an_interpreter_that_cannot_be_started_is_told(kind: str, tmp_path: Path) -> None:
    place = tmp_path / "python"
    if kind in ("not executable", "not a program"):
        place.write_text("no program")
        place.chmod(0o755 if kind == "not a program" else 0o644)
    found = examine(options(python="" if kind == "unset" else str(place)))
    assert not found.healthy
    assert "simpletuner_trainer.python" in found.error + found.advice
    assert found.advice.startswith("Set simpletuner_trainer.python")


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(
        plugins=["simpletuner_trainer"],
        simpletuner_trainer__python=sys.executable,
        simpletuner_trainer__environment=options(TRANSFORMERS).environment,
    )


def test_the_command_line_shows_error_and_advice_and_fails(state_dir: Path) -> None:
    section = {"python": sys.executable, "environment": options(TRANSFORMERS).environment}
    settings = {"plugins": {"enabled": ["simpletuner_trainer"]}, "simpletuner_trainer": section}
    (state_dir / "simpletuner-enterprise.json").write_text(json.dumps(settings))
    done = CliRunner().invoke(st, ["simpletuner", "doctor"])
    assert done.exit_code == 1, done.output
    assert "Qwen3VLCausalLMOutputWithPast" in done.output
    assert "What to do:" in done.output


def test_the_button_examines_and_the_page_keeps_the_finding(app: Flask, client: Any) -> None:
    assert 'href="/admin/trainers/simpletuner"' in client.get("/jobs").text
    before = client.get("/admin/trainers/simpletuner")
    assert before.status_code == 200
    assert "Not examined yet" in before.text
    answer = client.post("/api/trainers/simpletuner_trainer/doctor").get_json()
    assert (answer["healthy"], "Qwen3VL" in answer["error"]) == (False, True)
    after = client.get("/admin/trainers/simpletuner").text
    assert "transformers==5.20.0" in after
    checks = client.get("/api/cloud/health").get_json()["components"]
    (check,) = [each for each in checks if each["name"] == "simpletuner"]
    assert check["status"] == "degraded"
    assert "transformers==5.20.0" in check["message"]


def test_only_an_admin_may_examine(app: Flask, as_user: Callable[..., Any]) -> None:
    person = as_user("lead")
    assert person.post("/api/trainers/simpletuner_trainer/doctor").status_code == 403
    assert person.get("/admin/trainers/simpletuner").status_code == 403
    assert "/admin/trainers/simpletuner" not in person.get("/jobs").text
