"""Server processes that race: each runs its services while many threads submit at the same time.

`racers.py <processes> <threads of each> <jobs of each thread> <user id>…`

Every commit that changes jobs is counted inside its own transaction, under the lock it was made
under: `most` is the largest number of active jobs that was ever true. Positions are looked at
meanwhile, each time as of one moment.
"""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from st_core import boot
from st_core import db as database
from st_core.app import create_app
from st_core.contracts import JobState
from st_core.db import db
from st_core.models import Job, User
from st_core.models.jobs import IS_ACTIVE
from st_core.models.states import FINAL
from st_core.services import queue, submission, users
from tests.core.processes import crew

LIMIT = 5
END_SECONDS = 240.0
WAITING = (JobState.QUEUED,)


class Race:
    """One process's part in the race, and what it saw."""

    def __init__(self, app: Flask, user_ids: list[int]) -> None:
        self.app = app
        self.most = 0
        self.looks = 0
        self.wrong: list[str] = []
        with app.app_context():
            people = [db.session.get_one(User, user_id) for user_id in user_ids]
            self.viewers = [users.viewer_of(person, "session") for person in people]
            self.owner = users.local_viewer()
        database.before_commit.append(self.count)

    def count(self, session: Session) -> None:
        """Count the active jobs as they will be when this unit of work commits."""
        if "journal_written" in session.info:
            active = session.scalar(select(func.count(Job.id)).where(IS_ACTIVE)) or 0
            self.most = max(self.most, active)

    def submit(self, number: int) -> None:
        """Submit one job."""
        draft = submission.Draft(
            provider="slow",
            trainer="fake_trainer",
            config={"steps": 1},
            config_name=f"race {number}",
        )
        with self.app.app_context():
            submission.submit(self.viewers[number % len(self.viewers)], draft)

    def look(self) -> None:
        """Look at the queue once: places without gap or double, and counts that agree with them."""
        with self.app.app_context():
            database.fresh_view()
            places = [each.position for each in queue.entries(self.owner, WAITING, limit=1000)]
            waiting, running, _ = queue.totals(self.owner)
            self.looks += 1
            if places != list(range(1, len(places) + 1)) or len(places) != waiting:
                self.wrong.append(f"places {places}, waiting {waiting}")
            if running > LIMIT:
                self.wrong.append(f"{running} run")

    def left(self) -> int:
        """Return how many jobs have not ended."""
        with self.app.app_context():
            return db.session.scalar(select(func.count(Job.id)).where(Job.state.not_in(FINAL))) or 0


def main(processes: int, threads: int, each: int, user_ids: list[int]) -> None:
    """Race, and report what every process saw."""
    app = create_app(
        {
            "plugins.enabled": ["zoo"],
            "queue.max_concurrent": LIMIT,
            "queue.user_max_concurrent": LIMIT,
        }
    )

    def work(number: int) -> dict[str, Any]:
        boot.boot(app)
        race = Race(app, user_ids)
        stop = threading.Event()

        def follow() -> None:
            while not stop.wait(0.05):
                race.look()

        follower = threading.Thread(target=follow)
        follower.start()
        first = number * threads * each
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(race.submit, range(first, first + threads * each)))
        end = time.monotonic() + END_SECONDS
        while race.left() and time.monotonic() < end:
            time.sleep(0.1)
        stop.set()
        follower.join()
        boot.shut_down(app)
        return {"most": race.most, "looks": race.looks, "wrong": race.wrong, "left": race.left()}

    crew(processes, work)


if __name__ == "__main__":
    count, crowd, share, *people = map(int, sys.argv[1:])
    main(count, crowd, share, people)
