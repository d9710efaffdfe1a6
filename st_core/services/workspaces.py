"""Workspaces: one folder per job, shared by its attempts, and the only truth about logs, curves and
files.

`config.json` is the admitted snapshot, `log` what the trainer said over all attempts,
`metrics.jsonl` its progress lines, then `checkpoints/`, `samples/` and `run/<attempt>/`; in
`earlier/` lies what runs left that a later attempt does not go on from.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import current_app

from ..contracts import Artifact
from ..db import db
from ..errors import NotFound
from ..models import Attempt, Job, JobLog
from ..progress.reader import Reader
from ..progress.reader_cache import readers
from . import registries

CHUNK_BYTES = 256 * 1024
MOST_FILES = 5000
#: Files that tell about the run itself, not what it made; never offered for download.
PRIVATE = ("run", "config.json")


@dataclass(frozen=True)
class LogSlice:
    """A piece of a log: its text, the byte it begins at, the byte to go on from, and the log's size
    in bytes.
    """

    text: str
    start: int
    next: int
    size: int


def root() -> Path:
    """Return the folder that holds all workspaces."""
    state_dir: Path = current_app.extensions["st"].state_dir
    return state_dir / "jobs"


def of(job: Job) -> Path:
    """Return the job's workspace; it exists once the job has been started."""
    return root() / f"{job.id}-{job.key[:8]}"


def prepare(job: Job) -> Path:
    """Make the workspace ready for an attempt, with the admitted config for the owner's eyes only.

    Results that the attempt does not go on from are set aside.
    """
    folder = of(job)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    snapshot = folder / "config.json"
    fresh = snapshot.with_suffix(".tmp")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        json.dump(job.config, out, indent=2)
    fresh.replace(snapshot)
    for result in _not_gone_on_from(job, folder):
        _set_aside(folder, result, job.attempt)
    return folder


def _not_gone_on_from(job: Job, folder: Path) -> list[str]:
    """Return the results of earlier attempts that lie beyond where this one begins.

    A run that goes back or begins anew must not find them: it would delete its own checkpoints as
    the older ones, and after a crash go on from theirs.
    """
    trainer = registries.trainer(job.trainer)
    saved = trainer.checkpoints(folder)
    if job.resume_from is None:
        drawn = trainer.samples(folder)
        return [item.path for item in saved] + [item.path for item in drawn]
    begins = [item.step for item in saved if item.path == job.resume_from]
    return [item.path for item in saved if begins and item.step > begins[0]]


def _set_aside(folder: Path, result: str, attempt: int) -> None:
    """Move a result below `earlier/`, out of sight of the trainer but not of people."""
    target = folder / "earlier" / f"before-attempt-{attempt}" / result
    target.parent.mkdir(parents=True, exist_ok=True)
    (folder / result).rename(target)


def remove(folder: Path) -> None:
    """Delete a workspace, whatever is in it."""
    readers.forget(folder)
    shutil.rmtree(folder, ignore_errors=True)


# ── log ───────────────────────────────────────────────────────────────────────────────────────────


def log(job: Job, after: int = 0, limit: int = CHUNK_BYTES) -> LogSlice:
    """Return up to `limit` bytes of the log from byte `after` on; a negative `after` counts from
    the end.

    Cut only between characters. Of a job whose workspace is gone, the kept end is all there is.
    """
    try:
        with (of(job) / "log").open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            start = max(0, size + after) if after < 0 else min(after, size)
            file.seek(start)
            data = file.read(limit)
    except FileNotFoundError:
        text = _kept(job)
        size = len(text.encode())
        return LogSlice(text if after <= 0 else "", 0, size, size)
    more_comes = start + len(data) < size or not job.state.is_final
    whole = _whole_characters(data) if more_comes else data
    return LogSlice(whole.decode("utf-8", "replace"), start, start + len(whole), size)


def log_tail(job_id: int, limit: int) -> tuple[str, int]:
    """Return the last `limit` bytes of a job's log as text, and how many bytes came before them."""
    job = db.session.get(Job, job_id)
    if job is None:
        return "", 0
    part = log(job, -limit, limit)
    return part.text.replace("\x00", ""), part.start


def lines_before(job: Job, offset: int) -> int:
    """Return how many lines of the log end before byte `offset`."""
    count = 0
    try:
        with (of(job) / "log").open("rb") as file:
            while offset > 0 and (data := file.read(min(offset, CHUNK_BYTES))):
                count += data.count(b"\n")
                offset -= len(data)
    except FileNotFoundError:
        return 0
    return count


