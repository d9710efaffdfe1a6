"""Slots: rows that say which job has which device. Taken and given back in the transaction that
moves the job.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete, select

from st_core.contracts import Hold, JobState, Viewer
from st_core.db import assert_unit_of_work, db, unit_of_work
from st_core.errors import Unavailable
from st_core.models import Job
from st_core.services import jobs, settings

from . import disk, remedies
from .allotment import Shortage, Wish, allot
from .devices import Device
from .inventory import devices, slot_count, watch
from .models import Slot

PROVIDER = "local_gpu"


def present() -> list[Device]:
    """Return every device of this machine as last seen, with the settings in force."""
    return devices(
        watch.latest(active_keys),
        settings.value("local_gpu.gpus"),
        settings.value("local_gpu.busy_memory_bytes"),
        slot_count(settings.value("local_gpu.cpu_slots")),
    )


def taken() -> dict[str, int]:
    """Return the devices in use with the ids of their jobs."""
    return {
        device: job_id for device, job_id in db.session.execute(select(Slot.device, Slot.job_id))
    }


def active_keys() -> set[str]:
    """Return the attempt keys of the jobs that have devices now."""
    return {job.attempt_key for job in holders()}


def holders() -> list[Job]:
    """Return the jobs that have devices now."""
    return list(
        db.session.scalars(select(Job).where(Job.id.in_(select(Slot.job_id))).order_by(Job.id))
    )


def of(job: Job) -> list[Slot]:
    """Return the slots a job has now."""
    return list(db.session.scalars(select(Slot).where(Slot.job_id == job.id).order_by(Slot.device)))


def wish_of(job: Job) -> Wish:
    """Return what a job asks for."""
    return Wish.of(job.hardware, job.gpu_count, bool(job.details.get("any_gpu")))


def hold(job: Job, running: int) -> Hold | None:
    """Say why a queued job must wait: no disk, too many run here (`running`), no free device."""
    if job.provider != PROVIDER:
        return None
    if (room := disk.room()).is_over:
        return Hold(room.text, scope="provider")
    most = settings.value("queue.local_job_max_concurrent")
    if running >= most and not job.bypasses_queue:
        ends = remedies.of_places((one.id for one in holders()), running)
        text = f"{running} of {most} jobs run on this machine."
        return Hold(text, scope="provider", remedies=ends)
    given = _allot(job)
    if not isinstance(given, Shortage):
        return None
    frees = remedies.of_devices(wish_of(job), present(), taken(), _most_gpus(job))
    return Hold(given.text, scope=given.scope, free_devices=given.free, remedies=frees)


def _allot(job: Job) -> list[Device] | Shortage:
    return allot(wish_of(job), present(), taken(), _most_gpus(job))


def _most_gpus(job: Job) -> int | None:
    """Return how many GPUs may be in use at the same time as far as `job` is concerned."""
    most: int | None = settings.value("queue.local_gpu_max_concurrent")
    return None if job.bypasses_queue else most


def follow(job: Job, old: JobState, new: JobState) -> None:
    """Step: take devices for a job that starts, give back those of one that ends or waits again."""
    if job.provider != PROVIDER:
        return
    if new is JobState.STARTING:
        take(job)
    elif old.is_active and not new.is_active:
        release(job)


def take(job: Job) -> None:
    """Step: give `job` its devices. Raises Unavailable when none is free; the start is then rolled
    back.
    """
    assert_unit_of_work()
    given = _allot(job)
    if isinstance(given, Shortage):
        raise Unavailable(given.text, code="no_free_device")
    for device in given:
        db.session.add(Slot(device=device.id, kind=device.kind, job_id=job.id))
    job.devices = [device.id for device in given]
    db.session.flush()


def release(job: Job) -> None:
    """Step: give back what `job` had; `job.devices` goes on saying what that was."""
    assert_unit_of_work()
    db.session.execute(delete(Slot).where(Slot.job_id == job.id))


def reconcile() -> None:
    """Command: drop the slots of jobs that ended while the plugin was switched off."""
    with unit_of_work(gate="dispatch"):
        active = select(Job.id).where(Job.state.in_([JobState.STARTING, JobState.RUNNING]))
        db.session.execute(delete(Slot).where(Slot.job_id.not_in(active)))


def visible(viewer: Viewer, job_ids: Iterable[int]) -> set[int]:
    """Return which of these jobs the viewer may see."""
    query = select(Job.id).where(Job.id.in_(list(job_ids)), jobs.visible_to(viewer))
    return set(db.session.scalars(query))
