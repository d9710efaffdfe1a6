"""Somebody's training script: a bar on stderr, checkpoints on disk, and no ear for SIGTERM.

It leaves a child in a session of its own as well, which does not listen either. `--lr 0` is an
error of its configuration, exit code 2.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path


def bar(step: int, total: int) -> None:
    drawn = "█" * (10 * step // total)
    told = f"{100 * step // total:3d}%|{drawn:<10}| {step}/{total} [00:01<00:09, 50.00it/s"
    sys.stderr.write(f"\rsteps: {told}, avr_loss={1 / (1 + step):.4f}]")
    sys.stderr.flush()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--lr", type=float, required=True)
    given = parser.parse_args()
    if given.lr == 0:
        parser.error("argument --lr: must be greater than 0")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.fork() == 0:
        os.setsid()
        time.sleep(600)
    given.output.mkdir(exist_ok=True)
    for step in range(1, given.steps + 1):
        bar(step, given.steps)
        if step % 10 == 0:
            saved = given.output / f"state-{step:06d}.json"
            saved.write_text(json.dumps({"step": step}))
        time.sleep(0.01)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