def _kept(job: Job) -> str:
    """Return the ends of the attempts' logs that the database kept."""
    rows = (
        db.session.query(JobLog.text)
        .join(Attempt, Attempt.id == JobLog.attempt_id)
        .filter(Attempt.job_id == job.id)
        .order_by(Attempt.number)
    )
    return "".join(text for (text,) in rows)


def _whole_characters(data: bytes) -> bytes:
    """Drop the beginning of a UTF-8 character at the end of `data`."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte < 0x80:
            return data
        if byte >= 0xC0:
            need = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return data if need <= back else data[:-back]
    return data


# ── progress and curves ───────────────────────────────────────────────────────────────────────────


def reader(job: Job) -> Reader | None:
    """Return the reader of the job's progress, brought up to date; None without its trainer."""
    trainer = registries.trainers().get(job.trainer)
    if trainer is None:
        return None
    folder = of(job)
    found = readers.reader(folder, trainer.sources(job.config, folder))
    found.advance()
    return found


def series(
    job: Job, names: list[str] | None = None, max_points: int = 500
) -> dict[str, list[tuple[float, float]]]:
    """Return curves as (step, value) by metric, thinned to `max_points`; a resumed run's later
    points count."""
    found = reader(job)
    if found is None:
        return {}
    return {
        name: [(float(step), float(value)) for step, value in points]
        for name, points in found.series(names, max_points).items()
    }


# ── files ─────────────────────────────────────────────────────────────────────────────────────────


def artifacts(job: Job) -> list[Artifact]:
    """Return the files of a workspace, by path; the private ones are left out."""
    folder = of(job)
    found: list[Artifact] = []
    for path in _walk(folder):
        relative = path.relative_to(folder)
        if relative.parts[0] in PRIVATE:
            continue
        stat = path.stat()
        found.append(
            Artifact(
                str(relative),
                kind_of(relative),
                stat.st_size,
                datetime.fromtimestamp(stat.st_mtime, UTC),
            )
        )
    return sorted(found, key=lambda item: item.path)


def _walk(folder: Path) -> Iterator[Path]:
    """Give the regular files below `folder`, links left out, at most MOST_FILES."""
    count = 0
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not (Path(parent) / name).is_symlink())
        for name in sorted(files):
            path = Path(parent) / name
            if path.is_file() and not path.is_symlink():
                count += 1
                if count > MOST_FILES:
                    return
                yield path


def kind_of(relative: Path) -> str:
    """Return checkpoint, sample, log, metrics or other for a path in a workspace."""
    if any(part.startswith("checkpoint") for part in relative.parts):
        return "checkpoint"
    if relative.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp", ".gif"):
        return "sample"
    if relative.name == "log" or relative.suffix == ".log":
        return "log"
    return "metrics" if relative.name.endswith(".jsonl") else "other"


def open_artifact(job: Job, path: str) -> Path:
    """Return the absolute path of a file in the workspace. Raises NotFound for anything outside
    or private."""
    folder = of(job).resolve()
    try:
        wanted = (folder / path).resolve()
        inside = wanted.is_relative_to(folder) and wanted != folder and wanted.is_file()
    except OSError:  # a name longer than any file's
        inside = False
    if not inside or wanted.relative_to(folder).parts[0] in PRIVATE:
        raise NotFound(f"job {job.id} has no file {path!r:.200}")
    return wanted


def checkpoint_folder(job: Job, path: str) -> tuple[Path, list[Path]]:
    """Return a checkpoint's folder (or the file itself) and its files. Raises NotFound when it
    is not complete."""
    folder = of(job).resolve()
    trainer = registries.trainers().get(job.trainer)
    complete = {item.path for item in trainer.checkpoints(of(job))} if trainer else set()
    wanted = (folder / path).resolve()
    if path.strip("/") not in complete or not wanted.is_relative_to(folder):
        raise NotFound(f"job {job.id} has no complete checkpoint {path!r}")
    return wanted, [wanted] if wanted.is_file() else list(_walk(wanted))


def usage_bytes(job: Job) -> int:
    """Return how much disk the workspace takes."""
    return sum(path.stat().st_size for path in _walk(of(job)))


def details(job: Job) -> dict[str, Any]:
    """Return where the workspace is and whether it is still there."""
    folder = of(job)
    return {"path": str(folder), "exists": folder.is_dir()}
