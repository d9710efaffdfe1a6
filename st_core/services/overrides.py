"""Permission overrides: one permission granted to or taken from one person, whatever their levels
say; effective from the next request on."""

from __future__ import annotations

from ..clock import now
from ..contracts import Viewer
from ..db import assert_unit_of_work, retried
from ..errors import NotFound, SetTimeRule
from ..models import PermissionOverride, User
from ..plugins import did_you_mean
from . import authority, events, rights, users


@retried
def put(viewer: Viewer, user_id: int, permission: str, granted: bool) -> None:
    """Command: grant a permission to a user, or deny it; the same once more changes nothing.

    Raises NotFound, SetTimeRule for an unknown permission or the last administrator, NotAllowed
    when the viewer does not hold the permission or the person may more than the viewer.
    """
    _require_known(permission)
    with authority.changes_by(viewer):
        user = users.lock(user_id)
        authority.require_over(viewer, user)
        present = _find(user, permission)
        if granted:
            authority.require_grant(viewer, frozenset({permission}))
        if present is not None and present.granted == granted:
            return
        before = None if present is None else {permission: _word(present.granted)}
        if present is None:
            present = PermissionOverride(user_id=user.id, permission=permission)
            user.overrides.append(present)
        present.granted, present.granted_at = granted, now()
        present.granted_by_id = viewer.user_id
        _tell(user, before, {permission: _word(granted)})


@retried
def drop(viewer: Viewer, user_id: int, permission: str) -> None:
    """Command: let a user's levels alone decide about a permission again.

    Raises NotFound when there is no such override, else as `put` does.
    """
    with authority.changes_by(viewer):
        user = users.lock(user_id)
        authority.require_over(viewer, user)
        present = _find(user, permission)
        if present is None:
            raise NotFound(f"{user.username} has no override of {permission!r}")
        if not present.granted:
            authority.require_grant(viewer, frozenset({permission}))
        user.overrides.remove(present)
        _tell(user, {permission: _word(present.granted)}, None)


def lift_denials(user: User) -> list[str]:
    """Step: take away every override that denies a user something; return what was denied."""
    assert_unit_of_work()
    denials = [each for each in user.overrides if not each.granted]
    for item in denials:
        user.overrides.remove(item)
        _tell(user, {item.permission: _word(False)}, None)
    return [item.permission for item in denials]


def _find(user: User, permission: str) -> PermissionOverride | None:
    return next((item for item in user.overrides if item.permission == permission), None)


def _require_known(permission: str) -> None:
    if permission not in rights.catalogue():
        raise SetTimeRule(
            f"There is no permission {permission!r}.{did_you_mean(permission, rights.catalogue())}",
            code="unknown_permission",
            fields=[{"path": "permission_name", "message": "unknown permission"}],
        )


def _tell(user: User, before: dict[str, str] | None, after: dict[str, str] | None) -> None:
    told = (
        ", ".join(f"{name} {word}" for name, word in (after or {}).items()) or "as the levels say"
    )
    events.emit(
        "user.permission_changed",
        subject=("user", user.id),
        owner_id=user.id,
        before=before,
        after=after,
        message=f"{user.username}: {told or 'an override was removed'}",
    )


def _word(granted: bool) -> str:
    return "granted" if granted else "denied"
