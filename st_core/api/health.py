"""Health in every spelling; answered without any credential, also before the server is set up."""

from __future__ import annotations

from flask import Blueprint

from ..errors import Unavailable
from ..services import health
from .routing import ALWAYS, route
from .schemas import health as schemas

blueprint = Blueprint("health", __name__)


@route(
    blueprint,
    "/health",
    permission=ALWAYS,
    summary="The process answers",
    answers={200: schemas.Simple},
)
def simple() -> schemas.Simple:
    """Answer without asking anything else."""
    return schemas.Simple(mode="unified")


@route(
    blueprint,
    ["/api/cloud/health/live", "/api/metrics/health/live"],
    permission=ALWAYS,
    summary="Alive",
    answers={200: schemas.Alive},
)
def live() -> schemas.Alive:
    """Answer without asking anything else; a container that fails this must be restarted."""
    return schemas.Alive()


@route(
    blueprint,
    ["/api/cloud/health/ready", "/api/metrics/health/ready"],
    permission=ALWAYS,
    summary="Ready for requests",
    answers={200: schemas.Ready},
    errors=[503],
)
def ready() -> schemas.Ready:
    """Answer 200 when the database does, 503 otherwise; a load balancer looks here."""
    is_ready, why = health.ready()
    if not is_ready:
        raise Unavailable(why, code="not_ready", headers={"Retry-After": "5"})
    return schemas.Ready()


@route(
    blueprint,
    ["/api/cloud/health", "/api/metrics/health"],
    permission=ALWAYS,
    summary="How every part is",
    query=schemas.HealthQuery,
    answers={200: schemas.Health, 503: schemas.Health},
)
def deep(query: schemas.HealthQuery) -> tuple[schemas.Health, int]:
    """Ask every part, providers too unless told not to; 503 when a critical one is not well."""
    wanted = query.include_providers
    if query.include_replicate is not None:
        wanted = query.include_replicate
    report = schemas.Health.model_validate(health.report(wanted))
    return report, 503 if report.status == "unhealthy" else 200
