"""Starts one process like `accelerate launch`: strict options, a strict file, the same way to fail.

Like the real one it does not hand signals on: ending it alone leaves the trainer running.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import yaml

#: The fields of accelerate's ClusterConfig; it refuses a file with any other.
FIELDS = set(
    [
        "compute_environment",
        "distributed_type",
        "mixed_precision",
        "use_cpu",
        "debug",
        "num_processes",
        "machine_rank",
        "num_machines",
        "gpu_ids",
        "main_process_ip",
        "main_process_port",
        "rdzv_backend",
        "same_network",
        "main_training_function",
        "enable_cpu_affinity",
        "fp8_config",
        "deepspeed_config",
        "fsdp_config",
        "parallelism_config",
        "megatron_lm_config",
        "ipex_config",
        "mpirun_config",
        "downcast_bf16",
        "tpu_name",
        "tpu_zone",
        "tpu_use_cluster",
        "tpu_use_sudo",
        "command_file",
        "commands",
        "tpu_vm",
        "tpu_env",
        "dynamo_config",
    ]
)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("accelerate <command> [<args>]")
    parser.add_argument("--config_file", type=Path)
    parser.add_argument("--mixed_precision", choices=["no", "fp16", "bf16", "fp8"])
    parser.add_argument("--num_processes", type=int)
    parser.add_argument("--num_machines", type=int)
    parser.add_argument("--dynamo_backend")
    parser.add_argument("--multi_gpu", action="store_true")
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("-m", "--module", action="store_true")
    parser.add_argument("training_script")
    parser.add_argument("training_script_args", nargs=argparse.REMAINDER)
    return parser.parse_args()


def main() -> None:
    args = options()
    config = yaml.safe_load(args.config_file.read_text())
    if extra := sorted(config.keys() - FIELDS):
        raise ValueError(f"The config file at {args.config_file} had unknown keys ({extra})")
    if args.multi_gpu and args.num_processes < 2:
        raise ValueError("You need to use at least 2 processes to use `--multi_gpu`.")
    script = ["-m", args.training_script] if args.module else [args.training_script]
    command = [sys.executable, *script, *args.training_script_args]
    process = subprocess.Popen(command)
    process.wait()
    if process.returncode != 0:
        raise subprocess.CalledProcessError(returncode=process.returncode, cmd=command)


if __name__ == "__main__":
    main()
