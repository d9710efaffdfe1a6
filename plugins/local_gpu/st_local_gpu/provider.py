"""The provider `local_gpu`: jobs on this machine's GPUs or CPU slots, each under a shepherd of its
own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from st_core.contracts import Capability, Estimate, Hardware, Order, Problem, Submission, Trainer
from st_core.errors import ProviderError
from st_core.progress.reader import Standing as Told
from st_core.progress.reader_cache import readers
from st_core.progress.readings import Phase, Progress
from st_core.services import settings, trainers

from . import environment, launching, pricing, slots, usage
from .allotment import Wish, impossible
from .devices import CPU
from .ending import Ending, judge, tail_of
from .inventory import kinds
from .processes import Stage, Standing, standing
from .runs import Run
from .shepherd import records


class LocalGpu:
    """Runs trainers on this machine. Linux only: it relies on /proc, flock and subreapers."""

    name = slots.PROVIDER
    title = "This machine"
    capabilities = frozenset(
        {Capability.CHECKPOINT, Capability.RESUME, Capability.LOCAL_FILES, Capability.COSTS}
    )
    poll_seconds = 1.0
    timeout_seconds = 30.0

    def hardware(self) -> Sequence[Hardware]:
        """Return one entry per kind of device."""
        rate = pricing.rate_usd() or None
        return [
            Hardware(
                id=kind,
                name=group[0].name,
                count=len(group),
                cost_per_hour_usd=rate,
                available=any(not device.trouble for device in group),
                memory_bytes=next((d.memory_bytes for d in group if d.memory_bytes), None),
                devices=tuple(device.id for device in group),
            )
            for kind, group in kinds(slots.present()).items()
        ]

    def validate(self, submission: Submission) -> Sequence[Problem]:
        """Return what can never be met here: hardware this machine does not have, or no Linux."""
        if sys.platform != "linux":
            return [
                Problem(
                    "provider", f"jobs run on this machine only under Linux, not {sys.platform}"
                )
            ]
        wish = Wish.of(submission.hardware, submission.gpu_count, submission.any_gpu)
        if wish.kind == CPU and submission.gpu_count:
            text = (
                f"this job wants {submission.gpu_count} GPU, and {submission.hardware} has none; "
                "name another kind of hardware, or set gpu_count to 0"
            )
            return [Problem("gpu_count", text)]
        why = impossible(wish, slots.present())
        return [Problem("hardware" if submission.hardware else "gpu_count", why)] if why else []

    def estimate(self, submission: Submission) -> Estimate | None:
        """Return cost and duration from the hourly rate and earlier runs of the config."""
        return pricing.estimate(submission)

    def start(self, order: Order, env: Mapping[str, str]) -> dict[str, Any]:
        """Start the attempt under a shepherd; `env` reaches it through a pipe and is written
        nowhere.

        Raises ProviderError when nothing was started and nothing will be.
        """
        run = Run(order.workspace, order.key)
        whole = environment.build(
            os.environ,
            settings.value("local_gpu.pass_environment"),
            order,
            str(run.folder / "control"),
            env,
        )
        prefix = tuple(settings.value("local_gpu.launch_prefix"))
        return launching.start(order, whole, prefix, settings.value("local_gpu.nice"))

    def poll(self, state: dict[str, Any]) -> Progress:
        """Return how the attempt stands, from the run's records and the trainer's own files."""
        launching.reap()
        run = Run.from_state(state)
        now = standing(run)
        launch = run.launch()
        trainer = _trainer(launch)
        told = _told(run, launch, trainer)
        if now.stage is not Stage.ENDED:
            return _running(now, run, launch, told)
        return _ended(now, run, launch, told, _evidence(trainer, launch, run, now.record))

    def stop(self, state: dict[str, Any]) -> None:
        """Leave a request to save and end; the shepherd sees it in a tenth of a second."""
        Run.from_state(state).request(records.STOP)

    def checkpoint(self, state: dict[str, Any]) -> None:
        """Leave a request to save. Raises ProviderError when the trainer has no way to be asked."""
        run = Run.from_state(state)
        if not run.launch().get("checkpoint"):
            raise ProviderError("this trainer cannot save a checkpoint on request")
        run.request(records.CHECKPOINT)

    def find(self, key: str, workspace: Path) -> dict[str, Any] | None:
        """Return the state of an attempt started under `key`; None makes sure that it never will
        be.
        """
        return launching.find(key, workspace)


def _trainer(launch: Mapping[str, Any]) -> Trainer | None:
    """Return the trainer of a run, None when its plugin has been switched off meanwhile."""
    return trainers.all_().get(launch.get("trainer", ""))


def _told(run: Run, launch: Mapping[str, Any], trainer: Trainer | None) -> Told:
    if trainer is None:
        return Told()
    reader = readers.reader(run.workspace, trainer.sources(launch["config"], run.workspace))
    reader.advance()
    return reader.latest


def _evidence(
    trainer: Trainer | None, launch: Mapping[str, Any], run: Run, record: Mapping[str, Any]
) -> tuple[bool, str]:
    """Return the trainer's word on completion; without the trainer only the exit code is left."""
    code = record["returncode"]
    if trainer is None:
        return code == 0, "" if code == 0 else f"The trainer exited with code {code}."
    return trainer.outcome(launch["config"], run.workspace, code)


def _running(now: Standing, run: Run, launch: Mapping[str, Any], told: Told) -> Progress:
    return Progress(
        phase=Phase.RUNNING if now.stage is Stage.RUNNING else Phase.STARTING,
        started_at=run.processes().get("started_at"),
        usage=usage.lately(run),
        **_figures(told),
    )


def _ended(
    now: Standing, run: Run, launch: Mapping[str, Any], told: Told, evidence: tuple[bool, str]
) -> Progress:
    record = now.record
    tail = tail_of(run.workspace / "log", run.processes().get("log_offset", 0))
    ending: Ending = judge(record, launch, evidence, tail, told.step)
    return Progress(
        phase=ending.phase,
        message=ending.message,
        resumable=ending.resumable,
        exit_code=record["returncode"],
        signal=record["signal"],
        started_at=record.get("started_at"),
        ended_at=record["ended_at"],
        cost_usd=pricing.spent_usd(record, launch.get("devices", ())),
        usage=usage.lately(run),
        **_figures(told, ended=True),
    )


def _figures(told: Told, ended: bool = False) -> dict[str, Any]:
    return {
        "step": told.step,
        "total": told.total,
        "epoch": told.epoch,
        "eta_seconds": None if ended else told.eta_seconds,
        "stage": None if ended else told.stage,
        "metrics": dict(told.metrics),
    }
