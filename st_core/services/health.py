"""Health: alive, ready, and how each part is (guide section 1)."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from typing import Any

from flask import Flask, current_app
from sqlalchemy import text

from .. import __version__
from ..clock import iso, now
from ..contracts import HealthCheck, HealthResult
from ..db import db
from . import deliveries

log = logging.getLogger(__name__)
STARTED = time.monotonic()
ORDER = ("healthy", "degraded", "unhealthy")


def uptime_seconds() -> float:
    """Return how long this process has been up."""
    return time.monotonic() - STARTED


def check_database() -> HealthResult:
    """Ask the database something simple."""
    try:
        db.session.execute(text("SELECT value FROM lock WHERE name = 'journal'")).scalar_one()
    except Exception as error:
        db.session.rollback()
        log.error("health: the database does not answer: %s", error)
        return HealthResult(
            "unhealthy", "The database does not answer; check that it runs and can be reached."
        )
    return HealthResult("healthy")


def check_outbox() -> HealthResult:
    """Look for events that a plugin gave up on."""
    given_up = deliveries.dead()
    if given_up:
        return HealthResult(
            "degraded", f"{given_up} events could not be delivered to a plugin; see its log lines."
        )
    return HealthResult("healthy")


def ready() -> tuple[bool, str]:
    """Tell whether requests can be served, and why not."""
    if not current_app.extensions["st"].booted:
        return False, "the server is starting"
    result = check_database()
    return result.status == "healthy", result.message


def report(include_providers: bool = False) -> dict[str, Any]:
    """Return the deep answer: overall status and every component with its latency.

    Checks of providers may talk to the outside, and are made only when asked for. Unhealthy is the
    whole when a critical part is; degraded when any other is not healthy.
    """
    checks = [
        HealthCheck("database", check_database, critical=True),
        HealthCheck("outbox", check_outbox),
    ]
    plugged = current_app.extensions["st"].health_checks
    checks += [
        check for _, check in plugged if include_providers or not check.name.startswith("provider")
    ]
    components = [_run(check) for check in checks]
    worst = "healthy"
    for check, component in zip(checks, components, strict=True):
        status = component["status"]
        if status == "unhealthy" and not check.critical:
            status = "degraded"
        worst = max(worst, status, key=ORDER.index)
    return {
        "status": worst,
        "version": __version__,
        "uptime_seconds": uptime_seconds(),
        "components": components,
        "timestamp": iso(now()),
    }


def _run(check: HealthCheck) -> dict[str, Any]:
    """Run one check within its time."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    begun = time.perf_counter()
    pool = ThreadPoolExecutor(1)
    try:
        result = pool.submit(_in_context, app, check).result(check.timeout_seconds)
    except TookTooLong:
        result = HealthResult("unhealthy", f"no answer within {check.timeout_seconds:g} s")
    except Exception as error:
        log.exception("health check %s failed", check.name)
        result = HealthResult("unhealthy", f"the check itself failed: {type(error).__name__}")
    finally:
        pool.shutdown(wait=False)
    return {
        "name": check.name,
        "status": result.status,
        "latency_ms": round((time.perf_counter() - begun) * 1000, 2),
        "message": result.message or None,
    }


def _in_context(app: Flask, check: HealthCheck) -> HealthResult:
    """Run one check in an application context of its own."""
    with app.app_context():
        return check.run()
