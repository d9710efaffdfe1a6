"""Whatever happens, the ceilings say what the reference says."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from st_quotas import reservations
from st_quotas.models import QuotasUse
from st_quotas.policy import POLICY

from st_core.db import db, unit_of_work
from st_core.models import Job, JobState
from st_core.testing.fixtures import Clock
from tests.exam import Exam

from .house import House
from .reference import HOURS, Reference, Use

KINDS = ["concurrent_jobs", "local_gpus", *HOURS]
PEOPLE = {
    "ann": ("ml-research/nlp", "ml-research"),
    "bob": (None, "ml-research"),
    "cyd": (None, None),
}
BATCH = 200


def test_every_decision_is_the_references(house: House, clock: Clock, exam: Exam) -> None:
    for name in PEOPLE:
        house.person("researcher", name)
    world = World(house, clock, exam)
    steps = exam.count("steps", 700, 100_000)
    for start in range(0, steps, BATCH):
        with house.app.app_context(), unit_of_work(gate="submit"):
            for _ in range(min(BATCH, steps - start)):
                world.step()
        world.forget_old()
    assert world.refused > steps / 50
    assert world.admitted > steps / 50
    exam.tell(f"{world.admitted} admitted, {world.refused} refused")


class World:
    """The plugin and the reference, side by side."""

    def __init__(self, house: House, clock: Clock, exam: Exam) -> None:
        self.house, self.clock, self.random = house, clock, exam.random
        self.reference = Reference()
        self.document: dict[str, Any] = {"ceilings": []}
        self.open: list[tuple[Job, Use]] = []
        self.admitted = self.refused = self.number = 0

    def step(self) -> None:
        """Do one thing."""
        roll = self.random.random()
        self.clock.advance(seconds=self.random.choice([1, 1, 60, 900, 7200]))
        if roll < 0.5:
            self.submit()
        elif roll < 0.65:
            self.start()
        elif roll < 0.97:
            self.end()
        else:
            self.rule()

    def forget_old(self) -> None:
        """Drop from the reference what no window reaches any more."""
        since = self.now() - 31 * 86400
        self.reference.uses = [
            use
            for use in self.reference.uses
            if use.ended is None or use.ended > since or use.at > since
        ]

    def now(self) -> float:
        return self.clock.now().timestamp()

    def submit(self) -> None:
        name = self.random.choice(sorted(PEOPLE))
        team, org = PEOPLE[name]
        asked = {
            "user": name,
            "user_id": self.house.ids[name],
            "levels": ["researcher"],
            "team": team,
            "team_id": self.house.team if team else None,
            "org": org,
            "org_id": self.house.org if org else None,
            "provider": "house",
            "gpu_count": self.random.choice([0, 0, 1, 2]),
            "estimate_usd": self.random.choice([None, "0", "1.5", "20"]),
            "estimate_seconds": self.random.choice([None, 600.0, 36000.0]),
            "time_limit_seconds": None,
            "bypasses": [],
        }
        moment = self.clock.now()
        facts = POLICY.facts(self.document, asked, moment)
        found = POLICY.decide(self.document, asked, facts)
        said = sorted((f.details["type"], f.rule.split("/")[1], f.effect) for f in found)
        assert said == self.reference.says(self.document["ceilings"], asked, moment.timestamp())
        if any(finding.effect == "block" for finding in found):
            self.refused += 1
            return
        self.admitted += 1
        self.number += 1
        job = Job(
            id=self.number,
            user_id=asked["user_id"],
            team_id=asked["team_id"],
            org_id=asked["org_id"],
            provider="house",
            gpu_count=asked["gpu_count"],
            attempt=0,
            state=JobState.QUEUED,
        )
        usd, seconds = Decimal(asked["estimate_usd"] or 0), asked["estimate_seconds"] or 0.0
        seconds *= asked["gpu_count"]
        reservations.open_use(job, usd, seconds, at=moment)
        use = Use(name, team, org, asked["gpu_count"], usd, seconds, moment.timestamp())
        self.reference.uses.append(use)
        self.open.append((job, use))

    def start(self) -> None:
        waiting = [pair for pair in self.open if pair[0].state is JobState.QUEUED]
        if not waiting:
            return
        job, use = self.random.choice(waiting)
        self.move(job, JobState.STARTING)
        job.attempt = 1
        use.since = self.now() if use.gpus else None

    def end(self) -> None:
        if not self.open:
            return
        job, use = self.open.pop(self.random.randrange(len(self.open)))
        if job.state is JobState.STARTING:
            self.move(job, JobState.RUNNING)
            job.cost_usd = self.random.choice([None, Decimal("0.5"), Decimal(30)])
            use.cost = use.usd if job.cost_usd is None else job.cost_usd
            use.worked = use.gpus * (self.now() - use.since) if use.since else 0.0
        self.move(job, JobState.COMPLETED)
        query = db.select(QuotasUse.ended_at).where(QuotasUse.job_id == job.id)
        use.since, use.ended = None, db.session.scalars(query).one().timestamp()

    def rule(self) -> None:
        """Set or remove a ceiling."""
        scope, name = self.random.choice(
            [
                ("user", "ann"),
                ("level", "researcher"),
                ("global", ""),
                ("team", "ml-research/nlp"),
                ("org", "ml-research"),
            ]
        )
        kind = self.random.choice(KINDS)
        kept = [
            row
            for row in self.document["ceilings"]
            if (row["scope"], row["name"], row["type"]) != (scope, name, kind)
        ]
        if self.random.random() < 0.8:
            limit = self.random.randint(1, 4) if scope == "team" else self.random.randint(4, 12)
            action = self.random.choice(["block", "block", "warn", "notify", "require_approval"])
            kept.append(
                {
                    "scope": scope,
                    "name": name,
                    "type": kind,
                    "limit": str(limit),
                    "action": action,
                    "mode": "enforce",
                }
            )
        POLICY.apply({"ceilings": kept})
        self.document = POLICY.document()

    def move(self, job: Job, new: JobState) -> None:
        old, job.state = job.state, new
        reservations.follow(job, old, new)
