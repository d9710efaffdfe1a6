"""Server processes that one caller sends requests to, all at once.

`request_senders.py <processes> <threads of each> <requests of each thread> <calls allowed>`
reports, for each process, how many of its requests were let through.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from flask import Flask

from st_core import boot
from st_core.app import create_app
from tests.core.processes import crew

CALLER = "203.0.113.7"


def send(app: Flask, count: int, _thread: int) -> int:
    """Send requests one after the other; return how many were let through."""
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = CALLER
    answers = [client.get("/api/auth/check").status_code for _ in range(count)]
    assert set(answers) <= {200, 429}, set(answers)
    return answers.count(200)


def main(processes: int, threads: int, each: int, calls: int) -> None:
    """Send, and report what every process let through."""
    hour = {"rate_limit.period_seconds": 3600}  # a slow machine must not see two windows
    app = create_app({"plugins.enabled": ["zoo"], "rate_limit.calls": calls, **hour})

    def work(_number: int) -> int:
        boot.prepare(app)
        with ThreadPoolExecutor(threads) as pool:
            return sum(pool.map(partial(send, app, each), range(threads)))

    crew(processes, work)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
