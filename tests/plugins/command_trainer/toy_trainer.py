"""A small training script of nobody in particular: bars on stderr, dicts on stdout, checkpoints.

It fits one weight to a line by gradient descent. It knows no word of our own protocol. Standard
library only; options as in other scripts, unknown ones are an error.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--output_dir", type=Path, required=True)
    parser.add_argument("--resume", type=Path)
    parser.add_argument("--fp16", action="store_true")
    parser.add_argument("--note", default="")
    return parser.parse_args()


def save(folder: Path, step: int, weight: float) -> None:
    """Write a checkpoint, its marker last."""
    place = folder / f"checkpoint-{step}"
    place.mkdir(parents=True, exist_ok=True)
    (place / "weights.json").write_text(json.dumps({"weight": weight}))
    (place / "trainer_state.json").write_text(json.dumps({"global_step": step}))


def bar(step: int, total: int) -> None:
    drawn = "█" * (10 * step // total)
    left = f"{(total - step) // 50:02d}:00"
    sys.stderr.write(
        f"\r{100 * step // total:3d}%|{drawn:<10}| {step}/{total} [00:01<{left}, 50.0it/s]"
    )
    sys.stderr.flush()


def main() -> int:
    given = options()
    config = json.loads(given.config.read_text())
    total, rate, pause = config["steps"], config["learning_rate"], config.get("pause", 0.0)
    step, weight = 0, 0.0
    if given.resume:
        state = json.loads((given.resume / "trainer_state.json").read_text())
        step = state["global_step"]
        weight = json.loads((given.resume / "weights.json").read_text())["weight"]
    asked: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: asked.append(number))
    bar(0, total)
    while step < total:
        gradient = 2 * (weight - 3.0)
        weight -= rate * gradient
        step += 1
        bar(step, total)
        if step % config.get("logging_steps", 10) == 0:
            told = {"loss": (weight - 3.0) ** 2, "learning_rate": rate, "epoch": step / total}
            print(told, flush=True)
            bar(step, total)
        if config.get("crash_at") == step and not given.resume:
            raise RuntimeError(f"the disk is on fire at step {step}")
        if step % config.get("save_steps", 20) == 0 or asked:
            save(given.output_dir, step, weight)
        if asked:
            return 130
        time.sleep(pause)
    (given.output_dir / "final.json").write_text(json.dumps({"weight": weight}))
    print(f"\nseen {os.environ.get('TOY_MODE', '')} {given.note}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
