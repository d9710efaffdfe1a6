"""Submission: what the pipeline asks while a job is admitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..contracts import (
    ApprovalDesk,
    Demand,
    Denial,
    Estimate,
    Policy,
    Submission,
    Verdict,
)
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
    Used by: command_trainer, resource_rules, simpletuner_trainer.
    """


@hookspec
def st_reserve_limits(job: Job, submission: Submission) -> list[Verdict]:
    """Say whether there is room for `job`, and take it.

    When:   T, inside the submission's unit of work, after the access rules, before approval.
    Given:  `job` already has an id and state NEW; `submission.estimate.usd` may be None (unknown).
    Answer: one Verdict per limit that is reached; an empty list means plenty of room.
    Rules:  write reservations keyed by `job.id`; a BLOCK verdict cancels everything, your rows
            included.
    Used by: budgets, local_gpu, quotas.
    """


@hookspec
def st_prepare_submission(submission: Submission) -> Submission | None:
    """Complete a submission, or say what it lacks.

    When:   O, after the trainer and the provider have checked its form, before its price.
    Given:  the submission as the plugins before have left it.
    Answer: a changed copy (`submission.with_`), or None; raises SubmissionInvalid with the fields.
    Rules:  no secret goes into it.
    Used by: credentials.
    """


@hookspec(firstresult=True)
def st_estimate_cost(submission: Submission) -> Estimate | None:
    """Say what the submission will probably cost.

    When:   O, only if the provider itself has no price.
    Given:  the submission, complete.
    Answer: the estimate with its basis, or None for unknown; the first answer counts.
    Rules:  may read the database, no network.
    Used by: budgets.
    """


@hookspec
def st_require_approval(job: Job, submission: Submission) -> list[Demand]:
    """Say whether people must approve this job.

    When:   T, in the submission's unit of work, once its room is reserved.
    Given:  `job` in state NEW; every demand is kept in `job.demands` when it is to wait.
    Answer: one Demand per rule that asks for it; an empty list lets it go on.
    Rules:  no network; the request itself is written in st_job_transition, when the job begins to
            wait.
    Used by: approvals.
    """


@hookspec(firstresult=True)
def st_approval_desk() -> ApprovalDesk | None:
    """Hand over who decides about jobs that wait for approval.

    When:   R, once at start.
    Given:  nothing.
    Answer: the desk; the first answer counts. Without one the queue's own release is used.
    Rules:  no database, no network.
    Used by: approvals.
    """


@hookspec
def st_policies() -> list[Policy]:
    """Hand over what governs submissions, as documents and pure decisions.

    When:   R, once at start.
    Given:  nothing.
    Answer: Policy objects; a name taken twice stops the start.
    Rules:  no database, no network; their decisions are asked through `services.decisions.ask`.
    Used by: approvals, budgets, quotas, resource_rules.
    """
