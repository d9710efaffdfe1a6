"""What a config may say, and that the form and the training process agree on it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from st_tiny_trainer.engine.tiny_flow import config as engine
from st_tiny_trainer.sample_configs import SAMPLE_CONFIGS
from st_tiny_trainer.schema import TinyConfig
from st_tiny_trainer.settings import DATA_ROOTS, PYTHON

from st_core.contracts import Problem
from tests.plugins.tiny_trainer.trainings import trainer


def problems(config: dict[str, Any]) -> list[Problem]:
    return trainer().validate(config)[1]


def test_the_empty_config_trains_a_thousand_steps_of_digits() -> None:
    filled, wrong = trainer().validate({})
    assert wrong == []
    assert (filled["data"], filled["steps"]) == ("digits", 1000)
    assert trainer().length({}) == trainer().length(filled) == 1000


def test_the_form_and_the_process_agree_on_keys_defaults_and_bounds() -> None:
    properties = TinyConfig.model_json_schema()["properties"]
    assert {key: each["default"] for key, each in properties.items()} == engine.Config().as_dict()
    bounds = {
        key: (each["minimum"], each["maximum"])
        for key, each in properties.items()
        if "minimum" in each
    }
    assert bounds == engine.BOUNDS


def test_every_field_of_the_form_has_a_title_a_text_and_a_group() -> None:
    for key, each in TinyConfig.model_json_schema()["properties"].items():
        assert each["title"], key
        assert each["description"].endswith("."), key
        assert each["group"] in ("Data", "Training", "Model", "Samples", "Checkpoints", "Reports")
    assert TinyConfig.model_json_schema()["properties"]["steps"]["unit"] == "steps"


def test_a_misspelt_key_is_answered_with_the_right_one() -> None:
    assert problems({"stpes": 10}) == [
        Problem("stpes", "unknown key 'stpes', did you mean 'steps'?")
    ]


def test_every_problem_is_told_at_its_field() -> None:
    wrong = {"steps": 0, "seed": True, "learning_rate": "fast", "colour": 1}
    assert sorted(each.path for each in problems(wrong)) == sorted(wrong)


@pytest.mark.parametrize("data", ["numbers", "pictures/mine", "", "~/pictures"])
def test_data_is_the_digits_or_an_absolute_path(data: str) -> None:
    (problem,) = problems({"data": data})
    assert problem.path == "data"
    assert "absolute" in problem.message


@pytest.mark.parametrize("data", ["/etc", "/tmp/../etc", "/tmpfiles"])
def test_a_folder_outside_of_the_allowed_roots_is_refused(data: str) -> None:
    (problem,) = problems({"data": data})
    assert "outside" in problem.message
    assert DATA_ROOTS in problem.message


def test_a_folder_inside_of_the_allowed_roots_is_accepted() -> None:
    assert problems({"data": "/tmp/pictures"}) == []


def test_without_allowed_roots_there_are_only_the_digits() -> None:
    closed = trainer(**{DATA_ROOTS: []})
    assert closed.validate({"data": "digits"})[1] == []
    assert closed.validate({"data": "/tmp/pictures"})[1] != []


def test_the_sample_config_is_valid_as_it_stands() -> None:
    for config in SAMPLE_CONFIGS.values():
        assert problems(dict(config)) == []


def test_the_trainer_runs_in_the_interpreter_that_the_setting_names(tmp_path: Path) -> None:
    assert trainer().launch({}, tmp_path).argv[0] == sys.executable
    other = trainer(**{PYTHON: "/opt/other/bin/python"})
    assert other.launch({}, tmp_path).argv[0] == "/opt/other/bin/python"


def test_importing_the_plugin_loads_nothing_heavy() -> None:
    heavy = "{'numpy', 'PIL', 'safetensors'}"
    code = f"import sys, st_tiny_trainer; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_process_loads_nothing_of_the_server() -> None:
    folder = str(trainer().launch({}, Path("/tmp")).argv[1])
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import tiny_flow.process;"
        "print(sorted({'st_core', 'flask', 'pydantic', 'sqlalchemy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, folder], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
