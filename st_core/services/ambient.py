"""People whom a plugin names for a request without session or key: what such a request may.

It never gets more than the level that the plugin named, whatever the row has been given since, and
never what would outlast it.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from sqlalchemy import select

from ..contracts import Identity, Viewer
from ..db import db
from ..models import Level, User
from . import policy, rights, users

log = logging.getLogger(__name__)
#: With a key of their own, callers would stay when they have left the place that let them in.
OUTLASTING = frozenset({"api.keys.own", "api.keys.all"})


def viewer_for(identity: Identity | None) -> Viewer | None:
    """Return the viewer that `identity` stands for; None without one, when the user is inactive,
    when user or level are gone, and when the level is an administrator's.
    """
    if identity is None:
        return None
    return policy.remembered(("ambient", identity), lambda: _viewer_for(identity))


def _viewer_for(identity: Identity) -> Viewer | None:
    user = db.session.get(User, identity.user_id)
    level = db.session.scalar(select(Level).where(Level.name == identity.level))
    if user is None or not user.is_active or level is None:
        return None
    most = rights.of_level(level)
    if "*" in most:
        log.error("%s: nobody is let in, level %s is an admin's", identity.via, level.name)
        return None
    viewer = users.viewer_of(user, identity.via, sorted(most - OUTLASTING))
    return replace(viewer, levels=(level.name,), priority=level.priority, everywhere=False)
