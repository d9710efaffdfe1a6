"""Submission: what the pipeline asks while a job is admitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..contracts import Denial, Submission, Verdict
from .marker import hookspec

if TYPE_CHECKING:
    from ..models import Job


@hookspec
def st_check_access(submission: Submission) -> list[Denial]:
    """Say whether a rule forbids this submission.

    When:   T, reads only; in the submission's unit of work, before the job is inserted.
    Given:  the submission, complete and checked for form.
    Answer: one Denial per rule that forbids it; an empty list lets it pass.
    Rules:  no writes, no network, under 50 ms.
    Used by: command_trainer, simpletuner_trainer.
    """


@hookspec
def st_reserve_limits(job: Job, submission: Submission) -> list[Verdict]:
    """Say whether there is room for `job`, and take it.

    When:   T, inside the submission's unit of work, after the access rules, before approval.
    Given:  `job` already has an id and state NEW; `submission.estimate.usd` may be None (unknown).
    Answer: one Verdict per limit that is reached; an empty list means plenty of room.
    Rules:  write reservations keyed by `job.id`; a BLOCK verdict cancels everything, your rows
            included.
    Used by: local_gpu.
    """
