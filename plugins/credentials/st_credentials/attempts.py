"""What an attempt is given, and what its start proves about a new value.

A new value is tried by the next attempt that starts: once the attempt runs, the value is proven;
if the provider refuses the key, it is rolled back and the old value serves the next attempt.
"""

from __future__ import annotations

from st_core.clock import now
from st_core.contracts import JobState, KeyNeed
from st_core.db import db, retried, unit_of_work
from st_core.errors import KeyRefused
from st_core.models import Job, ProviderCredential
from st_core.models.credentials import StoredKey
from st_core.services import credential_values, events, jobs, key_needs

from . import gate, resolution
from .models import CredentialsShared, CredentialsUse
from .resolution import Found

KINDS: dict[str, type[StoredKey]] = {"user": ProviderCredential, "shared": CredentialsShared}


def environment(job: Job) -> dict[str, str]:
    """Return the variables with the keys of a job's submitter; the first call for an attempt is
    recorded as a use. Raises KeyRefused when a required key is gone, SecretLost."""
    given = {}
    for need in key_needs.of(job.provider, job.trainer, job.config):
        found = resolution.find(job.user_id or 0, need)
        if found is not None:
            given[need.variable] = _value(job, need, found)
        elif need.is_required:
            raise KeyRefused(gate.sentence(need))
    return given


def _value(job: Job, need: KeyNeed, found: Found) -> str:
    row = found.row
    use = db.session.get(CredentialsUse, (job.id, job.attempt, need.variable))
    if use is None:
        is_trial = bool(row is not None and row.new_sealed)
    else:  # asked about a run: with the value it was started with, as long as that is in force
        is_trial = bool(row is not None and use.is_trial and row.new_fingerprint == use.fingerprint)
    value = found.text if row is None else credential_values.opened(row, new=is_trial)
    if use is None:
        mark = resolution.fingerprint(found)
        if row is not None and is_trial:
            mark = row.new_fingerprint
        use = CredentialsUse(
            job_id=job.id,
            attempt=job.attempt,
            variable=need.variable,
            source=found.source,
            key_id=row.id if row else None,
            fingerprint=mark,
            is_trial=is_trial,
        )
        _record(use, need, job.user_id)
    return value


@retried
def _record(use: CredentialsUse, need: KeyNeed, owner_id: int | None) -> None:
    """Command: note that an attempt is given a key."""
    place = (use.job_id, use.attempt, use.variable)
    with unit_of_work():
        if db.session.get(CredentialsUse, place) is not None:
            return
        db.session.add(use)
        if use.source in KINDS:
            row = db.session.get(KINDS[use.source], use.key_id)
            if row is not None:
                row.last_used_at = now()
        events.emit(
            "credential.used",
            subject=("job", use.job_id),
            owner_id=owner_id,
            data={
                "provider": need.service,
                "credential_name": need.name,
                "source": use.source,
                "fingerprint": use.fingerprint,
                "attempt": use.attempt,
                "is_trial": use.is_trial,
            },
            message=f"{need.service}/{need.name} ({use.source}) was given to job {use.job_id}, "
            f"attempt {use.attempt}",
        )


def settle(job: Job, old: JobState, new: JobState) -> None:
    """Step: a start that was made proves a new value; one that was refused for the key ends it."""
    if old is not JobState.STARTING or not key_needs.of(job.provider, job.trainer, job.config):
        return
    trials = db.session.scalars(
        db.select(CredentialsUse).filter_by(job_id=job.id, attempt=job.attempt, is_trial=True)
    )
    for use in trials:
        row = db.session.get(
            KINDS[use.source], use.key_id, populate_existing=True, with_for_update=True
        )
        if row is None or row.new_fingerprint is None or row.new_fingerprint != use.fingerprint:
            continue  # settled by another attempt, or replaced meanwhile
        if new is JobState.RUNNING:
            credential_values.prove(row)
        elif _was_refused(job):
            credential_values.roll_back(row, f"refused when job {job.id} was started")


def _was_refused(job: Job) -> bool:
    attempt = jobs.current_attempt(job)
    return attempt is not None and attempt.outcome == KeyRefused.code
