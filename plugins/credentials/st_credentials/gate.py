"""The gate: a submission whose provider needs a key that nobody has set is refused, and told where
to set it.
"""

from __future__ import annotations

from st_core.contracts import KeyNeed, Submission
from st_core.db import db
from st_core.errors import SubmissionInvalid
from st_core.models import Job
from st_core.services import key_needs

from . import resolution


def prepare(submission: Submission) -> None:
    """Pass when every required key can be found. Raises SubmissionInvalid naming those missing."""
    needs = key_needs.of(submission.provider, submission.trainer, submission.config)
    required = [need for need in needs if need.is_required]
    if not required:
        return
    owner_id = _owner(submission)
    missing = [need for need in required if resolution.find(owner_id, need) is None]
    if missing:
        raise SubmissionInvalid(
            "; ".join(map(sentence, missing)),
            code="missing_credential",
            fields=[{"path": "provider", "message": sentence(need)} for need in missing],
            details={"set_at": "/profile#credentials"},
        )


def sentence(need: KeyNeed) -> str:
    """Say which key is missing and where it is set."""
    return (
        f"{need.title} is missing: store it as {need.service}/{need.name} under Profile → "
        "Credentials (/profile#credentials), or ask an administrator for a shared one"
    )


def _owner(submission: Submission) -> int:
    """Return whose keys the job will use: a retry stays its owner's, whoever asks for it."""
    again = submission.again_of and db.session.get(Job, submission.again_of)
    return (again.user_id if again else None) or submission.viewer.user_id
