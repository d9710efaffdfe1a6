"""The health check: cheap, it only looks whether the interpreter is there."""

from __future__ import annotations

from flask import current_app

from st_core.contracts import HealthCheck, HealthResult

from . import doctor, settings


def check() -> HealthResult:
    """Return healthy when SimpleTuner could be started, or is not meant to be on this server."""
    options = settings.current()
    if not options.python:
        return HealthResult("healthy", "SimpleTuner is not set up on this server.")
    if problem := doctor.interpreter_problem(options.python):
        return HealthResult("degraded", f"{problem}. Set it to SimpleTuner's Python.")
    last = doctor.last(current_app.extensions["st"].state_dir)
    if last is not None and last.python == options.python and not last.healthy:
        return HealthResult("degraded", f"{last.summary}. {last.advice}")
    return HealthResult("healthy")


CHECKS = [HealthCheck("simpletuner", check)]
