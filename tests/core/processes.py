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
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LONGEST_SECONDS = 600.0
#: The environment variable with the number of the pipe through which a process tells its error.
ERRORS = "PROCESS_ERRORS"
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

        It dies by SIGKILL at `failpoint` if one is named, or when `meanwhile` raises. Raises Died
        when it did not end well, or not within `LONGEST_SECONDS`.
        """
        with tempfile.TemporaryDirectory() as folder:
            told = {
                "SIMPLETUNER_DATABASE_URL": url,
                "ST_FAILPOINT": failpoint,
                "PROCESS_FOLDER": folder,
            }
            words = (str(script), *map(str, words))
            cwd = os.environ["SIMPLETUNER_STATE_DIR"]
            request = {"argv": words, "env": {**os.environ, **told}, "log": folder, "cwd": cwd}
            ended = self._ask(request, meanwhile)
            if ended["status"]:
                told_of = _last_words(Path(folder), ended["error"])
                raise Died(f"{script.name} {words[1:]} ended with {ended['status']}:\n{told_of}")
            return json.loads((Path(folder) / "report").read_text())

    def command(self, name: str, *words: str, env: Mapping[str, str], cwd: Path) -> tuple[int, str]:
        """Run an installed Python command to its end; return its exit code and all it wrote.

        Raises Died when it had not ended within `LONGEST_SECONDS`.
        """
        argv = (str(Path(sys.executable).with_name(name)), *words)
        with tempfile.TemporaryDirectory() as folder:
            request = {"argv": argv, "env": dict(env), "log": folder, "cwd": str(cwd)}
            status = self._ask(request, lambda: None)["status"]
            return int(status), (Path(folder) / "log").read_text(errors="replace")

    def run_until_it_dies(self, script: Path, *words: object, url: str, failpoint: str) -> bool:
        """Run `script` and tell whether the failpoint ended it; if not, it came to its own end."""
        try:
            self.run(script, *words, url=url, failpoint=failpoint)
        except Died as death:
            if f"ended with {-signal.SIGKILL}" not in str(death):
                raise
            return True
        return False

    def _ask(self, request: dict[str, Any], meanwhile: Callable[[], None]) -> dict[str, Any]:
        """Have a process made and return how it ended: `status` and, if it could tell, `error`.

        The answer is waited for whatever happens: left in the pipe, it would be taken for the
        answer to the next request, and that for the next one's, until the session ends.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        pid = self._read()["pid"]
        try:
            self._wait(request["argv"], meanwhile)
        except BaseException:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            self._read()
            raise
        return self._read()

    def _wait(self, argv: tuple[str, ...], meanwhile: Callable[[], None]) -> None:
        end = time.monotonic() + LONGEST_SECONDS
        while not select.select([self._process.stdout], [], [], 0.02)[0]:
            meanwhile()
            if time.monotonic() > end:
                raise Died(f"{argv} had not ended after {LONGEST_SECONDS:.0f} s and was killed")

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Died(f"the nursery itself ended with {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _last_words(folder: Path, error: str) -> str:
    """Return what a process that ended badly left behind, and what it may have lacked."""
    log = folder / "log"
    text = log.read_text(errors="replace")[-3000:] if log.exists() else "(it wrote no log)"
    free = shutil.disk_usage(folder).free // 1_000_000
    more = "" if error.strip() in text else f"\nIt told the nursery:\n{error}"
    return f"{text}{more}\n({free} MB free in {folder.parent})"


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
        read, write = os.pipe()
        os.set_blocking(write, False)  # more errors than the pipe holds must not keep anybody alive
        pid = os.fork()
        if not pid:
            os.close(read)
            _live(json.loads(line), write)
        os.close(write)
        print(json.dumps({"pid": pid}), flush=True)
        _, status = os.waitpid(pid, 0)
        answer = {"status": os.waitstatus_to_exitcode(status), "error": _what_lies_in(read)}
        print(json.dumps(answer), flush=True)


def _what_lies_in(pipe: int) -> str:
    """Return what was written, without waiting for the end: a straggler may still hold it open."""
    os.set_blocking(pipe, False)
    try:
        return os.read(pipe, 1 << 16).decode(errors="replace")
    except BlockingIOError:
        return ""
    finally:
        os.close(pipe)


def _live(request: dict[str, Any], errors: int) -> None:
    """Be the process that was asked for; never returns."""

    def live() -> None:
        die_with_parent()
        os.environ.clear()
        os.environ.update(request["env"])
        os.environ[ERRORS] = str(errors)
        mode = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        log = os.open(os.path.join(request["log"], "log"), mode, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.chdir(request["cwd"])
        sys.path[:0] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
        sys.argv = request["argv"]
        runpy.run_path(sys.argv[0], run_name="__main__")

    _end_with(live, errors)


def _end_with(work: Callable[[], object], errors: int) -> None:
    """Do `work` and end this process: no cleaning up after what the parent has imported.

    What goes wrong is written to the pipe `errors` first: a log lacks it when the disk is full, or
    when there was none yet.
    """
    code = 1
    try:
        work()
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(bool(leaving.code))
    except BaseException:
        with suppress(OSError):
            os.write(errors, traceback.format_exc()[-4000:].encode(errors="replace"))
        with suppress(OSError):
            traceback.print_exc()
    finally:
        with suppress(OSError):
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

        _end_with(live, int(os.environ[ERRORS]))
    os.close(write)
    return pid, read


if __name__ == "__main__":
    _serve()
