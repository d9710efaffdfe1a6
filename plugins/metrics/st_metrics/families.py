"""The families of the core: jobs, cost, uptime, the outbox; each from one aggregate query."""

from __future__ import annotations

from sqlalchemy import func, select

from st_core import __version__
from st_core.contracts import Metric
from st_core.db import db
from st_core.models import Delivery, Job, JobState
from st_core.services import events, health, settings

from . import counters

#: What counts as active: everything that has not ended and does not wait for a person.
NOT_ACTIVE = (JobState.PENDING_APPROVAL, JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED)


def core_families() -> list[Metric]:
    """Return every family of the core; the older names too when `metrics.compat_names` is on."""
    by_state = _jobs_by_state()
    ended = {row.label: row for row in counters.samples(counters.JOBS_ENDED)}
    active = sum(count for state, count in by_state.items() if state not in NOT_ACTIVE)
    cost = float(sum((row.cost_usd for row in ended.values()), start=0))
    families = [
        _gauge("jobs_active", "Jobs that are queued, starting or running.", active),
        Metric(
            "simpletuner_jobs_by_status",
            "gauge",
            "Jobs in the database by status.",
            tuple(
                ({"status": state.value}, float(by_state.get(state, 0)))
                for state in JobState
                if state is not JobState.NEW
            ),
        ),
        _gauge("cost_total_usd", "Cost of all ended jobs, in US dollars.", cost),
        _gauge("uptime_seconds", "Seconds since this process started.", health.uptime_seconds()),
        Metric(
            "simpletuner_jobs_ended_total",
            "counter",
            "Jobs that ended, by how.",
            tuple(({"status": label}, float(row.count)) for label, row in ended.items())
            or (({"status": "completed"}, 0.0),),
        ),
        Metric(
            "simpletuner_events_total",
            "counter",
            "Events of the journal, by name.",
            tuple(
                ({"name": row.label}, float(row.count)) for row in counters.samples(counters.EVENTS)
            )
            or (({"name": "none"}, 0.0),),
        ),
        _gauge("journal_head", "Number of the newest event.", events.head()),
        _gauge(
            "deliveries_pending", "Events that a plugin still must see.", _deliveries("pending")
        ),
        _gauge("deliveries_dead", "Events that a plugin gave up on.", _deliveries("dead")),
        Metric(
            "simpletuner_build_info",
            "gauge",
            "The version of the server.",
            (({"version": __version__}, 1.0),),
        ),
    ]
    return families + (
        _older_names(by_state, ended, cost) if settings.value("metrics.compat_names") else []
    )


def _older_names(by_state: dict, ended: dict, cost: float) -> list[Metric]:
    """Return the names that older dashboards ask for."""
    seconds = sum(row.seconds for row in ended.values())
    count = sum(row.count for row in ended.values())
    return [
        _gauge("jobs_total", "Jobs in the database.", sum(by_state.values())),
        _counter("cost_usd_total", "Cost of all ended jobs, in US dollars.", cost),
        _gauge(
            "job_duration_seconds_avg",
            "Mean duration of ended jobs.",
            seconds / count if count else 0,
        ),
    ]


# Prometheus wants a counter to end in _total; the guide's simpletuner_cost_total_usd does not,
# so that one is told as a gauge, although it only grows.
def _gauge(name: str, text: str, value: float) -> Metric:
    return Metric(f"simpletuner_{name}", "gauge", text, (({}, float(value)),))


def _counter(name: str, text: str, value: float) -> Metric:
    return Metric(f"simpletuner_{name}", "counter", text, (({}, float(value)),))


def _jobs_by_state() -> dict[JobState, int]:
    """Count jobs by state."""
    rows = db.session.execute(select(Job.state, func.count()).group_by(Job.state))
    return {state: count for state, count in rows}


def _deliveries(state: str) -> int:
    """Count deliveries in one state."""
    return (
        db.session.scalar(select(func.count()).select_from(Delivery).where(Delivery.state == state))
        or 0
    )
