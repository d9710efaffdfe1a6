"""Other processes for tests: a script beside the tests, run in a real process of its own.

Starting Python and importing the server takes longer than most tests. So a *nursery*, one per test
session, has imported everything and forks for each process that a test asks for. A *crew* is a
script that forks once more, into several processes that begin at one moment.
"""

from __future__ import annotations

import ctypes
import json
import os
import runpy
import select
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LONGEST_SECONDS = 300.0
PR_SET_PDEATHSIG = 1


class Died(AssertionError):
    """A process ended by a signal or with an exit code that is not 0."""


# ── in the test ───────────────────────────────────────────────────────────────────────────────────


class Nursery:
    """Runs scripts on a database: `run(script, "word", url=url)` returns the script's report."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(
        self,
        script: Path,
        *words: object,
        url: str,
        failpoint: str = "",
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Any:
        """Run `script` to its end, call `meanwhile` again and again, and return its report.

        It dies by SIGKILL at `failpoint` if one is named. Raises Died when it did not end well.
        """
        with tempfile.TemporaryDirectory() as folder:
            told = {
                "SIMPLETUNER_DATABASE_URL": url,
                "ST_FAILPOINT": failpoint,
                "PROCESS_FOLDER": folder,
            }
            words = (str(script), *map(str, words))
            status = self._ask({"argv": words, "env": {**os.environ, **told}}, meanwhile)
            if status:
                log = (Path(folder) / "log").read_text(errors="replace")[-3000:]
                raise Died(f"{script.name} {words[1:]} ended with {status}:\n{log}")
            return json.loads((Path(folder) / "report").read_text())

    def run_until_it_dies(self, script: Path, *words: object, url: str, failpoint: str) -> bool:
        """Run `script` and tell whether the failpoint ended it; if not, it came to its own end."""
        try:
            self.run(script, *words, url=url, failpoint=failpoint)
        except Died as death:
            if f"ended with {-signal.SIGKILL}" not in str(death):
                raise
            return True
        return False

    def _ask(self, request: dict[str, Any], meanwhile: Callable[[], None]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        while not select.select([self._process.stdout], [], [], 0.02)[0]:
            meanwhile()
        return int(self._process.stdout.readline())


@contextmanager
def nursery() -> Iterator[Nursery]:
    """Start a nursery, which ends with us."""
    command = ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", __name__]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Nursery(process)
        finally:
            process.kill()


# ── in the nursery ────────────────────────────────────────────────────────────────────────────────


def _serve() -> None:
    """Fork for each line of standard input, and answer with the exit status."""
    import st_core.app
    import st_core.boot
    import st_core.testing.work
    import st_core.testing.zoo  # noqa: F401

    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if not pid:
            _live(request)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _live(request: dict[str, Any]) -> None:
    """Be the process that was asked for; never returns."""
    die_with_parent()
    os.environ.clear()
    os.environ.update(request["env"])
    log = os.open(
        os.path.join(os.environ["PROCESS_FOLDER"], "log"), os.O_WRONLY | os.O_CREAT, 0o600
    )
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.chdir(os.environ["SIMPLETUNER_STATE_DIR"])
    sys.path[:0] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    sys.argv = request["argv"]
    _end_with(lambda: runpy.run_path(sys.argv[0], run_name="__main__"))


def _end_with(work: Callable[[], object]) -> None:
    """Do `work` and end this process: no cleaning up after what the parent has imported."""
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def die_with_parent() -> None:
    """End this process when its parent ends, however that happens."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


# ── in the script ─────────────────────────────────────────────────────────────────────────────────


def report(told: Any) -> None:
    """Tell the test what came of it."""
    (Path(os.environ["PROCESS_FOLDER"]) / "report").write_text(json.dumps(told))


def crew(count: int, work: Callable[[int], Any]) -> None:
    """Call `work` with 0, 1, … in `count` processes that begin at one moment; report the list."""
    begin_read, begin_write = os.pipe()
    members = [_fork(number, work, begin_read, begin_write) for number in range(count)]
    os.close(begin_read)
    os.close(begin_write)  # every member reads the end of it
    told = []
    for pid, pipe in members:
        with os.fdopen(pipe) as lines:
            told.append(lines.read())
        _, status = os.waitpid(pid, 0)
        assert status == 0, f"member {len(told)} of the crew ended with status {status}"
    report([json.loads(each) for each in told])


def _fork(
    number: int, work: Callable[[int], Any], begin_read: int, begin_write: int
) -> tuple[int, int]:
    """Start one member; return its pid and the pipe its report comes through."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        die_with_parent()
        os.close(begin_write)

        def live() -> None:
            os.read(begin_read, 1)
            os.write(write, json.dumps(work(number)).encode())

        _end_with(live)
    os.close(write)
    return pid, read


if __name__ == "__main__":
    _serve()
