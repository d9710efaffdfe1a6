"""Organisations, teams and who is in them, for tests: made through the API by an administrator."""

from __future__ import annotations

from typing import Any


def number_of(client: Any) -> int:
    """Return the user number of whoever the client acts as."""
    return int(client.get("/api/auth/me").json["id"])


def org(admin: Any, slug: str = "lab", **more: Any) -> int:
    """Make an organisation and return its number."""
    answer = admin.post("/api/orgs", json={"name": slug.title(), "slug": slug, **more})
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return int(answer.json["organization"]["id"])


def team(admin: Any, org_id: int, slug: str = "vision", **more: Any) -> int:
    """Make a team and return its number."""
    body = {"name": slug.title(), "slug": slug, **more}
    answer = admin.post(f"/api/orgs/{org_id}/teams", json=body)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return int(answer.json["team"]["id"])


def join(admin: Any, org_id: int, who: Any, team_id: int | None = None, role: str = "") -> int:
    """Let the client `who` join an organisation, or a team of it; return the user number."""
    user_id = number_of(who)
    if team_id is None:
        answer = admin.post(f"/api/orgs/{org_id}/members/{user_id}")
    else:
        body = {"user_id": user_id, **({"role": role} if role else {})}
        answer = admin.post(f"/api/orgs/{org_id}/teams/{team_id}/members", json=body)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return user_id


def names(answer: Any, key: str = "members", field: str = "username") -> list[str]:
    """Return one field of every row of a list."""
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return [row[field] for row in answer.json[key]]
