"""The services of the plugin: look at the GPUs, and note what each running job uses."""

from __future__ import annotations

import logging

from st_core.contracts import Service
from st_core.db import db, unit_of_work
from st_core.services import events, workspaces

from . import slots, usage
from .inventory import SAMPLE_SECONDS, Sample, watch
from .runs import Run

log = logging.getLogger(__name__)

#: GPUs that were lost when this process last looked; None before it looked.
_lost: set[str] | None = None


def look() -> None:
    """Service, in every process: renew the sample that decisions and pages read."""
    watch.look(slots.active_keys())


def note_usage() -> None:
    """Service, in one process: append what each running job uses to its file, and tell of GPUs
    lost.
    """
    jobs = [(job.attempt_key, list(job.devices), workspaces.of(job)) for job in slots.holders()]
    db.session.rollback()
    sample = watch.latest(slots.active_keys)
    for key, devices, workspace in jobs:
        try:
            usage.sample(Run(workspace, key), devices, sample)
        except OSError as error:  # a full disk, or a workspace that is being removed
            log.warning("the usage of %s cannot be noted: %s", key, error)
    _tell_lost(sample)


def _tell_lost(sample: Sample) -> None:
    """Record an event for each GPU that stopped answering, or came back, since the last look."""
    global _lost
    gpus = {gpu.uuid: gpu for gpu in sample.reading.gpus}
    now = {uuid for uuid, gpu in gpus.items() if gpu.is_lost}
    before, _lost = now if _lost is None else _lost, now
    with_names = [
        ("local_gpu.device_lost", "does not answer any more", now - before),
        ("local_gpu.device_back", "answers again", (before - now) & set(gpus)),
    ]
    if not any(changed for _, _, changed in with_names):
        return
    with unit_of_work():
        for name, what, changed in with_names:
            for uuid in sorted(changed):
                text = f"GPU {gpus[uuid].index} ({gpus[uuid].name}) {what}"
                events.emit(name, subject=("device", uuid), message=text)


SERVICES = [
    Service("local_gpu.devices", look, every_seconds=SAMPLE_SECONDS, exclusive=False),
    Service("local_gpu.usage", note_usage, every_seconds=SAMPLE_SECONDS),
]
