"""The objects of which exactly one must answer: where a job runs, what runs, what carries work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel

from ..progress.readings import Progress, Source
from .running import Artifact, Capability, Hardware, KeyCheck, KeyNeed, Launch, Order
from .submissions import Checkpoint, Estimate, Problem, Submission
from .viewers import Viewer


@runtime_checkable
class Provider(Protocol):
    """Where a job runs. Every method is called outside a unit of work and ends within
    `timeout_seconds`.

    The dict that `start` returns is opaque to the core, survives a JSON round trip and is handed to
    every later call; all a provider must remember goes into it.
    """

    name: str
    title: str
    capabilities: frozenset[Capability]
    poll_seconds: float
    timeout_seconds: float

    def hardware(self) -> Sequence[Hardware]:
        """Return what can be asked for; quick, from memory."""

    def validate(self, submission: Submission) -> Sequence[Problem]:
        """Return what makes this submission impossible here; empty when nothing does."""

    def estimate(self, submission: Submission) -> Estimate | None:
        """Return the expected cost, or None when this provider has no price."""

    def start(self, order: Order, env: Mapping[str, str]) -> dict[str, Any]:
        """Start the attempt and return its state. `env` holds secrets: never store or log it.

        Raises ProviderError when nothing was started; any other exception leaves it to `find`.
        """

    def poll(self, state: dict[str, Any]) -> Progress:
        """Return how far the attempt is; once its phase is final it stays so."""

    def stop(self, state: dict[str, Any]) -> None:
        """Ask the attempt to save and end; returns at once, `poll` reports the end. Idempotent."""

    def checkpoint(self, state: dict[str, Any]) -> None:
        """Ask for a checkpoint now; only with Capability.CHECKPOINT."""

    def find(self, key: str, workspace: Path) -> dict[str, Any] | None:
        """Return the state of an attempt started under `key`, or None when there is and will be
        none."""


@runtime_checkable
class Keyed(Protocol):
    """What a provider has besides when each call about an attempt needs somebody's key."""

    key_needs: Sequence[KeyNeed]

    def check_key(self, name: str, value: str) -> KeyCheck:
        """Ask the service whether it accepts this key; within the provider's `timeout_seconds`."""

    def with_keys(self, env: Mapping[str, str]) -> Provider:
        """Return this provider speaking with the keys in `env`, for the calls about one attempt.

        Its calls raise KeyRefused when the service does not accept the key."""


@runtime_checkable
class Trainer(Protocol):
    """What runs. Pure: it starts nothing, opens no connection, and reads only inside the
    workspace."""

    name: str
    title: str
    schema: type[BaseModel] | None

    def validate(self, config: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
        """Return the config with defaults filled in, and every problem at its field."""

    def length(self, config: Mapping[str, Any]) -> int | None:
        """Return how many steps this config trains, or None when only the run will tell."""

    def launch(self, config: Mapping[str, Any], workspace: Path) -> Launch:
        """Return how to start this config in `workspace` from the beginning."""

    def resume(self, config: Mapping[str, Any], workspace: Path, checkpoint: str) -> Launch:
        """Return how to go on from `checkpoint` (relative to the workspace, or absolute for
        another job's)."""

    def sources(self, config: Mapping[str, Any], workspace: Path) -> Sequence[Source]:
        """Return the files that tell progress and metrics, the most trusted first."""

    def checkpoints(self, workspace: Path) -> Sequence[Checkpoint]:
        """Return the complete checkpoints, oldest first; partial ones are left out."""

    def samples(self, workspace: Path) -> Sequence[Artifact]:
        """Return the sample pictures, oldest first."""

    def outcome(
        self, config: Mapping[str, Any], workspace: Path, exit_code: int | None
    ) -> tuple[bool, str]:
        """Tell from the trainer's own evidence whether it completed, and say in one sentence why
        not."""


@runtime_checkable
class KeyedTrainer(Protocol):
    """What a trainer has besides when its jobs can use somebody's key."""

    def keys_for(self, config: Mapping[str, Any]) -> Sequence[KeyNeed]:
        """Return the keys that a job with this config needs or may use."""


class ProviderOptions(Protocol):
    """Fields of a provider's config that belong to a plugin, beside the provider's own settings."""

    names: tuple[str, ...]

    def read(self, provider: str) -> dict[str, Any]:
        """Return the fields and their values that are in force."""

    def check(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Pass when `values` can be set. Raises SetTimeRule naming the field."""

    def change(self, provider: str, values: Mapping[str, Any]) -> None:
        """Command: set the fields that are given. Raises SetTimeRule as `check` does."""


class ApprovalDesk(Protocol):
    """Decides about jobs that wait for approval, whichever door the decision came through."""

    def grant(self, viewer: Viewer, job_id: int, note: str = "") -> None:
        """Command: the viewer says yes. Raises NotAllowed, Conflict when it is decided already."""

    def refuse(self, viewer: Viewer, job_id: int, reason: str) -> None:
        """Command: the viewer says no; the job is cancelled. Raises as `grant` does."""

    def request_of(self, job_id: int) -> int | None:
        """Return the number of the open request of a job, None when none is open."""

    def missing(self, job_id: int) -> str | None:
        """Return in words who must still say yes to a job, None without an open request."""


class TaskRunner(Protocol):
    """Carries services: threads in this process, or workers elsewhere."""

    def wake(self, name: str) -> None:
        """Hint that the service `name` has work."""

    def close(self) -> None:
        """Stop everything and return when it has stopped."""
