"""The doctor: imports SimpleTuner in the configured Python and says what is wrong and what to do.

The import takes half a minute, because SimpleTuner loads every model family. What breaks it is
usually another library whose error hides behind a second one; the doctor shows the first.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from .settings import SECTION, Options

LIMIT_SECONDS = 120.0
CODE = "import simpletuner.helpers.training.trainer"
_REPORT = (
    f"{CODE}\n"
    "import importlib.metadata as m, sys\n"
    "names = ('simpletuner', 'torch', 'transformers', 'diffusers', 'accelerate')\n"
    "have = {d.metadata['Name']: d.version for d in m.distributions()}\n"
    "print('VERSIONS', *(f'{n}={have[n]}' for n in names if n in have),"
    " 'python=' + sys.version.split()[0])\n"
)
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")
_ERROR = re.compile(r"^(?:[A-Za-z_]\w*\.)*\w*(?:Error|Exception)\b.*")
_OUTPUT_CHARACTERS = 20_000
_STALE_SECONDS = 5.0

#: What the error says → what to do. The first that fits counts.
ADVICE: tuple[tuple[str, str], ...] = (
    (
        r"No module named 'simpletuner'",
        "SimpleTuner is not installed in this environment: {python} -m pip install "
        "'simpletuner[cuda]' (or [cpu], [rocm], [apple]).",
    ),
    (
        r"torchaudio|libtorchaudio|BloomPreTrainedModel",
        "torch, torchvision and torchaudio are of different builds. Install three that belong "
        "together, for example: {python} -m pip install torch==2.13.0 torchvision==0.28.0 "
        "torchaudio==2.11.0",
    ),
    (
        r"Qwen3VLCausalLMOutputWithPast|cannot import name '\w+' from 'transformers",
        "The installed transformers is newer than this SimpleTuner knows: {python} -m pip install "
        "transformers==5.20.0",
    ),
    (
        r"SyntaxError|skrample",
        "This Python is too old for SimpleTuner's libraries: make the environment with Python 3.12 "
        "to 3.14 and set {section}.python to it.",
    ),
    (
        r"No module named",
        "The installation is incomplete: {python} -m pip install --force-reinstall simpletuner",
    ),
)


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor found. `error` is the real exception in one line, `output` all that was said.

    `versions` maps names of libraries to theirs; `at` is in seconds since the epoch.
    """

    healthy: bool
    python: str
    error: str = ""
    advice: str = ""
    output: str = ""
    versions: Mapping[str, str] | None = None
    seconds: float = 0.0
    at: float = 0.0

    @property
    def summary(self) -> str:
        """Return the finding in one sentence."""
        if self.healthy:
            known = ", ".join(
                f"{name} {version}" for name, version in (self.versions or {}).items()
            )
            return f"SimpleTuner can be imported ({known})."
        return self.error or "SimpleTuner cannot be imported."


def examine(options: Options, limit_seconds: float = LIMIT_SECONDS) -> Diagnosis:
    """Import SimpleTuner in the configured Python and return what came of it.

    Takes up to `limit_seconds`; whatever it started has ended when it returns.
    """
    if missing := interpreter_problem(options.python):
        return Diagnosis(False, options.python, missing, _how_to_set(), at=time.time())
    started = time.monotonic()
    try:
        code, output = _run(options, limit_seconds)
    except OSError as error:
        text = f"{options.python} cannot be started: {error.strerror}"
        return Diagnosis(False, options.python, text, _how_to_set(), at=time.time())
    seconds = round(time.monotonic() - started, 1)
    found = _judge(options.python, code, output, limit_seconds)
    return Diagnosis(**{**asdict(found), "seconds": seconds, "at": time.time()})


def interpreter_problem(python: str) -> str:
    """Return why `python` cannot be a Python to start, empty when it can; starts nothing."""
    if not python:
        return f"{SECTION}.python is not set"
    if not Path(python).is_file():
        return f"{SECTION}.python names {python}, which is not there"
    if not os.access(python, os.X_OK):
        return f"{SECTION}.python names {python}, which may not be executed"
    return ""


def _how_to_set() -> str:
    return (
        f"Set {SECTION}.python in the configuration file to the Python of the environment that "
        "SimpleTuner is installed in, /opt/simpletuner/bin/python for instance."
    )


def _run(options: Options, limit_seconds: float) -> tuple[int | None, str]:
    """Return exit code (None when the time was over) and output of the import."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [options.python, "-c", _REPORT],
            cwd=folder,
            env={**kept, **options.environment},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code: int | None = process.wait(limit_seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _end(process)
        said.seek(0)
        return code, said.read().decode("utf-8", "replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the import and what it left behind in its session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(_STALE_SECONDS)


def _judge(python: str, code: int | None, output: str, limit_seconds: float) -> Diagnosis:
    shown = output[-_OUTPUT_CHARACTERS:]
    if code is None:
        return Diagnosis(
            False,
            python,
            f"The import did not end within {limit_seconds:g} seconds",
            "A first import on a slow disk can take that long: ask again. If it never ends, a "
            "library waits for the network or a driver.",
            shown,
        )
    if code == 0:
        line = next((text for text in output.splitlines() if text.startswith("VERSIONS ")), "")
        versions = dict(word.split("=", 1) for word in line.split()[1:])
        return Diagnosis(True, python, output=shown, versions=versions)
    error = real_error(output) or f"Python ended with exit code {code} and without an error"
    return Diagnosis(False, python, error, _advice(python, output), shown)


def real_error(output: str) -> str:
    """Return the error that began it all: the first of a chain, for the last only wraps it."""
    lines = [line.rstrip() for line in output.splitlines()]
    return next((line for line in lines if _ERROR.match(line)), "")


def _advice(python: str, output: str) -> str:
    for pattern, text in ADVICE:
        if re.search(pattern, output):
            return text.format(python=python, section=SECTION)
    return "The output below says where it breaks; SimpleTuner's own documentation lists versions."


# ── the last finding, for every process of the server ───────────────────────────────────────────


def _place(state_dir: Path) -> Path:
    return state_dir / SECTION / "doctor.json"


def remember(state_dir: Path, diagnosis: Diagnosis) -> None:
    """Keep `diagnosis` as the last one."""
    place = _place(state_dir)
    place.parent.mkdir(parents=True, exist_ok=True)
    new = place.with_suffix(f".{os.getpid()}.new")
    new.write_text(json.dumps(asdict(diagnosis)), encoding="utf-8")
    os.replace(new, place)


def last(state_dir: Path) -> Diagnosis | None:
    """Return the last diagnosis; None when there was none yet."""
    try:
        return Diagnosis(**json.loads(_place(state_dir).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
