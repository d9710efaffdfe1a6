"""Behaves outwardly like SimpleTuner 4.10: what it reads, refuses, writes, and how it ends.

Reads CONFIG_PATH as `--key=value` options (an unknown one is an argparse error, exit code 2),
writes metric lines, a manifest that says `completed` only at the end, media lines and pictures,
checkpoints whose `.guard` comes last; saves on `{"manual_checkpoint": n}` in its signal file;
resumes by name or `latest`; dies of SIGTERM at once and of SIGINT with exit code 0.

STANDIN_PAUSE is the seconds per step, STANDIN_DIE_AT the step at which it kills itself once.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

OPTIONS = [
    "model_family",
    "model_type",
    "lora_type",
    "lora_rank",
    "lycoris_config",
    "user_prompt_library",
    "pretrained_model_name_or_path",
    "data_backend_config",
    "output_dir",
    "resolution",
    "resolution_type",
    "train_batch_size",
    "max_train_steps",
    "num_train_epochs",
    "learning_rate",
    "lr_scheduler",
    "lr_warmup_steps",
    "optimizer",
    "mixed_precision",
    "base_model_precision",
    "checkpoint_step_interval",
    "checkpoints_total_limit",
    "resume_from_checkpoint",
    "report_to",
    "tracker_project_name",
    "tracker_run_name",
    "seed",
    "validation_prompt",
    "validation_step_interval",
    "init_lora",
    "hub_model_id",
]
FLAGS = ["gradient_checkpointing", "push_to_hub", "push_checkpoints_to_hub"]
PICTURE = bytes.fromhex("89504e470d0a1a0a")


def options() -> argparse.Namespace:
    for name in ("ENV", "SIMPLETUNER_ENV", "SIMPLETUNER_ENVIRONMENT", "SIMPLETUNER_PARENT_PID"):
        assert name not in os.environ, f"{name} would select another config or end the training"
    assert os.environ["SIMPLETUNER_CONFIG_BACKEND"] == "json"
    config = json.loads(Path(os.environ["CONFIG_PATH"]).read_text())
    parser = argparse.ArgumentParser("train.py")
    for name in OPTIONS:
        parser.add_argument(f"--{name}")
    for name in FLAGS:
        parser.add_argument(f"--{name}", action="store_true")
    words = []
    for key, value in config.items():
        if value is True:
            words.append(f"--{key.lstrip('-')}")
        elif value not in (None, False, ""):
            words.append(f"--{key.lstrip('-')}={value}")
    return parser.parse_args(words)


class Run:
    """One training."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.total = int(args.max_train_steps)
        self.every = int(args.checkpoint_step_interval or 10**9)
        self.draw_every = int(args.validation_step_interval or 10**9)
        self.output = Path(args.output_dir)
        assert self.output.is_absolute()
        self.output.mkdir(parents=True, exist_ok=True)
        assert "simpletuner" in args.report_to.split(",")
        self.triggers = Path(os.environ["SIMPLETUNER_ACCELERATE_SIGNAL_FILE"])
        self.answered = 0
        self.step = self.resumed(args.resume_from_checkpoint)

    def resumed(self, asked: str | None) -> int:
        """Return the step to go on from."""
        if asked == "latest":
            found = sorted(
                self.output.glob("checkpoint-*"), key=lambda p: int(p.name.split("-")[1])
            )
            asked = found[-1].name if found else None
        if asked is None:
            say("Checkpoint 'latest' does not exist. Starting a new training run.")
            return 0
        state = self.output / os.path.basename(asked) / "training_state.json"
        step = int(json.loads(state.read_text())["global_step"])
        say(f"Resuming from checkpoint {os.path.basename(asked)}")
        say(f"Resumed from global_step {step}")
        return step

    def manifest(self, status: str) -> None:
        content = {
            "status": status,
            "last_step": self.step,
            "config": {"max_train_steps": self.total},
        }
        new = self.output / "training_metrics.json.tmp"
        new.write_text(json.dumps(content))
        new.replace(self.output / "training_metrics.json")

    def record(self) -> None:
        metrics = {"epoch": 1.0, "learning_rate": 0.001, "train_loss": 1 / self.step}
        self.append("training_metrics.jsonl", {"metrics": metrics, "schema_version": 1})

    def append(self, name: str, fields: dict[str, Any]) -> None:
        moment = datetime.now(UTC).isoformat()
        with (self.output / name).open("a") as file:
            file.write(json.dumps({**fields, "step": self.step, "timestamp": moment}) + "\n")

    def save(self) -> None:
        folder = self.output / f"checkpoint-{self.step}"
        folder.mkdir(exist_ok=True)
        (folder / "pytorch_lora_weights.safetensors").write_bytes(b"w" * 64)
        (folder / "training_state.json").write_text(json.dumps({"global_step": self.step}))
        (folder / ".guard").write_text("complete")
        say(f"Saving checkpoint to {folder}")

    def asked_to_save(self) -> bool:
        count = json.loads(self.triggers.read_text()).get("manual_checkpoint", 0)
        asked, self.answered = count > self.answered, max(count, self.answered)
        return asked

    def draw(self) -> None:
        path = f"validation_images/step_{self.step}_validation_0_64x64.png"
        (self.output / "validation_images").mkdir(exist_ok=True)
        (self.output / path).write_bytes(PICTURE)
        self.append("validation_media.jsonl", {"index": 0, "path": path, "type": "image"})

    def train(self) -> None:
        self.manifest("running")
        while self.step < self.total:
            self.step += 1
            time.sleep(float(os.environ.get("STANDIN_PAUSE", "0")))
            self.record()
            bar(self.step, self.total)
            if self.step % self.every == 0 or self.asked_to_save():
                self.save()
            if self.step % self.draw_every == 0:
                self.draw()
            self.perhaps_die()
        (self.output / "pytorch_lora_weights.safetensors").write_bytes(b"w" * 64)
        self.manifest("completed")

    def perhaps_die(self) -> None:
        mark = self.output / ".died"
        if str(self.step) == os.environ.get("STANDIN_DIE_AT") and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)


def say(text: str) -> None:
    moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    print(f"{moment} [INFO] {text}\x1b[0m", flush=True)


def bar(step: int, total: int) -> None:
    sys.stderr.write(
        f"\rEpoch 1/1, Steps: {100 * step // total:3d}%|{'█' * (9 * step // total):<9}| "
        f"{step}/{total} [00:01<00:01, 10.00it/s, lr=0.001, step_loss={1 / step:.4f}]\x1b[0m"
    )
    sys.stderr.flush()


def interrupted(number: int, frame: object) -> None:
    say("interrupted")
    sys.exit(0)


def main() -> None:
    args = options()
    signal.signal(signal.SIGINT, interrupted)
    backends = json.loads(Path(args.data_backend_config).read_text())
    assert isinstance(backends, list)
    say("Loading data backend config from " + args.data_backend_config)
    if args.pretrained_model_name_or_path == "missing/model":
        raise OSError("missing/model is not a local folder and is not a valid model identifier")
    if not backends:
        say("No usable dataloader was found.")
        sys.exit(0)
    say(f"Load VAE: {args.pretrained_model_name_or_path}")
    Run(args).train()


if __name__ == "__main__":
    main()
