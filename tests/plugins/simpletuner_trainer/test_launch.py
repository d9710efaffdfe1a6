"""The launch: what is written, what is on the command line, and what is kept away from it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from st_simpletuner_trainer.trainer import SimpleTunerTrainer

from st_core.errors import ConfigError

Make = Callable[..., SimpleTunerTrainer]


def written(trainer: SimpleTunerTrainer, config: dict[str, Any], place: Path) -> dict[str, Any]:
    files = trainer.launch(config, place).files
    return {Path(name).name: yaml.safe_load(text) for name, text in files.items()}


def test_it_starts_accelerate_in_the_trainers_own_python(
    trainer: Make, config: dict[str, Any], tmp_path: Path
) -> None:
    launch = trainer(python="/opt/st/bin/python").launch(config, tmp_path)
    assert launch.argv == (
        "/opt/st/bin/python",
        "-m",
        "accelerate.commands.launch",
        "--config_file",
        f"{tmp_path}/simpletuner/accelerate.yaml",
        "--mixed_precision=bf16",
        "--num_processes=1",
        "--num_machines=1",
        "--dynamo_backend=no",
        "--module",
        "simpletuner.train",
    )
    assert launch.gpus == 1
    assert launch.env["CONFIG_PATH"] == f"{tmp_path}/simpletuner/config.json"
    assert launch.env["SIMPLETUNER_CONFIG_BACKEND"] == "json"
    assert (
        launch.env["SIMPLETUNER_ACCELERATE_SIGNAL_FILE"] == f"{tmp_path}/simpletuner/triggers.json"
    )


def test_the_config_file_has_our_places_and_nothing_of_the_servers(
    trainer: Make, config: dict[str, Any], tmp_path: Path
) -> None:
    asked = {
        "output_dir": "/etc",
        "output_d": "/etc",
        "report_t": "wandb",
        "data_backend": "/etc/x.json",
        "resume_from_checkpoint": "checkpoint-3",
        "report_to": "tensorboard",
        "num_processes": 2,
        "accelerate_visible_devices": [0],
        "job_id": "x",
    }
    files = written(trainer(), {**config, **asked}, tmp_path)
    got = files["config.json"]
    assert got["output_dir"] == f"{tmp_path}/output"
    assert got["report_to"] == "simpletuner,tensorboard"
    assert got["resume_from_checkpoint"] == "latest"
    assert got["data_backend_config"] == f"{tmp_path}/simpletuner/multidatabackend.json"
    assert not {"num_processes", "accelerate_visible_devices", "job_id"} & got.keys()
    shortened = {"output_d", "report_t", "data_backend"}
    assert not shortened & got.keys(), "the last of two spellings would count"
    assert "dataloader_config" not in got
    assert files["multidatabackend.json"] == config["dataloader_config"]
    assert files["triggers.json"] == {}


def test_adapters_settings_and_prompts_become_files_of_their_own(
    trainer: Make, config: dict[str, Any], tmp_path: Path
) -> None:
    given = {**config, "lycoris_config": {"algo": "lokr"}, "user_prompt_library": {"cat": "a cat"}}
    files = written(trainer(), given, tmp_path)
    assert files["lycoris_config.json"] == {"algo": "lokr"}
    assert files["config.json"]["lycoris_config"] == f"{tmp_path}/simpletuner/lycoris_config.json"
    assert files["user_prompt_library.json"] == {"cat": "a cat"}


def test_several_gpus_and_the_compiler_reach_accelerate(
    trainer: Make, config: dict[str, Any], tmp_path: Path
) -> None:
    given = {**config, "num_processes": 4, "dynamo_backend": "inductor", "dynamo_fullgraph": True}
    launch = trainer().launch(given, tmp_path)
    assert launch.gpus == 4
    assert {"--num_processes=4", "--multi_gpu", "--dynamo_backend=inductor"} <= set(launch.argv)
    accelerate = yaml.safe_load(launch.files["simpletuner/accelerate.yaml"])
    assert accelerate["distributed_type"] == "MULTI_GPU"
    assert accelerate["main_process_port"] == 0
    assert accelerate["dynamo_config"] == {
        "dynamo_backend": "inductor",
        "dynamo_use_fullgraph": True,
    }
    assert "dynamo_backend" not in json.loads(launch.files["simpletuner/config.json"])


def test_on_the_processor_it_wants_no_gpu(
    trainer: Make, config: dict[str, Any], tmp_path: Path
) -> None:
    launch = trainer(cpu=True, offline=True).launch({**config, "num_processes": 4}, tmp_path)
    assert launch.gpus == 0
    assert "--cpu" in launch.argv
    assert "--num_processes=1" in launch.argv
    assert launch.env["HF_HUB_OFFLINE"] == "1"


def test_a_resume_names_its_checkpoint_and_another_jobs_gives_its_weights(
    trainer: Make, config: dict[str, Any], tmp_path: Path
) -> None:
    it = trainer()
    own = it.resume(config, tmp_path, "output/checkpoint-4").files["simpletuner/config.json"]
    assert json.loads(own)["resume_from_checkpoint"] == "checkpoint-4"
    other = it.resume(config, tmp_path, "/jobs/7/output/checkpoint-4").files
    begun = json.loads(other["simpletuner/config.json"])
    assert begun["resume_from_checkpoint"] == "latest"
    assert begun["init_lora"] == "/jobs/7/output/checkpoint-4/pytorch_lora_weights.safetensors"
    with pytest.raises(ConfigError, match="only for adapters"):
        it.resume({**config, "model_type": "full"}, tmp_path, "/jobs/7/output/checkpoint-4")


def test_without_a_python_the_launch_says_what_to_set(
    trainer: Make, config: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"simpletuner_trainer\.python is not set"):
        trainer(python="").launch(config, tmp_path)


def test_a_cancel_saves_first_but_only_once_it_trains(
    trainer: Make, config: dict[str, Any], tmp_path: Path
) -> None:
    write, wait = trainer(checkpoint_wait_seconds=7.0).launch(config, tmp_path).soft_stop
    assert write.write == ("simpletuner/triggers.json", '{"manual_checkpoint": {n}}\n')
    assert (wait.wait_for, wait.seconds) == ("output/checkpoint-*/.guard", 7.0)
    assert write.only_if == wait.only_if == "output/training_metrics.jsonl"
