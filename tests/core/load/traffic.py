"""Traffic: many clients that submit over HTTP at once, while server processes are killed.

Every submission has an idempotency key and is sent again until somebody answers it, so that what
clients were told can be compared with what the database says.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import psutil

from st_core.testing.server import ServerProcess

BODY = {"trainer": "fake_trainer", "config": {"steps": 60}, "hardware_profile": "small"}
#: A process is killed only when it has lived this long: the supervisor waits before it restarts
#: one that dies young, and the rest of the run would wait with it.
LIVES_SECONDS = 11.0
LONGEST_SECONDS = 1800.0


@dataclass
class Traffic:
    """One run: `keys` are the API keys of those who submit, `told` their jobs' numbers by what was
    asked, `answers` how often each status came."""

    server: ServerProcess
    keys: list[str]
    submissions: int
    kills: int
    told: dict[str, str] = field(default_factory=dict)
    answers: Counter[int] = field(default_factory=Counter)
    killed: int = 0
    #: What was asked twice: the answer to the second may be a no before the first is admitted.
    resent: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._left = iter(range(self.submissions))
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._ends = time.monotonic() + LONGEST_SECONDS

    def run(self, clients: int, look: Callable[[], None]) -> None:
        """Let everybody submit until all is submitted and all kills are done; `look` again and
        again meanwhile."""
        threads = [threading.Thread(target=self._client, args=(n,)) for n in range(clients)]
        killer = threading.Thread(target=self._kill)
        for thread in (*threads, killer):
            thread.start()
        while any(thread.is_alive() for thread in threads):
            look()
            time.sleep(0.02)
        self._over.set()
        killer.join()

    def _client(self, number: int) -> None:
        with self.server.client(timeout=60) as http:
            while (asked := self._next()) is not None:
                self._submit(http, self.keys[(number + asked) % len(self.keys)], asked)

    def _next(self) -> int | None:
        with self._lock:
            return next(self._left, None)

    def _submit(self, http: httpx.Client, key: str, asked: int) -> None:
        body = {**BODY, "idempotency_key": f"asked-{asked}"}
        while time.monotonic() < self._ends:
            try:
                answer = http.post(
                    "/api/cloud/paid/submit", json=body, headers={"Authorization": f"Bearer {key}"}
                )
            except httpx.HTTPError:  # its process was killed: nobody knows, so ask again
                self.resent.add(f"asked-{asked}")
                time.sleep(0.05)
                continue
            if answer.status_code == 503:  # the database was busy
                continue
            self._note(asked, answer)
            return
        self.wrong.append(f"submission {asked} was never answered")

    def _note(self, asked: int, answer: httpx.Response) -> None:
        with self._lock:
            self.answers[answer.status_code] += 1
            if answer.status_code in (200, 201, 202):
                self.told[f"asked-{asked}"] = answer.json()["job_id"]
            elif answer.status_code != 429:
                self.wrong.append(f"{answer.status_code}: {answer.text[:300]}")

    def _kill(self) -> None:
        """Kill one process after the other, and let each be replaced."""
        while self.killed < self.kills and not (self._over.is_set() and self.killed):
            grown = [each for each in self.server.children() if _age(each) > LIVES_SECONDS]
            if len(grown) > 1 or (grown and self._over.is_set()):
                random.choice(grown).kill()
                self.killed += 1
            self._over.wait(0.1)
            if time.monotonic() > self._ends:
                return


def _age(process: psutil.Process) -> float:
    try:
        return time.time() - process.create_time()
    except psutil.Error:
        return 0.0


def service_accounts(server: ServerProcess, count: int) -> tuple[Any, list[int], list[str]]:
    """Make an administrator and accounts that submit; return the former's client, and numbers and
    keys of the latter."""
    with server.client() as owner:
        key = owner.post("/api/auth/api-keys", json={"name": "load"}).json()["key"]
    root = server.client(timeout=60, headers={"Authorization": f"Bearer {key}"})
    ids, keys = [], []
    for number in range(count):
        person = {"username": f"load-{number}", "is_service": True, "level_names": ["researcher"]}
        ids.append(_made(root, "/api/users", person)["id"])
        keys.append(_made(root, "/api/auth/api-keys", {"name": "x", "user_id": ids[-1]})["key"])
    return root, ids, keys


def _made(root: httpx.Client, path: str, body: dict[str, Any]) -> Any:
    answer = root.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()
