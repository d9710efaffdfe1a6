"""The process behind `FakeTrainer`; standard library only, run with `python -I`.

Told by `fake.json`. Writes event lines to `$TRAINER_EVENTS` (else `metrics.jsonl`), a log line per
step, and checkpoints. A new text in the file `stop` makes it save and end, in `save` makes it save.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

EVENTS = os.environ.get("TRAINER_EVENTS", "metrics.jsonl")
REQUESTS = ("stop", "save")


def tell(kind: str, **fields: object) -> None:
    """Append one event line."""
    with open(EVENTS, "a", encoding="utf-8") as file:
        file.write(json.dumps({"v": 1, "ts": time.time(), "type": kind, **fields}) + "\n")


def save(step: int) -> None:
    """Write a checkpoint atomically and tell of it."""
    path = pathlib.Path("checkpoints") / f"step-{step:06d}.json"
    path.parent.mkdir(exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps({"step": step}), "utf-8")
    new.replace(path)
    tell("checkpoint", step=step, path=str(path))


def leave_orphans(count: int) -> None:
    """Start processes in sessions of their own that ignore SIGTERM and outlive this one."""
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(3600)"
    for _ in range(count):
        subprocess.Popen([sys.executable, "-I", "-c", code], start_new_session=True)


def begin(checkpoint: str) -> int:
    """Return the step to go on from."""
    if not checkpoint:
        tell("status", status="starting")
        return 0
    step = int(json.loads(pathlib.Path(checkpoint).read_text("utf-8"))["step"])
    tell("resume", step=step)
    return step


def requests() -> dict[str, str]:
    """Return what the request files say now."""
    paths = {name: pathlib.Path(name) for name in REQUESTS}
    return {name: path.read_text("utf-8") for name, path in paths.items() if path.exists()}


def main() -> int:
    """Pretend to train; return the exit code."""
    told = json.loads(pathlib.Path("fake.json").read_text("utf-8"))
    if told["ignore_sigterm"]:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    leave_orphans(told["orphans"])
    first = begin(sys.argv[1]) + 1
    answered = requests()
    for step in range(first, told["steps"] + 1):
        time.sleep(told["step_seconds"])
        if step == told["crash_at"] and first == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        if step == told["fail_at"]:
            tell("error", message=f"told to fail at step {step}")
            return 3
        tell("progress", step=step, total=told["steps"], metrics={"loss": 1 / step})
        print(f"step {step} of {told['steps']}", flush=True)
        asked = requests()
        if step % told["save_every"] == 0 or asked != answered:
            save(step)
        if asked.get("stop") != answered.get("stop"):
            tell("status", status="stopped")
            return 0
        answered = asked
    tell("status", status="completed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
