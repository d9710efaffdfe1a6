"""Room on the disk that holds the state folder: every workspace, checkpoint and log lies there."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from flask import current_app

from st_core.contracts import Action, HealthResult, Verdict
from st_core.services import settings


@dataclass(frozen=True)
class Room:
    """Free space below the state folder, and the two limits in force."""

    free_bytes: int
    warn_bytes: int
    block_bytes: int

    @property
    def is_short(self) -> bool:
        """Tell whether it is time to warn."""
        return self.free_bytes < self.warn_bytes

    @property
    def is_over(self) -> bool:
        """Tell whether nothing new may start."""
        return self.free_bytes < self.block_bytes

    @property
    def text(self) -> str:
        """Return the sentence people read."""
        limit = self.block_bytes if self.is_over else self.warn_bytes
        return f"The state folder's disk has {_gb(self.free_bytes)} free, less than {_gb(limit)}."


def room() -> Room:
    """Look at the disk now."""
    free = shutil.disk_usage(current_app.extensions["st"].state_dir).free
    return Room(
        free,
        settings.value("local_gpu.disk_warn_bytes"),
        settings.value("local_gpu.disk_block_bytes"),
    )


def verdicts() -> list[Verdict]:
    """Refuse a submission when the disk is nearly full, warn when it is getting there."""
    now = room()
    if not (now.is_short or now.is_over):
        return []
    action = Action.BLOCK if now.is_over else Action.WARN
    ceiling = now.block_bytes if now.is_over else now.warn_bytes
    text = f"{now.text} Delete jobs or checkpoints that nobody needs."
    return [Verdict("local_gpu.disk", action, now.free_bytes, ceiling, "bytes", text)]


def health() -> HealthResult:
    """Say whether there is room for checkpoints."""
    now = room()
    if now.is_over:
        return HealthResult("unhealthy", f"{now.text} No job is admitted until space is freed.")
    if now.is_short:
        return HealthResult("degraded", f"{now.text} Delete jobs or checkpoints that nobody needs.")
    return HealthResult("healthy")


def _gb(size_bytes: int) -> str:
    return f"{size_bytes / 10**9:,.1f} GB"
