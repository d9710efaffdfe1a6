"""How SimpleTuner is started: by files and environment only, through accelerate in its own Python.

Everything it reads lies in the workspace's folder `simpletuner/`, everything it writes below
`output/`. The accelerate file is ours, so that a user's own defaults cannot change what is started.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from st_core.contracts import Launch, StopStep
from st_core.errors import ConfigError
from st_core.services.config_files import split_companions

from .keys import LAUNCHER
from .settings import SECTION, Options

FOLDER = "simpletuner"
OUTPUT = "output"
CONFIG = f"{FOLDER}/config.json"
TRIGGERS = f"{FOLDER}/triggers.json"
ACCELERATE = f"{FOLDER}/accelerate.yaml"
WEIGHTS = "pytorch_lora_weights.safetensors"
DEFAULT_PRECISION = "bf16"
FINISHED = f"{OUTPUT}/checkpoint-*/.guard"  # written last: its checkpoint is complete
TRAINS = f"{OUTPUT}/training_metrics.jsonl"  # not there before the first step


def build(
    config: Mapping[str, Any], workspace: Path, options: Options, *, resume: str = "latest"
) -> Launch:
    """Return the launch of `config`; `resume` is latest, or the name of a checkpoint in `output/`.

    Raises ConfigError while no Python is set.
    """
    if not options.python:
        raise ConfigError(
            f"SimpleTuner cannot be started: {SECTION}.python is not set. Give it the path of the "
            "Python that SimpleTuner is installed in."
        )
    processes = 1 if options.cpu else int(config.get("num_processes") or 1)
    flat, files = split_companions(config, PurePosixPath(workspace / FOLDER))
    written = {
        CONFIG: _json(_forced(flat, workspace, resume)),
        TRIGGERS: "{}\n",
        ACCELERATE: _accelerate(config, processes, options.cpu),
        **{f"{FOLDER}/{name}": _json(content) for name, content in files.items()},
    }
    ask = _save_a_checkpoint(options.checkpoint_wait_seconds)
    return Launch(
        argv=_argv(config, workspace, options, processes),
        env=_environment(config, workspace, options, processes),
        files=written,
        gpus=0 if options.cpu else processes,
        soft_stop=ask,
        checkpoint=ask,
    )


def _forced(flat: Mapping[str, Any], workspace: Path, resume: str) -> dict[str, Any]:
    """Return the config as SimpleTuner gets it: our own places, nothing of the launcher's.

    What is forced may not be there under a shortened name either: the last one would count.
    """
    reports = [name.strip() for name in str(flat.get("report_to") or "").split(",")]
    wanted = ["simpletuner", *(name for name in reports if name not in ("", "none", "simpletuner"))]
    forced = {
        "output_dir": str(workspace / OUTPUT),
        "report_to": ",".join(wanted),
        "resume_from_checkpoint": resume,
    }
    whole = {*forced, "data_backend_config"}
    kept = {
        key: value
        for key, value in flat.items()
        if value is not None
        and key not in LAUNCHER
        and key not in forced
        and not any(name.startswith(key) for name in whole - {key})
    }
    named = {"tracker_project_name": "simpletuner", "tracker_run_name": workspace.name}
    return {**named, **kept, **forced}


def _argv(
    config: Mapping[str, Any], workspace: Path, options: Options, processes: int
) -> tuple[str, ...]:
    precision = str(config.get("mixed_precision") or DEFAULT_PRECISION)
    dynamo = str(config.get("dynamo_backend") or "no")
    return (
        options.python,
        *("-m", "accelerate.commands.launch"),
        *("--config_file", str(workspace / ACCELERATE)),
        f"--mixed_precision={precision}",
        f"--num_processes={processes}",
        "--num_machines=1",
        f"--dynamo_backend={dynamo}",
        *(("--multi_gpu",) if processes > 1 else ()),
        *(("--cpu",) if options.cpu else ()),
        *("--module", "simpletuner.train"),
    )


def _accelerate(config: Mapping[str, Any], processes: int, cpu: bool) -> str:
    """Return accelerate's file. Port 0 lets it choose a free one, so that two jobs never meet."""
    dynamo = {
        key: value
        for key, value in config.items()
        if key.startswith("dynamo_") and value is not None
    }
    renamed = {"dynamo_dynamic": "dynamo_use_dynamic", "dynamo_fullgraph": "dynamo_use_fullgraph"}
    content: dict[str, Any] = {
        "compute_environment": "LOCAL_MACHINE",
        "distributed_type": "MULTI_GPU" if processes > 1 else "NO",
        "mixed_precision": str(config.get("mixed_precision") or DEFAULT_PRECISION),
        "num_processes": processes,
        "num_machines": 1,
        "machine_rank": 0,
        "main_process_port": 0,
        "use_cpu": cpu,
        "dynamo_config": {renamed.get(key, key): value for key, value in dynamo.items()},
    }
    return yaml.safe_dump(content, sort_keys=False)


def _environment(
    config: Mapping[str, Any], workspace: Path, options: Options, processes: int
) -> dict[str, str]:
    told = {
        "CONFIG_PATH": str(workspace / CONFIG),
        "SIMPLETUNER_CONFIG_BACKEND": "json",
        "SIMPLETUNER_JOB_ID": workspace.name,
        "SIMPLETUNER_ACCELERATE_SIGNAL_FILE": str(workspace / TRIGGERS),
        "MIXED_PRECISION": str(config.get("mixed_precision") or DEFAULT_PRECISION),
        "TRAINING_NUM_PROCESSES": str(processes),
        "PYTHONUNBUFFERED": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "TQDM_NCOLS": "125",
    }
    offline = {"HF_HUB_OFFLINE": "1"} if options.offline else {}
    return {**options.environment, **offline, **told}


def _save_a_checkpoint(seconds: float) -> tuple[StopStep, ...]:
    """Return the steps that make a training save; one that has not begun has nothing to save."""
    return (
        StopStep(write=(TRIGGERS, '{"manual_checkpoint": {n}}\n'), only_if=TRAINS),
        StopStep(wait_for=FINISHED, seconds=seconds, only_if=TRAINS),
    )


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
