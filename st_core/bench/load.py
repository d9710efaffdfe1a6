"""Load: requests over kept connections from a few threads, and how many a second were answered."""

from __future__ import annotations

import http.client
import json
import statistics
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Answered:
    """What a load saw: requests a second over all threads, seconds of each request, and the first
    wrong status."""

    per_second: float
    seconds: list[float] = field(default_factory=list)
    wrong: int | None = None

    @property
    def median_ms(self) -> float:
        """Return the median time of a request, in milliseconds."""
        return statistics.median(self.seconds) * 1000


def requests(
    port: int,
    method: str,
    path: str,
    *,
    count: int,
    threads: int = 4,
    headers: Mapping[str, str] | None = None,
    body: Callable[[int], Any] | None = None,
) -> Answered:
    """Send `count` requests from `threads` connections and return how fast they were answered.

    Raises RuntimeError when an answer is not a success: a fast error is no speed.
    """
    share = [count // threads] * threads
    seen = [Answered(0.0) for _ in share]
    start = threading.Barrier(threads + 1)

    def work(mine: int) -> None:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        sent = {"Content-Type": "application/json", **(headers or {})}
        start.wait()
        for number in range(share[mine]):
            content = json.dumps(body(mine * 1_000_000 + number)) if body else None
            begun = time.perf_counter()
            link.request(method, path, content, sent)
            answer = link.getresponse()
            answer.read()
            seen[mine].seconds.append(time.perf_counter() - begun)
            if answer.status >= 300:
                seen[mine].wrong = answer.status
                return

    crowd = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for thread in crowd:
        thread.start()
    start.wait()
    begun = time.perf_counter()
    for thread in crowd:
        thread.join()
    spent = time.perf_counter() - begun
    wrong = next((one.wrong for one in seen if one.wrong), None)
    if wrong:
        raise RuntimeError(f"{method} {path} answered {wrong}")
    every = [second for one in seen for second in one.seconds]
    return Answered(len(every) / spent, every)
