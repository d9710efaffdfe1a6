"""Voices: who may decide a request, and how much their word weighs.

A *voice* is one person's say, their own or that of somebody who delegated theirs. Its *weight* is
the priority of the person's highest level; whoever was granted `admin.approve` by name weighs at
least as much as a lead.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from st_core.contracts import Viewer
from st_core.db import db
from st_core.errors import NotAllowed
from st_core.models import PermissionOverride, User
from st_core.services import levels, permissions, settings, users, visibility
from st_core.services.visibility import Reach

from . import delegations, persons
from .models import ApprovalsRequest, ApprovalsVote
from .settings import SELF_APPROVAL

RIGHT = "admin.approve"
#: Holding one of these is enough to decide; the second is what the queue's own page asks for.
RIGHTS = (RIGHT, "queue.approve")
ADMIN_WEIGHT = 10**9
#: What a level counts that was deleted.
ADMIN_LEVEL = 100


@dataclass(frozen=True)
class Voice:
    """Whose word it is: `person` speaks, for themselves or on behalf of another."""

    person: Viewer
    weight: int
    on_behalf_of: Viewer | None = None

    @property
    def owner(self) -> Viewer:
        """Return whose voice it is."""
        return self.on_behalf_of or self.person

    @property
    def ids(self) -> list[int]:
        """Return the numbers of everybody this word comes from."""
        return [self.person.user_id, self.owner.user_id]


def require_any(viewer: Viewer) -> None:
    """Pass when the viewer decides requests at all. Raises NotAllowed."""
    if not any(map(viewer.may, RIGHTS)) and not delegations.delegators(viewer.user_id):
        permissions.require(viewer, RIGHT)


def reaches(viewer: Viewer) -> list[Reach]:
    """Return whose requests the viewer decides about; with organisations it ends at the own one."""
    found = [_reach(viewer)] if any(map(viewer.may, RIGHTS)) else []
    return found + [_reach(voice.owner) for voice in _delegated(viewer)]


def choose(viewer: Viewer, request: ApprovalsRequest, on_behalf_of: int | None = None) -> Voice:
    """Step: return the voice with which the viewer decides, their own before others'.

    Raises NotAllowed saying what the nearest one lacks.
    """
    if viewer.via == "network":
        raise NotAllowed(
            "An address decides nothing: sign in with your own account.",
            code="nobody_in_particular",
        )
    require_other(viewer.user_id, request)
    lacks: NotAllowed | None = None
    for voice in _voices(viewer, on_behalf_of):
        try:
            _require_enough(voice, request)
        except NotAllowed as error:
            lacks = lacks or error
        else:
            return voice
    raise lacks or _no_voice(viewer, on_behalf_of)


def _no_voice(viewer: Viewer, on_behalf_of: int | None) -> NotAllowed:
    """Return why somebody has no voice at all. Raises NotAllowed when a permission is missing."""
    if on_behalf_of is not None:
        return NotAllowed(
            f"User {on_behalf_of} does not let you decide in their place.", code="not_delegated"
        )
    permissions.require(viewer, RIGHT)
    return NotAllowed(
        "Approving is for people: this account is a program's, or it may no longer.",
        code="not_a_person",
    )


def require_other(user_id: int, request: ApprovalsRequest) -> None:
    """Pass when somebody is another person than who asks. Raises NotAllowed."""
    if is_own_job(user_id, request):
        raise NotAllowed(
            f"Nobody decides about their own job, and request {request.id} is of an account of "
            "yours. Ask another approver; a server with one administrator can set "
            f"{SELF_APPROVAL}.",
            code="own_job",
        )


def is_own_job(user_id: int, request: ApprovalsRequest) -> bool:
    """Tell whether somebody may not decide because the job is their own, by any account."""
    if settings.value(SELF_APPROVAL) or request.user_id is None:
        return False
    return user_id in persons.selves([request.user_id])


def still_counts(vote: ApprovalsVote, request: ApprovalsRequest) -> bool:
    """Tell whether who voted could vote just so now."""
    speaker = _viewer(vote.user_id)
    owner = speaker if vote.on_behalf_of is None else _viewer(vote.on_behalf_of)
    if speaker is None or owner is None:
        return False
    return any(map(owner.may, RIGHTS)) and weight(owner) >= needed(request)


def needed(request: ApprovalsRequest) -> int:
    """Return the weight that a request needs; a level that is gone counts as admin."""
    return levels.priorities().get(request.approver_level, ADMIN_LEVEL)


def weight(viewer: Viewer) -> int:
    """Return how much a person's word weighs."""
    if viewer.may("*"):
        return ADMIN_WEIGHT
    granted = select(PermissionOverride.granted).where(
        PermissionOverride.user_id == viewer.user_id,
        PermissionOverride.permission == RIGHT,
        PermissionOverride.granted,
    )
    if viewer.may(RIGHT) and db.session.scalar(granted):
        return max(viewer.priority, levels.priorities().get("lead", 30))
    return viewer.priority


def _voices(viewer: Viewer, on_behalf_of: int | None) -> list[Voice]:
    """Return the voices that the viewer has now; rights are looked at anew."""
    present = _viewer(viewer.user_id)
    if present is None:
        return []
    own = []
    if any(viewer.may(right) and present.may(right) for right in RIGHTS):
        own.append(Voice(viewer, min(weight(present), _most(viewer))))
    found = own + _delegated(viewer)
    if on_behalf_of is None:
        return found
    return [voice for voice in found if voice.owner.user_id == on_behalf_of]


def _most(viewer: Viewer) -> int:
    """Return the most that this credential can weigh: a key without `*` is no administrator's."""
    return ADMIN_WEIGHT if viewer.may("*") else weight(viewer)


def _delegated(viewer: Viewer) -> list[Voice]:
    """Return the voices that others have delegated to the viewer."""
    found = []
    for user_id in delegations.delegators(viewer.user_id):
        owner = _viewer(user_id)
        if owner is not None and owner.may(RIGHT):
            found.append(Voice(viewer, weight(owner), owner))
    return found


def _require_enough(voice: Voice, request: ApprovalsRequest) -> None:
    """Pass when a voice reaches and weighs enough. Raises NotAllowed."""
    if not _reach(voice.owner).covers(None, request.team_id, request.org_id):
        raise NotAllowed(
            f"Request {request.id} belongs to another organisation.", code="other_organisation"
        )
    if voice.on_behalf_of is not None:
        require_other(voice.owner.user_id, request)
    if voice.weight < needed(request):
        raise NotAllowed(
            f"Request {request.id} needs level {request.approver_level}; your highest is below "
            "that. Ask somebody of that level.",
            code="approver_level_too_low",
            details={"required_approver_level": request.approver_level},
        )


def _reach(viewer: Viewer) -> Reach:
    """Return where a person's right to approve ends."""
    if visibility.is_everywhere(viewer):
        return Reach(everything=True)
    return Reach(orgs=viewer.org_ids or (None,))


def _viewer(user_id: int) -> Viewer | None:
    """Return a person with all they may now; None for one who is gone, inactive or no person."""
    user = db.session.get(User, user_id)
    if user is None or not user.is_active or user.is_service:
        return None
    return users.viewer_of(user, "service")
