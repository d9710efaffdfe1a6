"""`/api/local-gpu/…`: the devices of this machine, and what a job uses of them."""

from __future__ import annotations

from flask import Blueprint
from pydantic import BaseModel, Field

from st_core.api.guard import current_viewer
from st_core.api.routing import route
from st_core.services import jobs, workspaces

from . import gpus, slots, usage
from .devices import Device
from .inventory import watch
from .runs import Run

blueprint = Blueprint("local_gpu", __name__)


class GpuFigures(BaseModel):
    """Live figures of one GPU; null where the driver does not say."""

    index: int
    utilization_percent: float | None = None
    memory_used_bytes: int | None = None
    memory_total_bytes: int | None = None
    temperature_celsius: float | None = None
    power_watts: float | None = None


class UsageSample(BaseModel):
    """What all processes of a job used at one moment."""

    at: float = Field(description="Seconds since the epoch.")
    processes: int
    cpu_percent: float | None = Field(None, description="100 is one core.")
    memory_bytes: int
    gpus: list[GpuFigures]


class Usage(BaseModel):
    """The samples of a job's newest attempt, oldest first; older ones lie further apart."""

    job_id: str
    attempt: int
    samples: list[UsageSample]


class Gpu(GpuFigures):
    """A GPU of this machine, or a part of one in MIG mode."""

    uuid: str
    name: str
    is_lost: bool
    busy_with_others: bool = Field(description="Processes that are not ours use it.")
    slowdowns: list[str] = Field(description="What keeps its clocks down now.")


class Slot(BaseModel):
    """A device that one job at a time may have."""

    device: str
    kind: str
    label: str
    in_use: bool
    job_id: str | None = Field(None, description="The job that has it, if you may see it.")
    trouble: str = Field("", description="Why it is not given out; empty when it is.")


class Devices(BaseModel):
    """The GPUs of this machine and its slots, as last looked at (every 5 seconds)."""

    driver: str | None
    problem: str | None
    gpus: list[Gpu]
    slots: list[Slot]


@route(
    blueprint,
    "/api/local-gpu/devices",
    permission="queue.view",
    summary="The GPUs and slots of this machine",
    answers={200: Devices},
)
def devices() -> Devices:
    """Answer from memory; no GPU is asked."""
    sample, taken = watch.latest(slots.active_keys), slots.taken()
    seen = slots.visible(current_viewer(), taken.values())
    return Devices(
        driver=sample.reading.driver,
        problem=sample.reading.problem,
        gpus=[_gpu(gpu, bool(sample.foreign.get(gpu.uuid))) for gpu in sample.reading.gpus],
        slots=[_slot(device, taken.get(device.id), seen) for device in slots.present()],
    )


def _gpu(gpu: gpus.Gpu, busy: bool) -> Gpu:
    return Gpu(
        index=gpu.index,
        uuid=gpu.uuid,
        name=gpu.name,
        is_lost=gpu.is_lost,
        busy_with_others=busy,
        slowdowns=list(gpu.slowdowns),
        **gpu.figures,
    )


def _slot(device: Device, job_id: int | None, seen: set[int]) -> Slot:
    return Slot(
        device=device.id,
        kind=device.kind,
        label=device.label,
        in_use=job_id is not None,
        job_id=str(job_id) if job_id in seen else None,
        trouble=device.trouble,
    )


@route(
    blueprint,
    "/api/local-gpu/jobs/<job_id>/usage",
    permission=("job.view.own", "job.view.all"),
    summary="What a job uses of this machine, over time",
    answers={200: Usage},
    errors=(404,),
)
def job_usage(job_id: str) -> Usage:
    """Answer with what was noted in the workspace; empty for a job that ran elsewhere."""
    job = jobs.get(current_viewer(), job_id)
    lines = usage.series(Run(workspaces.of(job), job.attempt_key))
    samples = [UsageSample.model_validate(line) for line in lines]
    return Usage(job_id=str(job.id), attempt=job.attempt, samples=samples)
