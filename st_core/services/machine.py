"""This machine: how loaded it is, how much room its disk has, which devices it has and which job
has them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import psutil
from flask import current_app
from sqlalchemy import func, select

from ..clock import now
from ..contracts import Capability, Hardware, Viewer
from ..db import db
from ..models import Job, JobState
from ..models.jobs import IS_ACTIVE
from ..models.states import ACTIVE
from . import health, overview, registries, settings
from .jobs import visible_to


def status(viewer: Viewer) -> dict[str, Any]:
    """Return the figures of the machine and the server, GPUs by kind and what each job holds."""
    memory = psutil.virtual_memory()
    state_dir = current_app.extensions["st"].state_dir
    disk = shutil.disk_usage(state_dir)
    counts = overview.counts(viewer)
    return {
        "timestamp": now(),
        "uptime_seconds": round(health.uptime_seconds(), 3),
        "load_avg_5min": os.getloadavg()[1] if hasattr(os, "getloadavg") else None,
        "memory_percent": memory.percent,
        "memory_total_bytes": memory.total,
        "cpu_count": os.cpu_count() or 1,
        "disk_total_bytes": disk.total,
        "disk_free_bytes": disk.free,
        "disk_percent": round(100 * disk.used / disk.total, 1) if disk.total else 0.0,
        "state_dir": str(state_dir) if viewer.may("admin.config") else None,
        "database": db.engine.dialect.name,
        "jobs_active": counts.active,
        "jobs_queued": counts.queued,
        "hardware": [(provider, kind) for provider, kind in local_hardware()],
    }


def local_hardware() -> Iterator[tuple[str, Hardware]]:
    """Yield (provider, kind) for everything that jobs can be given on this machine."""
    for provider in registries.providers().values():
        if Capability.LOCAL_FILES in provider.capabilities:
            for kind in provider.hardware():
                yield provider.name, kind


def allocation(viewer: Viewer) -> list[dict[str, Any]]:
    """Return which device which job has; a job the viewer may not see has no number."""
    shown = set(db.session.scalars(select(Job.id).where(IS_ACTIVE, visible_to(viewer))))
    rows = db.session.execute(select(Job.id, Job.devices).where(IS_ACTIVE))
    return [
        {"device": device, "job_id": str(job_id) if job_id in shown else None}
        for job_id, devices in rows
        for device in devices or ()
    ]


def local_stats() -> dict[str, Any]:
    """Return how many jobs run and wait here, and which GPUs are taken and free."""
    here = {name for name, _ in local_hardware()}
    gpus = [kind for _, kind in local_hardware() if kind.memory_bytes]
    counted = db.session.execute(
        select(Job.state, func.count())
        .where(Job.provider.in_(here), Job.state.in_((JobState.QUEUED, *ACTIVE)))
        .group_by(Job.state)
    )
    by_state: dict[JobState, int] = {state: count for state, count in counted}
    known = [device for kind in gpus for device in kind.devices]
    held = db.session.scalars(select(Job.devices).where(Job.provider.in_(here), IS_ACTIVE))
    taken = {device for devices in held for device in devices or ()}
    return {
        "running_jobs": sum(by_state.get(state, 0) for state in ACTIVE),
        "pending_jobs": by_state.get(JobState.QUEUED, 0),
        "allocated_gpus": [device for device in known if device in taken],
        "available_gpus": [device for device in known if device not in taken],
        "total_gpus": sum(kind.count for kind in gpus),
        "max_concurrent_gpus": settings.value("queue.local_gpu_max_concurrent"),
        "max_concurrent_jobs": settings.value("queue.local_job_max_concurrent"),
    }
