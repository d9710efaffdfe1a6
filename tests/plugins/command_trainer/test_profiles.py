"""Declaring profiles: the right become trainers, a wrong one stops the start with a sentence.

Profiles are read by st_configure and handed over by st_trainers.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from st_command_trainer.config_writers import write
from st_command_trainer.declared import load, shipped
from st_command_trainer.trainer import CommandTrainer

from st_core.errors import ConfigError


def trainer(profile: dict[str, Any], name: str = "toy") -> CommandTrainer:
    return CommandTrainer(load({name: profile})[0])


def changed(profile: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    *parents, last = key.split(".")
    inner = profile
    for parent in parents:
        inner = inner[parent]
    inner[last] = value
    return profile


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("program", "python", "program: 'python' must be an absolute path"),
        ("progam", "/bin/true", ".progam: there is no such key. Did you mean 'program'?"),
        ("parameters.steps.defualt", 1, ".parameters.steps.defualt: there is no such key. Did you"),
        ("parameters.steps.type", "number", ".parameters.steps.type: Input should be 'int'"),
        ("parameters.steps.default", 1, "a required parameter has no default"),
        ("parameters.learning_rate.default", "much", ".learning_rate: Input should be a valid"),
        ("parameters.mode.choices", [], "type choice needs it"),
        ("parameters.workspace", {"type": "int", "help": "x"}, "workspace is a name of our own"),
        ("arguments", ["{scirpt}"], "arguments: {scirpt} is neither a parameter nor a variable"),
        ("arguments", ["{data}"], "arguments: '{data}' is missing when data has no value"),
        ("arguments", [{"when": "x", "add": ["--x"]}], "`when: x` names no parameter"),
        (
            "config_file.path",
            "../toy.json",
            ".config_file.path: must be a path inside the workspace",
        ),
        ("config_file.format", "ini", ".config_file.format: Input should be 'json', 'toml'"),
        ("progress", {"log": {"patterns": ["("]}}, ".progress.log.patterns.0: is no regular"),
        ("gpus", "mode", "gpus: 'mode' is no parameter of type int"),
        ("completion", {}, "exit code 0 alone is none"),
        ("soft_stop", [{"signal": "SIGKILL"}], ".soft_stop.0.signal: Input should be 'SIGINT'"),
        ("variables", {"script": ""}, ".variables.script is empty: set it"),
        ("environment", {"A=B": "1"}, ".environment"),
    ],
)
def test_a_wrong_profile_stops_the_start_and_names_profile_key_and_fix(
    toy: dict[str, Any], key: str, value: Any, told: str, make_app: Callable[..., Flask]
) -> None:
    profiles = {"toy": changed(toy, key, value)}
    with pytest.raises(ConfigError) as caught:
        make_app(plugins=["command_trainer"], prepare=False, command_trainer__profiles=profiles)
    assert caught.value.detail.startswith("command_trainer.profiles.toy")
    assert told in caught.value.detail


def test_a_shipped_profile_needs_only_program_and_variables() -> None:
    assert set(shipped()) == {"axolotl", "diffusers", "huggingface", "kohya"}
    assert load({}) == []
    (profile,) = load({"kohya": {"program": "/k/python", "variables": {"script": "/k/train.py"}}})
    assert (profile.trainer, profile.title) == ("command:kohya", "kohya LoRA")
    with pytest.raises(ConfigError, match=r"kohya: program: '' must be an absolute path"):
        load({"kohya": {}})


SHIPPED: dict[str, dict[str, Any]] = {
    "axolotl": {"base_model": "org/model", "dataset": "org/data"},
    "diffusers": {"pretrained_model_name_or_path": "org/model", "dataset_name": "org/data"},
    "huggingface": {"model_name_or_path": "org/model", "max_steps": 12},
    "kohya": {"pretrained_model_name_or_path": "org/model", "train_data_dir": "data"},
}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_profile_launches_resumes_and_explains_every_parameter(
    name: str, tmp_path: Path
) -> None:
    variables = {key: "/opt/train.py" for key in shipped()[name].get("variables", {})}
    it = trainer({"program": "/opt/trainer/bin/python", "variables": variables}, name)
    filled, problems = it.validate(SHIPPED[name])
    assert problems == []
    assert it.validate(filled) == (filled, [])
    assert it.schema is not None
    assert all(field.description for field in it.schema.model_fields.values())
    launch = it.launch(filled, tmp_path)
    resumed = it.resume(filled, tmp_path, "output/checkpoint-12")
    assert launch.argv[0] == "/opt/trainer/bin/python"
    assert launch.gpus == 1
    assert str(tmp_path / "output") in json.dumps([launch.argv, launch.files])
    assert "checkpoint-12" in json.dumps([resumed.argv, resumed.files])
    if "accelerate.commands.launch" in launch.argv:
        accelerate = yaml.safe_load(launch.files["accelerate.yaml"])
        assert accelerate["num_processes"] == 1
        assert f"--config_file={tmp_path}/accelerate.yaml" in launch.argv
    completed, why = it.outcome(filled, tmp_path, 0)
    assert (completed, bool(why)) == (False, True)


def test_a_declared_key_lies_over_the_shipped_one() -> None:
    given = {
        "program": "/k/python",
        "variables": {"script": "/k/train.py"},
        "parameters": {"network_dim": {"maximum": 64}},
    }
    (profile,) = load({"kohya": given})
    assert profile.parameters["network_dim"].maximum == 64
    assert profile.parameters["network_dim"].default == 16


def test_a_profile_that_is_switched_off_is_no_trainer(toy: dict[str, Any]) -> None:
    assert load({"toy": {**toy, "enabled": False}}) == []


def test_the_form_gets_types_bounds_units_and_help(toy: dict[str, Any]) -> None:
    schema = trainer(toy).schema
    assert schema is not None
    drawn = schema.model_json_schema()
    assert drawn["required"] == ["steps"]
    assert drawn["additionalProperties"] is False
    assert drawn["properties"]["steps"]["maximum"] == 10_000
    assert drawn["properties"]["mode"]["enum"] == ["fast", "good"]
    assert drawn["properties"]["pause"]["unit"] == "seconds"
    assert drawn["properties"]["fp16"]["default"] is False


@pytest.mark.parametrize(
    ("config", "path", "told"),
    [
        ({}, "steps", "is required"),
        ({"steps": 0}, "steps", "greater than or equal to 1"),
        ({"steps": "many"}, "steps", "valid integer"),
        ({"steps": 1, "mode": "best"}, "mode", "'fast' or 'good'"),
        ({"steps": 1, "learning_rate": float("nan")}, "learning_rate", "finite"),
        ({"steps": 1, "note": "x" * 41}, "note", "at most 40"),
        ({"steps": 1, "note": "a\nb"}, "note", "does not have the form"),
        ({"steps": 1, "note": "a\x00b"}, "note", "does not have the form"),
        ({"steps": 1, "program": "/bin/sh"}, "program", "is no parameter of Toy; there are: steps"),
    ],
)
def test_a_wrong_value_is_told_at_its_parameter(
    toy: dict[str, Any], config: dict[str, Any], path: str, told: str
) -> None:
    _, problems = trainer(toy).validate(config)
    assert [problem.path for problem in problems] == [path]
    assert told in problems[0].message


def test_a_text_that_would_become_an_option_is_refused(toy: dict[str, Any]) -> None:
    _, problems = trainer(toy).validate({"steps": 1, "note": "--config=/etc/passwd"})
    assert [problem.path for problem in problems] == ["note"]
    assert "begins with a dash" in problems[0].message


def test_two_places_in_one_word_cannot_smuggle_an_option_either(toy: dict[str, Any]) -> None:
    toy["parameters"]["note"]["default"] = ""
    toy["arguments"] = ["{script}", "{note}{data}"]
    toy["parameters"]["data"]["default"] = "x"
    _, problems = trainer(toy).validate({"steps": 1, "note": "", "data": "--fp16"})
    assert [problem.path for problem in problems] == ["note"]


def test_a_dash_behind_an_options_name_is_only_a_text(toy: dict[str, Any]) -> None:
    toy["arguments"] = ["{script}", "--note={note}"]
    _, problems = trainer(toy).validate({"steps": 1, "note": "-x"})
    assert problems == []


def test_every_value_stays_one_word_of_the_command(toy: dict[str, Any], tmp_path: Path) -> None:
    it = trainer(toy)
    filled, _ = it.validate({"steps": 5, "note": "a b; $(rm -rf /) {script} \"'", "fp16": True})
    launch = it.launch(filled, tmp_path)
    assert launch.argv[2:] == (
        f"--config={tmp_path}/toy.json",
        f"--output_dir={tmp_path}/output",
        "--fp16",
        "--note",
        "a b; $(rm -rf /) {script} \"'",
    )
    assert launch.env == {"TOY_MODE": "good"}
    assert json.loads(launch.files["toy.json"]) == {
        "steps": 5,
        "learning_rate": 0.1,
        "save_steps": 20,
    }
    assert (launch.gpus, it.length(filled)) == (0, 5)
    assert launch.soft_stop[0].signal == "SIGINT"


def test_a_resume_gets_the_checkpoints_path_its_own_or_another_jobs(
    toy: dict[str, Any], tmp_path: Path
) -> None:
    it = trainer(toy)
    own = it.resume({"steps": 5}, tmp_path, "output/checkpoint-20")
    assert own.argv[-1] == f"--resume={tmp_path}/output/checkpoint-20"
    other = it.resume({"steps": 5}, tmp_path, "/jobs/7/output/checkpoint-20")
    assert other.argv[-1] == "--resume=/jobs/7/output/checkpoint-20"


def test_a_command_that_cannot_resume_begins_anew_but_not_from_another_job(
    toy: dict[str, Any], tmp_path: Path
) -> None:
    it = trainer({**toy, "resume": None})
    assert it.resume({"steps": 5}, tmp_path, "output/checkpoint-20") == it.launch(
        {"steps": 5}, tmp_path
    )
    with pytest.raises(ConfigError, match="cannot begin with a checkpoint"):
        it.resume({"steps": 5}, tmp_path, "/jobs/7/output/checkpoint-20")


def test_the_profile_in_the_readme_can_be_declared_as_it_stands() -> None:
    readme = Path(__file__).parents[3] / "plugins/command_trainer/README.md"
    blocks = re.findall(r"```yaml\n(.*?)```", readme.read_text("utf-8"), re.DOTALL)
    sections = [yaml.safe_load(block)["command_trainer"] for block in blocks]
    names = [profile.name for section in sections for profile in load(section["profiles"])]
    assert names == ["kohya", "mine"]


TEXTS = st.text(st.characters(blacklist_categories=("Cc", "Cs")), max_size=30)
VALUES = st.recursive(
    st.booleans() | st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(TEXTS, VALUES, max_size=5))
def test_config_files_say_exactly_what_was_given(values: dict[str, Any]) -> None:
    assert json.loads(write("json", values)) == values
    assert tomllib.loads(write("toml", values)) == values
    assert yaml.safe_load(write("yaml", values)) == values


def test_a_file_of_arguments_has_one_per_line() -> None:
    assert write("args", {"rank": 4, "name": "a b", "flag": True}) == (
        "--rank=4\n--name=a b\n--flag=true\n"
    )
