"""The queue on a moving clock: the product's own order, ageing, fading and backfill decide, and
every decision is checked as it is made."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from st_core.services import ageing, backfill, shares
from st_core.services.backfill import LATER, SOONER, Reservation, Running
from st_core.services.fair_tree import Candidate, Order, Path, Tree

from .workloads import BEGIN, SimJob, Workload


@dataclass
class Simulation:
    """One workload as it runs; `go` plays it to its end."""

    work: Workload
    with_backfill: bool = True
    at: float = 0.0
    waiting: list[SimJob] = field(default_factory=list)
    running: list[SimJob] = field(default_factory=list)
    ended: list[SimJob] = field(default_factory=list)
    used: dict[Path, tuple[float, float]] = field(default_factory=dict)
    promised: dict[int, float] = field(default_factory=dict)
    inversions: int = 0
    backfilled: int = 0

    def go(self, until: float = float("inf")) -> None:
        coming = sorted(self.work.jobs, key=lambda job: job.entered)
        while (coming or self.running) and self.at < until:
            moments = [job.end for job in self.running] + [job.entered for job in coming[:1]]
            self._pass_to(min(moments))
            self._end()
            while coming and coming[0].entered <= self.at:
                job = coming.pop(0)
                job.before = len(self.waiting)
                self.waiting.append(job)
            while self._decide():
                self._check_room()

    # ── time ──────────────────────────────────────────────────────────────────────────────────────

    def _pass_to(self, moment: float) -> None:
        for job in self.waiting:
            if self._limit(job) in ("person", "team"):
                job.limited += moment - self.at
        self.at = moment

    def _end(self) -> None:
        for job in [job for job in self.running if job.end <= self.at]:
            self.running.remove(job)
            self.ended.append(job)
            for depth in range(1, 4):
                path = job.path[:depth]
                kept = self._faded(path) + job.length * job.devices
                self.used[path] = (kept, self.at)

    def _faded(self, path: Path) -> float:
        used, since = self.used.get(path, (0.0, self.at))
        return shares.faded(used, self.at - since, self.work.half_life)

    def usage(self) -> dict[Path, float]:
        found = {path: self._faded(path) for path in self.used}
        for job in self.running:
            assert job.started is not None
            for depth in range(1, 4):
                path = job.path[:depth]
                found[path] = found.get(path, 0.0) + (self.at - job.started) * job.devices
        return found

    # ── one decision ──────────────────────────────────────────────────────────────────────────────

    def order(self) -> list[SimJob]:
        known = {job.id: job for job in self.waiting}
        tree = Tree(self.usage(), self.work.weights)
        order = Order(tree, BEGIN + timedelta(seconds=self.at), self.work.step)
        line = order.sort(
            Candidate(one.id, one.path, one.priority, one.queued_at) for one in self.waiting
        )
        return [known[one.job_id] for one in line]

    def _decide(self) -> bool:
        heads: dict[str, tuple[SimJob, Reservation]] = {}
        line, reasons = self.order(), {}
        for job in line:
            reason = self._limit(job) or self._devices(job, heads) or self._behind(job, heads)
            if reason is not None and reason.startswith("behind"):
                self.promised.pop(job.id, None)  # of one that stands before it in the queue
            if reason is None:
                self._start(job, line, reasons)
                return True
            reasons[job.id] = reason
        return False

    def _limit(self, job: SimJob) -> str | None:
        work = self.work
        if sum(one.path[2] == job.path[2] for one in self.running) >= work.per_user:
            return "person"
        team = job.path[:2]
        if team[1] and sum(one.path[:2] == team for one in self.running) >= work.per_team:
            return "team"
        return "everyone" if len(self.running) >= work.total else None

    def _devices(self, job: SimJob, heads: dict[str, tuple[SimJob, Reservation]]) -> str | None:
        free = self.free(job.kind)
        if free >= job.devices:
            return None
        if job.kind not in heads:
            pool = [one for one in self.running if one.kind == job.kind]
            soonest = [Running(one.devices, self._soonest(one)) for one in pool]
            reserved = backfill.reserve(job.devices, free, soonest)
            assert reserved is not None, "a job that fits the machine has a start"
            heads[job.kind] = job, reserved
            for other in self.waiting:  # who was the head before has another one before it now
                if other.kind == job.kind and other is not job:
                    self.promised.pop(other.id, None)
            self._promise(job, pool, free)
        return "devices"

    def _soonest(self, job: SimJob) -> float:
        assert job.started is not None
        return max(0.0, job.usual * SOONER - (self.at - job.started))

    def _promise(self, head: SimJob, pool: list[SimJob], free: int) -> None:
        """Note when the head would start if nobody else did, as the runs really end."""
        for one in sorted(pool, key=lambda each: each.end):
            free += one.devices
            if free >= head.devices:
                self.promised[head.id] = min(one.end, self.promised.get(head.id, one.end))
                return

    def _behind(self, job: SimJob, heads: dict[str, tuple[SimJob, Reservation]]) -> str | None:
        longest = job.usual * LATER
        for head, reserved in heads.values():
            if self._takes_last_place(job, head):
                return f"behind {head.id}"
            if head.kind != job.kind:
                continue
            may = backfill.may_pass(job.devices, longest, reserved)
            if not may or not self.with_backfill:
                return f"behind {head.id}"
        return None

    def _takes_last_place(self, job: SimJob, head: SimJob) -> bool:
        mine = sum(one.path[2] == job.path[2] for one in self.running)
        if job.path[2] == head.path[2] and mine + 1 >= self.work.per_user:
            return True
        team = job.path[:2]
        ours = sum(one.path[:2] == team for one in self.running)
        return bool(team[1]) and team == head.path[:2] and ours + 1 >= self.work.per_team

    def free(self, kind: str) -> int:
        taken = sum(job.devices for job in self.running if job.kind == kind)
        return self.work.capacity[kind] - taken

    def _start(self, job: SimJob, line: list[SimJob], reasons: dict[int, str]) -> None:
        passed = line[: line.index(job)]
        assert all(one.id in reasons for one in passed), "somebody was passed without a reason"
        self.inversions += bool(passed)
        self.backfilled += "devices" in reasons.values()
        promise = self.promised.pop(job.id, None)
        assert promise is None or self.at <= promise + 1e-6, "the head was delayed"
        for later in line[line.index(job) + 1 :]:
            self.promised.pop(later.id, None)  # who goes first in order may take what it likes
        job.started = self.at
        self.waiting.remove(job)
        self.running.append(job)

    # ── what must hold ────────────────────────────────────────────────────────────────────────────

    def _check_room(self) -> None:
        assert all(self.free(kind) >= 0 for kind in self.work.capacity)
        assert len(self.running) <= self.work.total
        people = Counter(job.path[2] for job in self.running)
        assert max(people.values(), default=0) <= self.work.per_user
        teams = Counter(job.path[:2] for job in self.running if job.path[1])
        assert max(teams.values(), default=0) <= self.work.per_team

    def check_waits(self) -> float:
        """Assert the bound for every job; return the largest share of it that was needed."""
        shares_of_bound = []
        for job in self.ended:
            assert job.started is not None
            waited = job.started - job.entered - job.limited
            most = ageing.bound(job.priority, self.work.step, job.before, self.work.longest)
            assert waited <= most + 1e-6, (job, waited, most)
            shares_of_bound.append(waited / most)
        return max(shares_of_bound)
