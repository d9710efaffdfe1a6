"""Approving against rejecting against expiring against editing against starting, all at once.

A *round* opens requests that end within a blink, and lets every contender go at all of them. What
each of them was told is compared with what the database says afterwards.

`contention.py <processes> <rounds> <requests of each>`: the same in several processes.
"""

from __future__ import annotations

import random
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select, update
from st_approvals import deciding, expiry, inbox
from st_approvals.models import ApprovalsRequest

from st_core.app import create_app
from st_core.clock import now
from st_core.contracts import JobState, Viewer
from st_core.db import db, unit_of_work
from st_core.errors import Conflict, NotFound
from st_core.models import Job, User
from st_core.services import admission, amendments, claims, submission, users
from st_core.services.amendments import Amendment
from tests.core.processes import crew

#: How long requests live, in milliseconds: some end before, some after the first decision.
LIVES = (0, 300)
WON = {deciding.APPROVE: "approved", deciding.REJECT: "rejected", "edit": "cancelled"}


@dataclass
class Contest:
    """One app, its people, and what every contender was told of every request."""

    app: Flask
    seed: int = 0
    told: dict[int, list[str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        with self.app.app_context():
            found = db.session.scalars(select(User).where(User.username.in_(("mei", "lea", "ada"))))
            self.people: dict[str, Viewer] = {
                user.username: users.viewer_of(user, "session") for user in found
            }

    def open(self, count: int) -> list[tuple[int, int]]:
        """Submit jobs that need approval; return (request, job) pairs that end in a moment."""
        pairs = []
        with self.app.app_context():
            for _ in range(count):
                draft = submission.Draft(
                    provider="instant",
                    trainer="fake_trainer",
                    config={"steps": 1},
                    for_approval=True,
                )
                job = submission.submit(self.people["mei"], draft).job
                pairs.append((inbox.open_request(job.id).id, job.id))
            with unit_of_work():
                for request_id, _ in pairs:
                    ends = now() + timedelta(milliseconds=self.random.uniform(*LIVES))
                    db.session.execute(
                        update(ApprovalsRequest)
                        .where(ApprovalsRequest.id == request_id)
                        .values(expires_at=ends)
                    )
        self.told.update({request_id: [] for request_id, _ in pairs})
        return pairs

    def run(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Let everybody go at these requests at the same moment."""
        done = threading.Event()
        contenders = [self.decider("lea", deciding.APPROVE), self.decider("ada", deciding.REJECT)]
        contenders += [self.editor, self.canceller]
        start = threading.Barrier(len(contenders) + 2)
        threads = [
            threading.Thread(target=self._go, args=(each, list(pairs), start))
            for each in contenders
        ]
        beside = [
            threading.Thread(target=self._on, args=(each, done, start))
            for each in (expiry.sweep, claims.claim)
        ]
        for thread in threads + beside:
            thread.start()
        for thread in threads:
            thread.join()
        done.set()
        for thread in beside:
            thread.join()

    def _go(
        self, act: Callable[[int, int], str], pairs: list[tuple[int, int]], start: threading.Barrier
    ) -> None:
        start.wait()
        for request_id, job_id in pairs:
            with self.app.app_context():
                try:
                    self.told[request_id].append(act(request_id, job_id))
                except (Conflict, NotFound):
                    continue
                except Exception as error:
                    self.wrong.append(f"request {request_id}: {type(error).__name__}: {error}")

    def _on(self, act: Callable[[], Any], done: threading.Event, start: threading.Barrier) -> None:
        start.wait()
        while not done.wait(0.001):
            with self.app.app_context():
                act()

    def decider(self, name: str, verdict: str) -> Callable[[int, int], str]:
        """Return somebody who decides every request in one way."""

        def act(request_id: int, _job_id: int) -> str:
            deciding.decide(self.people[name], request_id, verdict, "because")
            return verdict

        return act

    def editor(self, request_id: int, job_id: int) -> str:
        """Edit the job; whether that voided this request or came after it, the database tells."""
        steps = self.random.randint(2, 99_999)
        amendments.amend(self.people["mei"], job_id, Amendment(config={"steps": steps}))
        return "edit"

    def canceller(self, request_id: int, _job_id: int) -> str:
        """Take every seventh request back."""
        if request_id % 7:
            raise Conflict("left alone")
        deciding.cancel(self.people["mei"], request_id)
        return "taken back"

    def judge(self, pairs: Sequence[tuple[int, int]]) -> Counter[str]:
        """Compare what was told with what is; return how many requests ended in which way."""
        ends: Counter[str] = Counter()
        with self.app.app_context():
            for request_id, job_id in pairs:
                request = db.session.get_one(ApprovalsRequest, request_id)
                ends[request.status] += 1
                self._judge(request, db.session.get_one(Job, job_id))
        return ends

    def _judge(self, request: ApprovalsRequest, job: Job) -> None:
        told = self.told[request.id]
        decided = [WON[each] for each in told if each in (deciding.APPROVE, deciding.REJECT)]
        if len(decided) > 1 or (decided and decided != [request.status]):
            self.wrong.append(f"request {request.id} is {request.status}, told {told}")
        if not decided and request.status in ("approved", "rejected"):
            self.wrong.append(f"request {request.id} is {request.status} by nobody")
        approved = set(
            db.session.scalars(
                select(ApprovalsRequest.digest).where(
                    ApprovalsRequest.job_id == job.id, ApprovalsRequest.status == "approved"
                )
            )
        )
        if job.attempt and admission.digest(job) not in approved:
            self.wrong.append(f"job {job.id} was started with bytes nobody approved")
        open_ones = list(
            db.session.scalars(
                select(ApprovalsRequest.id).where(
                    ApprovalsRequest.job_id == job.id, ApprovalsRequest.status == "pending"
                )
            )
        )
        if len(open_ones) != (job.state is JobState.PENDING_APPROVAL):
            self.wrong.append(f"job {job.id} is {job.state} with open requests {open_ones}")

    def sweep_up(self) -> None:
        """Let everything that is left be over, past every rule."""
        with self.app.app_context(), unit_of_work():
            db.session.execute(
                update(ApprovalsRequest)
                .where(ApprovalsRequest.status == "pending")
                .values(status="cancelled")
            )
            live = Job.state.not_in([JobState.CANCELLED])
            db.session.execute(
                update(Job).where(live).values(state=JobState.CANCELLED, completed_at=now())
            )


def contest(app: Flask, rounds: int, each: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Run rounds in this process; return how requests ended, and what was wrong."""
    ends: Counter[str] = Counter()
    arena = Contest(app, seed)
    for _ in range(rounds):
        pairs = arena.open(each)
        arena.run(pairs)
        ends += arena.judge(pairs)
        arena.sweep_up()
    return ends, arena.wrong


def main(processes: int, rounds: int, each: int) -> None:
    """Let several processes contend about the same requests, which the first opens."""
    app = create_app({"plugins.enabled": ["approvals", "zoo"], "queue.max_concurrent": 100})

    def work(number: int) -> dict[str, Any]:
        arena = Contest(app, number)
        with app.app_context():
            found = select(ApprovalsRequest.id, ApprovalsRequest.job_id)
            pairs = [(one, job) for one, job in db.session.execute(found)]
        arena.told = {request_id: [] for request_id, _ in pairs}
        for _ in range(rounds):
            arena.random.shuffle(pairs)
            arena.run(pairs[:each])
        return {
            "wrong": arena.wrong,
            "told": {str(request_id): told for request_id, told in arena.told.items()},
        }

    crew(processes, work)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
