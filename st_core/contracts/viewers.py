"""Who is calling, with what they may."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Viewer:
    """Whoever looks or acts, with what they may. Frozen: services and pages never hold the ORM
    user.

    `permissions` already is the intersection of the person's own and the token's scopes. `via` is
    one of session, api_key, local, network, service, cli. `everywhere` tells that rights to all of
    something do not end at the own organisation: the person is an admin, whatever of it the token
    holds.
    """

    user_id: int
    username: str
    display_name: str
    permissions: frozenset[str]
    levels: tuple[str, ...] = ()
    priority: int = 0
    org_ids: tuple[int, ...] = ()
    team_ids: tuple[int, ...] = ()
    via: str = "session"
    address: str | None = None
    everywhere: bool = False

    def may(self, permission: str) -> bool:
        """Tell whether the viewer holds `permission`; `*` holds every one."""
        return "*" in self.permissions or permission in self.permissions
