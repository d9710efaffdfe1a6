"""What a trainer's log says about why it failed, in one sentence that people can act on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .event_lines import json_object
from .log_lines import plain
from .numbers import whole
from .regular_files import open_regular, read_regular

LOG = "log"
TAIL_BYTES = 256 << 10
_LENGTH = 500

_ERROR = re.compile(
    r"^(?:[\w.]*\.)?(?P<kind>\w*(?:Error|Exception|Interrupt))\b(?:: (?P<text>.*))?$"
)
_USAGE = re.compile(r"^[\w./-]+: error: .+$")  # argparse: `train.py: error: unrecognized arguments`
_WRAPPERS = ("CalledProcessError", "ChildFailedError", "KeyboardInterrupt")
_MEMORY = (
    (
        re.compile(
            r"torch\.OutOfMemoryError|OutOfMemoryError|CUDA out of memory|HIP out of memory"
            r"|MPS backend out of memory"
        ),
        "The GPU's memory did not suffice: lower the batch size or the resolution, switch on "
        "gradient checkpointing, or choose hardware with more memory.",
    ),
    (
        re.compile(r"^MemoryError|DefaultCPUAllocator: can't allocate"),
        "The machine's memory did not suffice: lower the batch size or the number of workers.",
    ),
)
_KILLED = (-9, 137)


@dataclass(frozen=True)
class Failure:
    """`text` is the sentence; `line` is the log's own last error, empty when it shows none."""

    text: str
    line: str = ""


def explain(workspace: Path, exit_code: int | None) -> Failure:
    """Return why the last attempt in `workspace` ended with `exit_code`.

    Reads the last 256 KiB of its log. The exit code decides only where the log says nothing.
    """
    lines = tail_lines(workspace / LOG, attempt_offset(workspace))
    line = last_error(lines)
    for pattern, advice in _MEMORY:
        if any(pattern.search(text) for text in lines):
            return Failure(f"{advice} {line}".strip(), line)
    if line:
        return Failure(line, line)
    return Failure(_by_code(exit_code))


def attempt_offset(workspace: Path) -> int:
    """Return where in the log the last attempt begins, as its supervisor noted; 0 when unknown."""
    records = list(workspace.glob("run/*/proc.json"))
    if not records:
        return 0
    newest = max(records, key=lambda path: path.stat().st_mtime_ns)
    record = json_object((read_regular(newest, TAIL_BYTES) or b"").decode("utf-8", "replace"))
    return whole((record or {}).get("log_offset")) or 0


def tail_lines(log: Path, since: int = 0) -> list[str]:
    """Return the last lines of `log`, none before the byte `since`.

    Escape sequences are taken out; a bar drawn again and again counts as many lines.
    """
    with open_regular(log) as file:
        if file is None:
            return []
        start = max(since, file.size_bytes - TAIL_BYTES)
        text = file.read_at(start, TAIL_BYTES).decode("utf-8", "replace")
    return [plain(line).rstrip() for line in re.split(r"[\r\n]+", text)]


def last_error(lines: list[str]) -> str:
    """Return the last error line that is not merely a launcher reporting its child; else empty."""
    for line in reversed(lines):
        found = _ERROR.match(line)
        if found and found["kind"] in _WRAPPERS:
            continue
        if found or _USAGE.match(line):
            return line[:_LENGTH]
    return ""


def _by_code(exit_code: int | None) -> str:
    if exit_code is None:
        return "The trainer ended without telling how."
    if exit_code in _KILLED:
        return "The trainer was killed from outside, probably because memory ran out."
    if exit_code < 0:
        return f"The trainer was ended by signal {-exit_code}."
    return f"The trainer ended with exit code {exit_code}; its log shows no error."
