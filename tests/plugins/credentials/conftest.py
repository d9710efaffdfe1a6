"""A lab whose jobs run at a provider that refuses everything without its key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from st_core.db import db
from st_core.models import Event
from st_core.testing import paid
from st_core.testing.people import client_of, make_user
from st_core.testing.work import run_once, state_of

OWN, ORG = "paid-key-of-ann-31415926", "paid-key-of-all-27182818"
SHARED = "/api/credentials/shared"
MINE = "/api/users/me/credentials"


class Lab:
    """A server with the plugin, the stand-in provider, and people."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.account = paid.account(app)
        self.account.change(keys=[OWN, ORG], speed=1e9)
        self.ann: Any = client_of(app, make_user(app, "researcher", "ann"))
        self.bob: Any = client_of(app, make_user(app, "researcher", "bob"))
        self.root: Any = client_of(app, make_user(app, "admin", "root"))

    def key(self, value: str, **more: Any) -> dict[str, Any]:
        return {"provider": "paid", "credential_name": "api_key", "value": value, **more}

    def submit(self, by: Any) -> Any:
        body = {"trainer": "fake_trainer", "config": {"steps": 1}}
        return by.post("/api/cloud/paid/submit", json=body)

    def run(self, by: Any) -> tuple[str, str]:
        """Submit, let it end; return the state and where the key was from."""
        answer = self.submit(by)
        assert answer.status_code in (200, 201), answer.get_data(as_text=True)
        job_id = answer.json["job_id"]
        for _ in range(12):
            run_once(self.app, ("dispatch", "watch"))
            if state_of(self.app, job_id).is_final:
                break
        used = [e for e in self.events("credential.used") if e.subject_id == str(job_id)]
        return state_of(self.app, job_id).value, ",".join(e.data["source"] for e in used)

    def events(self, name: str) -> list[Event]:
        with self.app.app_context():
            return list(db.session.scalars(db.select(Event).where(Event.name == name)))

    def row(self, by: Any, path: str = MINE) -> dict[str, Any]:
        (found,) = by.get(path).json["credentials"]
        return dict(found)


@pytest.fixture
def lab(make_app: Callable[..., Flask]) -> Lab:
    return Lab(make_app(plugins=["zoo", "paid", "credentials"]))


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """A secrets file with the key, which nobody else may read."""
    path = tmp_path / "keys.yaml"
    path.write_text(f"paid:\n  api_key: {ORG}\n")
    path.chmod(0o600)
    return path
