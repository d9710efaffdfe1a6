"""The page Shared credentials: keys for everybody's jobs, their age, and what services need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import render_template

from st_core.api.routing import page
from st_core.clock import now
from st_core.contracts import NavItem
from st_core.services import credential_values, key_needs

from . import shared
from .api import blueprint
from .models import CredentialsShared
from .settings import MAY

URL = "/admin/credentials"
NAV_ITEMS = [
    NavItem("Credentials", URL, icon="key", group="admin", order=60, permission=MAY),
]
PAGE = {
    "title": "Shared credentials",
    "current": f"credentials:{URL}",
    "crumbs": [{"word": "Administration", "url": ""}, {"word": "Shared credentials", "url": ""}],
    "narrow": False,
}


@dataclass(frozen=True)
class Need:
    """A key that some provider needs, and whether one is shared."""

    title: str
    service: str
    name: str
    variable: str
    is_shared: bool


@page(blueprint, URL, permission=MAY)
def shared_credentials() -> str:
    """Show the keys that everybody's jobs may use."""
    rows = shared.all_shared()
    there = {(row.provider, row.credential_name) for row in rows}
    needs = [
        Need(need.title, need.service, need.name, need.variable, (need.service, need.name) in there)
        for need in key_needs.declared()
    ]
    return render_template(
        "credentials/shared.html",
        page=PAGE,
        credentials=[_line(row) for row in rows],
        needs=needs,
    )


def _line(row: CredentialsShared) -> dict[str, Any]:
    standing = credential_values.standing(row)
    return {
        "provider": row.provider,
        "name": row.credential_name,
        "description": row.description,
        "state": standing,
        "is_stale": standing == "stale",
        "fingerprint": row.fingerprint or "",
        "new_fingerprint": row.new_fingerprint or "",
        "days_old": (now() - row.updated_at).days,
        "last_used_at": row.last_used_at,
    }
