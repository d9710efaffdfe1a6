"""What is known about one job beside its own row: its attempts, the gates it passed, the runs
around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from ..contracts import Viewer
from ..db import db
from ..models import Attempt, Config, Job, JobGate, JobState, Org, Revision, Team, User
from .jobs import visible_to


@dataclass(frozen=True)
class Origin:
    """Where a job comes from: who submitted it, and the saved config and revision, None when it
    brought its own."""

    user: User | None
    config: Config | None
    revision: int | None


def attempts(job: Job) -> list[Attempt]:
    """Return every start of a job, oldest first."""
    return list(
        db.session.scalars(select(Attempt).where(Attempt.job_id == job.id).order_by(Attempt.number))
    )


def current_attempts(found: Sequence[Job]) -> dict[int, Attempt]:
    """Return the newest attempt of each of these jobs by job number, by one statement."""
    wanted = {job.id: job.attempt for job in found if job.attempt}
    if not wanted:
        return {}
    rows = db.session.scalars(select(Attempt).where(Attempt.job_id.in_(wanted)))
    return {row.job_id: row for row in rows if row.number == wanted[row.job_id]}


def gates(job: Job) -> list[JobGate]:
    """Return what the gates said when the job was admitted, in their order."""
    return list(
        db.session.scalars(
            select(JobGate).where(JobGate.job_id == job.id).order_by(JobGate.position)
        )
    )


def origin(job: Job) -> Origin:
    """Return who submitted a job and from which revision of which config."""
    row = db.session.execute(
        select(User, Config, Revision.number)
        .select_from(Job)
        .outerjoin(User, User.id == Job.user_id)
        .outerjoin(Revision, Revision.id == Job.revision_id)
        .outerjoin(Config, Config.id == Revision.config_id)
        .where(Job.id == job.id)
    ).one()
    return Origin(*row)


def place(job: Job) -> tuple[str, str]:
    """Return what the organisation and the team of a job are called, empty where there is none."""
    if job.org_id is None:
        return "", ""
    query = (
        select(Org.name, Team.name)
        .select_from(Org)
        .outerjoin(Team, Team.id == job.team_id)
        .where(Org.id == job.org_id)
    )
    found = db.session.execute(query).one_or_none()
    return (found[0], found[1] or "") if found else ("", "")


def neighbours(viewer: Viewer, job: Job) -> tuple[int | None, int | None]:
    """Return the numbers of the jobs before and after `job` that the viewer may see."""
    before = select(func.max(Job.id)).where(Job.id < job.id, visible_to(viewer)).scalar_subquery()
    after = select(func.min(Job.id)).where(Job.id > job.id, visible_to(viewer)).scalar_subquery()
    row = db.session.execute(select(before, after)).one()
    return row[0], row[1]


def previous_run(viewer: Viewer, job: Job) -> Job | None:
    """Return the last completed job of the same config before `job`, else the last one of any
    end, else None."""
    earlier = (
        select(Job)
        .where(Job.config_name == job.config_name, Job.id < job.id, visible_to(viewer))
        .order_by(Job.id.desc())
        .limit(1)
    )
    return db.session.scalar(earlier.where(Job.state == JobState.COMPLETED)) or db.session.scalar(
        earlier
    )
