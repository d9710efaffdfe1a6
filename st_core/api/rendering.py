"""Turn rows into the models the JSON layer answers with."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ..contracts import Artifact, Capability, Checkpoint, Hardware, Provider
from ..models import Attempt, Config, Job, JobGate, Revision
from ..services import jobs
from ..services.gates import GateResult
from ..services.queue import Entry, entry_fields
from .schemas import job_files as files_out
from .schemas import jobs as out
from .schemas import queue as queue_out
from .schemas.configs import Config as ConfigOut
from .schemas.configs import Revision as RevisionOut
from .schemas.providers import Provider as ProviderOut
from .schemas.submit import HardwareOption

_FIGURES = ("step", "total", "epoch", "eta_seconds", "stage")


def job(
    row: Job, attempt: Attempt | None, *, username: str | None = None, place: int | None = None
) -> dict[str, Any]:
    """Return the fields of a job; `place` is its position in the queue, 0 when it has none."""
    return {
        **jobs.describe(row),
        "username": username or row.former_owner,
        "queue_position": place or None,
        "progress": progress(attempt),
    }


def progress(attempt: Attempt | None) -> dict[str, Any]:
    """Return how far an attempt is."""
    told: Mapping[str, Any] = attempt.progress if attempt else {}
    metrics = {
        name: float(value)
        for name, value in (told.get("metrics") or {}).items()
        if isinstance(value, int | float) and math.isfinite(value)
    }
    step, total = told.get("step"), told.get("total")
    return {
        **{name: told.get(name) for name in _FIGURES},
        "percent": round(100 * min(step, total) / total, 2) if total and step is not None else None,
        "loss": metrics.get("loss"),
        "metrics": metrics,
        "updated_at": attempt.progress_at if attempt else None,
    }


def attempt(row: Attempt) -> out.Attempt:
    """Return one start of a job."""
    return out.Attempt(
        number=row.number,
        outcome=row.outcome,
        message=row.message,
        resume_from=row.resume_from,
        devices=list(row.devices or ()),
        exit_code=row.exit_code,
        signal=row.signal,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        progress=out.JobProgress(**progress(row)),
    )


def gate(row: JobGate | GateResult) -> out.Gate:
    """Return what one gate said."""
    return out.Gate(name=row.name, result=row.result, verdict=row.verdict, text=row.text)


def cancelled(row: Job) -> out.Cancelled:
    """Return what became of a request to cancel."""
    ended = row.state.is_final
    return out.Cancelled(
        job_id=str(row.id),
        status=row.state.value,
        message="It is cancelled." if ended else "It is asked to save a checkpoint and end.",
    )


def artifact(job_id: int, item: Artifact) -> files_out.Artifact:
    """Return a file with the address it is downloaded from."""
    return files_out.Artifact(
        path=item.path,
        kind=item.kind,
        size_bytes=item.size_bytes,
        modified_at=item.modified_at,
        url=f"/api/cloud/jobs/{job_id}/artifacts/{quote(item.path)}",
    )


def checkpoint(job_id: int, item: Checkpoint) -> files_out.CheckpointFolder:
    """Return a checkpoint with the address of its archive."""
    return files_out.CheckpointFolder(
        path=item.path,
        step=item.step,
        size_bytes=item.size_bytes,
        saved_at=item.saved_at,
        url=f"/api/cloud/jobs/{job_id}/checkpoints/{quote(item.path)}",
    )


def changes(found: Sequence[Mapping[str, Any]]) -> list[out.Change]:
    """Return the differences of two configs."""
    return [
        out.Change(
            path=item["key"], kind=item["change"], before=item["before"], after=item["after"]
        )
        for item in found
    ]


def queue_entry(entry: Entry) -> queue_out.Entry:
    """Return one line of the queue."""
    return queue_out.Entry(
        **entry_fields(entry),
        username=entry.user.username if entry.user else entry.job.former_owner,
    )


def config(row: Config, owners: Mapping[int, str]) -> ConfigOut:
    """Return a config without its data; `owners` has the names of people by id."""
    return ConfigOut(
        name=row.name,
        description=row.description,
        trainer=row.trainer,
        owner_id=row.owner_id,
        owner=owners.get(row.owner_id or 0),
        revision=row.revision,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def revision(row: Revision, people: Mapping[int, str]) -> RevisionOut:
    """Return a saved state without its data."""
    return RevisionOut(
        number=row.number,
        digest=row.digest,
        note=row.note,
        author_id=row.author_id,
        author=people.get(row.author_id or 0),
        created_at=row.created_at,
    )


def hardware(provider: str, kind: Hardware) -> HardwareOption:
    """Return a kind of machine; prices per hour and second where one is known."""
    hourly = float(kind.cost_per_hour_usd) if kind.cost_per_hour_usd is not None else None
    return HardwareOption(
        id=kind.id,
        name=kind.name,
        provider=provider,
        count=kind.count,
        cost_per_hour=hourly,
        cost_per_second=hourly / 3600 if hourly is not None else None,
        available=kind.available,
        memory_bytes=kind.memory_bytes,
        devices=list(kind.devices),
    )


def provider(item: Provider) -> ProviderOut:
    """Return a place where jobs run."""
    return ProviderOut(
        id=item.name,
        name=item.name,
        title=item.title,
        capabilities=sorted(Capability(one).value for one in item.capabilities),
        poll_seconds=item.poll_seconds,
        hardware=[hardware(item.name, kind) for kind in item.hardware()],
    )
