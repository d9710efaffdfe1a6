"""Measurement of live events: many listeners on one process, and how late each hears of each
event."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from datetime import datetime

import httpx
import psutil


@dataclass(frozen=True)
class Heard:
    """What listeners saw: events expected and heard, their 99th percentile of lateness, memory per
    listener."""

    expected: int
    heard: int
    p99_seconds: float
    bytes_per_listener: float


def listen(
    port: int, pid: int, key: str, listeners: int, events: int, per_second: float, job_id: str
) -> Heard:
    """Open streams, cause `events` facts at `per_second`, and return when and by whom they were
    heard."""
    return asyncio.run(_listen(port, pid, key, listeners, events, per_second, job_id))


async def _listen(
    port: int, pid: int, key: str, listeners: int, events: int, per_second: float, job_id: str
) -> Heard:
    process = psutil.Process(pid)
    before = process.memory_info().rss
    late: list[float] = []
    open_streams = [asyncio.create_task(_follow(port, key, late)) for _ in range(listeners)]
    await asyncio.sleep(3 + listeners / 200)
    used = process.memory_info().rss - before
    await asyncio.to_thread(_cause, port, key, events, per_second, job_id)
    await asyncio.sleep(3)
    for stream in open_streams:
        stream.cancel()
    await asyncio.gather(*open_streams, return_exceptions=True)
    late.sort()
    p99 = late[int(len(late) * 0.99)] if late else float("inf")
    return Heard(listeners * events, len(late), p99, max(0, used) / listeners)


async def _follow(port: int, key: str, late: list[float]) -> None:
    """Read one stream over a bare socket, and note how late each change of priority arrives."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n\r\n"
    writer.write(request.encode())
    try:
        async for line in reader:
            if not line.startswith(b"data:"):
                continue
            told = json.loads(line[5:])
            if told.get("type") == "job.priority_changed":
                sent = datetime.fromisoformat(told["timestamp"])
                late.append(time.time() - sent.timestamp())
    finally:
        writer.close()


def _cause(port: int, key: str, events: int, per_second: float, job_id: str) -> None:
    """Change a waiting job's priority again and again, at a steady pace."""
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers) as client:
        begun = time.monotonic()
        for number in range(events):
            time.sleep(max(0.0, begun + number / per_second - time.monotonic()))
            path = f"/api/queue/{job_id}/priority"
            client.post(path, json={"priority": 10 + number % 2}).raise_for_status()
