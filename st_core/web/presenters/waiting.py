"""Why a job waits, as pages show it: the trail of gates, the ways out, the bar of its start."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ...clock import now
from ...contracts import Viewer
from ...models import Job
from ...services import explanations
from ...services.explanations import Why
from ...services.forecast import Start
from ...services.holders import Holding
from .gate_trail import GateLine

WORDS = {"pass": "free", "ask": "waits", "wait": "waits", "no": "held"}
#: result → state of a line in the trail, where they differ.
STATES = {"wait": "todo"}
#: Ways out that a page shows.
MOST_WAYS = 5


@dataclass(frozen=True)
class StartBar:
    """An interval on a bar from now on: places and widths in percent."""

    start: Start
    end: datetime
    x: float
    width: float
    likely_x: float


@dataclass(frozen=True)
class Waiting:
    """Everything the panel "why" shows; `ways` are sentences, each way out one list."""

    sentence: str
    trail: list[GateLine]
    ways: list[list[str]]
    title: str
    starts_now: bool
    bar: StartBar | None
    unknown: tuple[str, ...]
    basis: str


def of(found: Why) -> Waiting:
    """Return what the panel shows of a whole answer."""
    ways = [[each.text for each in way] for way in found.ways[:MOST_WAYS] if way]
    title = "The smallest change that starts it" if found.is_smallest else "What would start it"
    if not found.is_proven:
        title = "What would start it, as far as can be told"
    expected = found.forecast
    return Waiting(
        found.sentence,
        trail(found.gates),
        ways,
        title,
        found.ways == ((),),
        bar(expected.start) if expected and expected.start else None,
        expected.unknown if expected else (),
        expected.basis if expected else "",
    )


def before_start(viewer: Viewer, job: Job) -> list[GateLine]:
    """Return the trail of gates before the start of a job, none when it does not wait."""
    return trail(explanations.gates(viewer, job))


def trail(gates: Iterable[Holding]) -> list[GateLine]:
    """Return gates before the start as a trail, each with who or what holds it."""
    return [
        GateLine(_state(one), one.name, _verdict(one), one.text[:1].upper() + one.text[1:])
        for one in gates
    ]


def _state(one: Holding) -> str:
    return STATES.get(one.result, one.result)


def _verdict(one: Holding) -> str:
    return ", ".join(one.held_by) if one.held_by else WORDS[one.result]


def bar(start: Start) -> StartBar:
    """Return where an interval lies between now and some time after its end."""
    moment = now()
    whole = max((start.latest - moment).total_seconds() * 1.25, 60.0)

    def at(when: datetime) -> float:
        return round(max(100 * (when - moment).total_seconds() / whole, 0.0), 2)

    first, last = at(start.earliest), at(start.latest)
    end = moment + timedelta(seconds=whole)
    return StartBar(start, end, first, max(last - first, 0.5), at(start.likely))
