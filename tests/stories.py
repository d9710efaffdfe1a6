"""Stories over HTTP: what a person at this machine does with a running server, as plain calls."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import httpx

from st_core.testing.server import ServerProcess

LINK = re.compile(r'\b(?:href|src)="(/[^"#]*)')
PATIENCE_SECONDS = 60.0
MOST_PAGES = 80
FINAL = {"completed", "failed", "cancelled"}
#: A short training for each trainer that needs nothing but this machine.
SHORT = {
    "fake_trainer": {"steps": 5},
    "tiny_trainer": {
        "steps": 20,
        "width": 32,
        "blocks": 1,
        "batch_size": 16,
        "final_samples": 10,
    },
}


class Story:
    """One person with one server; every answer that is not a success ends the story."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.client = server.client(timeout=30.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.client.close()
        if error is not None:
            error.add_note(f"the server said:\n{self.server.output()}")

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Ask, whatever comes back."""
        return self.client.get(path, **options)

    def read(self, path: str) -> Any:
        """Return the JSON of a successful answer."""
        answer = self.get(path)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text[:1000]}"
        return answer.json()

    def doings(self) -> list[int]:
        """Return the numbers of the newest events that are not about a refusal."""
        told = self.read("/api/events/recent?limit=100")["events"]
        return [each["id"] for each in told if not each["type"].startswith("security.")]

    def post(self, path: str, body: Any = None) -> Any:
        """Return the JSON of a successful answer to a POST."""
        answer = self.client.post(path, json=body or {})
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text[:1000]}"
        return answer.json()

    def submit(self, provider: str, trainer: str, **asked: Any) -> str:
        """Submit a short training and return the job's number."""
        body = {"trainer": trainer, "config": SHORT.get(trainer, {})} | asked
        answer = self.client.post(f"/api/cloud/{provider}/submit", json=body)
        assert answer.status_code == 201, answer.text
        number: str = answer.json()["job_id"]
        return number

    def job(self, number: str) -> dict[str, Any]:
        """Return a job as `GET /api/cloud/jobs/<id>` tells it."""
        told = self.read(f"/api/cloud/jobs/{number}")
        found: dict[str, Any] = told.get("job", told)
        return found

    def attempts(self, number: str) -> list[dict[str, Any]]:
        """Return every start of a job, oldest first."""
        found: list[dict[str, Any]] = self.read(f"/api/cloud/jobs/{number}/attempts")["attempts"]
        return found

    def curve(self, number: str, name: str = "loss") -> list[tuple[int, float]]:
        """Return a metric of a job as (step, value), every point of it up to ten thousand."""
        told = self.read(f"/api/cloud/jobs/{number}/metrics?max_points=10000&names={name}")
        return [(int(point["step"]), point["value"]) for point in told["series"].get(name, [])]

    def log(self, number: str) -> str:
        """Return the whole log of a job, asked for piece by piece."""
        text, after = "", 0
        while True:
            told = self.read(f"/api/cloud/jobs/{number}/logs?after={after}")
            text, after = text + told["logs"], told["next"]
            if after >= told["size_bytes"]:
                return text

    def wait(self, number: str, *states: str) -> dict[str, Any]:
        """Return the job once it is in one of `states` (default: any final one)."""
        wanted = set(states) or FINAL
        self.until(lambda: self.job(number)["status"] in wanted, f"job {number} in {wanted}")
        return self.job(number)

    def train(self, provider: str, trainer: str, **asked: Any) -> dict[str, Any]:
        """Submit a short training, wait until it is completed and return the job."""
        number = self.submit(provider, trainer, **asked)
        job = self.wait(number)
        assert job["status"] == "completed", job
        return job

    def plugins(self) -> list[dict[str, Any]]:
        """Return the rows of the plugins page."""
        found: list[dict[str, Any]] = self.read("/api/plugins")["plugins"]
        return found

    def see_every_page(self, most: int = MOST_PAGES) -> list[str]:
        """Follow every link from the first page on and return the pages, at most `most`; all must
        be there."""
        waiting, seen = ["/"], dict[str, int]()
        while waiting and len(seen) < most:
            path = waiting.pop(0)
            if path in seen or "/api/" in path:
                continue
            answer = self.get(path, follow_redirects=True)
            seen[path] = answer.status_code
            if "text/html" in answer.headers.get("content-type", ""):
                waiting += [link.replace("&amp;", "&") for link in LINK.findall(answer.text)]
        broken = {path: status for path, status in seen.items() if status >= 400}
        assert broken == {}
        return sorted(seen)

    def until(self, ready: Callable[[], Any], what: str) -> None:
        """Return when `ready()` is true. Raises TimeoutError naming `what` after a minute."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not ready():
            if time.monotonic() > end:
                raise TimeoutError(f"not within {PATIENCE_SECONDS:.0f} s: {what}")
            time.sleep(0.05)
