"""Other processes for tests: a script beside the tests, in one process or in several at once.

A script says `ready` on standard output, begins at a line on standard input, and ends with one line
of JSON: its report. A *crew* is a script that has imported everything and forked into several
processes before it is ready, so that all begin at one moment.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
END_SECONDS = 240.0


# ── in the test ───────────────────────────────────────────────────────────────────────────────────


def start(script: Path, *words: object, url: str, failpoint: str = "") -> subprocess.Popen[str]:
    """Start `script` on the database `url`; it dies by SIGKILL at `failpoint` if one is named."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    told = {"PYTHONPATH": path, "SIMPLETUNER_DATABASE_URL": url, "ST_FAILPOINT": failpoint}
    return subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, str(script), *map(str, words)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | told,
    )


def run(
    script: Path, *words: object, url: str, meanwhile: Callable[[], None] = lambda: None
) -> Any:
    """Run `script` to its end and return its report; `meanwhile` is called again and again."""
    with start(script, *words, url=url) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n", f"{script.name} did not start"
            process.stdin.write("go\n")
            process.stdin.flush()
            while not _has_ended(process):
                meanwhile()
            lines = process.stdout.read().splitlines()
        finally:
            process.kill()
    assert process.returncode == 0, f"{script.name} ended with {process.returncode}: {lines[-5:]}"
    return json.loads(lines[-1])


def run_until_it_dies(script: Path, *words: object, url: str, failpoint: str) -> None:
    """Run `script` and fail unless the failpoint ended it."""
    process = start(script, *words, url=url, failpoint=failpoint)
    output, _ = process.communicate("go\n", timeout=END_SECONDS)
    ended = f"{script.name} ended with {process.returncode}: {output}"
    assert process.returncode == -signal.SIGKILL, f"{failpoint} was not reached; {ended}"


def _has_ended(process: subprocess.Popen[str]) -> bool:
    try:
        process.wait(0.02)
    except subprocess.TimeoutExpired:
        return False
    return True


# ── in the script ─────────────────────────────────────────────────────────────────────────────────


def ready_then_go() -> None:
    """Tell the test that this process can begin, and wait until it says so."""
    print("ready", flush=True)
    sys.stdin.readline()


def report(told: Any) -> None:
    """Tell the test what came of it."""
    print(json.dumps(told), flush=True)


def crew(count: int, work: Callable[[int], Any]) -> None:
    """Call `work` with 0, 1, … in `count` processes that begin at one moment; report the list."""
    start_read, start_write = os.pipe()
    members = [_fork(number, work, (start_read, start_write)) for number in range(count)]
    os.close(start_read)
    ready_then_go()
    os.close(start_write)  # every member reads the end of it
    told = []
    for pid, pipe in members:
        with os.fdopen(pipe) as lines:
            told.append(lines.read())
        _, status = os.waitpid(pid, 0)
        assert status == 0, f"member {len(told)} of the crew ended with status {status}"
    report([json.loads(each) for each in told])


def _fork(number: int, work: Callable[[int], Any], begin: tuple[int, int]) -> tuple[int, int]:
    """Start one member; return its pid and the pipe its report comes through."""
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write)
        return pid, read
    code = 1
    try:
        os.close(begin[1])
        os.read(begin[0], 1)
        os.write(write, json.dumps(work(number)).encode())
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)
