"""A fresh server of two processes becomes a team's: the code on its console, and who is in."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from st_core.testing.server import ServerProcess

CODE = re.compile(r"\b(?:[2-9A-HJKMNP-Z]{4}-){3}[2-9A-HJKMNP-Z]{4}\b")
THROUGH_A_PROXY = {"X-Forwarded-For": "203.0.113.9"}
PASSWORD = "canary-password-of-ada"
ADA = {"username": "ada", "email": "ada@example.org", "password": PASSWORD}
FIRST, LOGIN = "/api/auth/setup/first-admin", "/api/auth/login"


def codes(server: ServerProcess, most_seconds: float = 10.0) -> list[str]:
    """Return the codes the server has printed, once there is one."""
    end = time.monotonic() + most_seconds
    while not CODE.search(server.output()) and time.monotonic() < end:
        time.sleep(0.05)
    return CODE.findall(server.output())


def test_two_processes_print_one_code_and_share_what_comes_of_it(
    server: Callable[..., ServerProcess], database: object
) -> None:
    running = server("--processes", "2", plugins=["zoo"]).start()
    (printed,) = codes(running)
    command = running.beside("flask", "st", "setup-code")
    out, _ = command.communicate(timeout=60)
    code = out.strip()
    assert CODE.fullmatch(code)
    with running.client(headers=THROUGH_A_PROXY) as stranger:
        assert stranger.get("/api/auth/check").status_code == 403
        assert stranger.post(FIRST, json=ADA | {"code": printed}).status_code == 403
        assert stranger.post(FIRST, json=ADA | {"code": code}).status_code == 200
    with running.client(headers=THROUGH_A_PROXY) as browser:
        body = {"username": "ada", "password": PASSWORD}
        assert browser.post(LOGIN, json=body).status_code == 200
        assert {browser.get("/api/auth/me").status_code for _ in range(30)} == {200}
        token = {"X-CSRF-Token": browser.cookies["csrf_token"]}
        assert browser.post("/api/auth/logout", headers=token).status_code == 200
        assert {browser.get("/api/auth/me").status_code for _ in range(30)} == {401}
    with running.client() as machine:
        assert machine.get("/api/auth/me").status_code == 401
    log = running.output()
    assert PASSWORD not in log
    assert code not in log
