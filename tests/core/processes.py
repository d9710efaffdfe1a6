"""Other processes for tests: a script beside the tests, run several times at once on one database.

A script is called `script <role> <words…>`, says `ready` on standard output, begins at a line on
standard input, and ends with one line of JSON: its report.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
END_SECONDS = 240.0


def start(script: Path, *words: object, url: str, failpoint: str = "") -> subprocess.Popen[str]:
    """Start `script` on the database `url`; it dies by SIGKILL at `failpoint` if one is named."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    env = os.environ | {
        "PYTHONPATH": path,
        "SIMPLETUNER_DATABASE_URL": url,
        "ST_FAILPOINT": failpoint,
    }
    return subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, str(script), *map(str, words)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=env,
    )


def run(script: Path, *words: object, url: str) -> Any:
    """Run `script` to its end and return its report."""
    (report,) = run_together(1, script, *words, url=url)
    return report


def run_until_it_dies(script: Path, *words: object, url: str, failpoint: str) -> None:
    """Run `script` and fail unless the failpoint ended it."""
    process = start(script, *words, url=url, failpoint=failpoint)
    output, _ = process.communicate("go\n", timeout=END_SECONDS)
    assert process.returncode == -signal.SIGKILL, (
        f"{failpoint} was not reached: {process.returncode}, {output}"
    )


def run_together(
    count: int,
    script: Path,
    *words: object,
    url: str,
    meanwhile: Callable[[], None] = lambda: None,
) -> list[Any]:
    """Run `script` in `count` processes that begin at one moment, and return their reports.

    `meanwhile` is called again and again, in this thread, until the last has ended.
    """
    started = [start(script, *words, url=url) for _ in range(count)]
    try:
        for process in started:
            _expect_ready(process)
        for process in started:
            _say_go(process)
        while any(process.poll() is None for process in started):
            meanwhile()
            _wait_a_little(started)
        return [_report(process) for process in started]
    finally:
        for process in started:
            process.kill()
            process.wait()
            _close(process)


def ready_then_go() -> None:
    """Tell the parent that this process can begin, and wait until all can."""
    print("ready", flush=True)
    sys.stdin.readline()


def _expect_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line == "ready\n", f"a process did not start: {line!r}"


def _say_go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def _wait_a_little(started: Sequence[subprocess.Popen[str]]) -> None:
    for process in started:
        if process.poll() is None:
            try:
                process.wait(0.02)
            except subprocess.TimeoutExpired:
                return


def _report(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    lines = process.stdout.read().splitlines()
    assert process.returncode == 0, f"a process ended with {process.returncode}: {lines[-5:]}"
    return json.loads(lines[-1])


def _close(process: subprocess.Popen[str]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
