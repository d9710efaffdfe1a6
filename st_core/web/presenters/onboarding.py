"""The guide through set-up: steps this server can really take, in an order that works.

What a step needs is asked of the server; whether somebody skipped it is kept in their browser
(guide section 6).
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for

from ...contracts import Viewer
from ...services import registries, settings
from .. import formats
from .config_page import short_title


@dataclass(frozen=True)
class Step:
    """One step. `done` is what the server knows; without it the person says so."""

    id: str
    title: str
    text: str
    word: str
    url: str
    done: bool = False


def steps(viewer: Viewer) -> list[Step]:
    """Return the steps, in order."""
    trainers = [short_title(name) for name in registries.trainers()]
    machines = [kind.name for p in registries.providers().values() for kind in p.hardware()]
    limit = settings.value("queue.max_concurrent")
    found = [
        Step(
            "machines",
            "Machines",
            f"Jobs run on {_listed(machines)}." if machines else "No provider offers a machine.",
            "See the system",
            url_for("web.system"),
            done=bool(machines),
        ),
        Step(
            "trainers",
            "Trainers",
            f"{formats.plural(len(trainers), 'trainer')} enabled: {_listed(trainers)}."
            if trainers
            else "No trainer is enabled.",
            "See the plugins",
            url_for("web.plugins"),
            done=bool(trainers),
        ),
        Step(
            "limits",
            "Limits",
            f"{formats.plural(limit, 'job runs', 'jobs run')} at the same time, "
            f"{settings.value('queue.user_max_concurrent')} of one person.",
            "Change the limits",
            url_for("web.queue"),
        ),
        Step(
            "config",
            "Your own config",
            "Make one in a trainer’s form, or import SimpleTuner’s own config folders.",
            "Make a config",
            url_for("web.new_config"),
        ),
    ]
    return found


def _listed(words: list[str]) -> str:
    """Return words as people list them; many of the same are counted."""
    counted = [f"{words.count(w)} × {w}" if words.count(w) > 1 else w for w in dict.fromkeys(words)]
    if len(counted) < 2:
        return "".join(counted)
    return f"{', '.join(counted[:-1])} and {counted[-1]}"
