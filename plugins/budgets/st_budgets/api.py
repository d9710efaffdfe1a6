"""Money over HTTP: cost limits and how they stand, prices, and what was spent."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from flask import Blueprint

from st_core.api.guard import current_viewer
from st_core.api.routing import route
from st_core.clock import now
from st_core.errors import NotFound
from st_core.services import registries

from . import job_figures, limits, prices, rendering, schemas, spending, standing, sums
from .limits import Whose

blueprint = Blueprint("budgets", __name__)
SEE, SET = "quota.view", "admin.config"
STATUS = (
    "/api/cloud/metrics/cost-limit-status",
    "/api/cloud/metrics/cost-limit",
    "/api/cloud/cost-limit/status",
    "/api/metrics/cost-limit/status",
)


@route(
    blueprint,
    STATUS,
    permission=SEE,
    summary="How a cost limit stands",
    query=schemas.StatusQuery,
    answers={200: schemas.Status},
    errors=(400, 404),
)
def cost_limit_status(query: schemas.StatusQuery) -> schemas.Status:
    """Return one limit: the named one, else the one that is used most."""
    if query.provider is None and query.name is None and query.scope == "provider":
        found = [one for one in standing.of_all() if one.limits]
        if found:
            return rendering.status(max(found, key=lambda one: one.percent))
        return _without(Whose("global", "", None))
    if query.scope == "provider":
        name = registries.provider(query.provider or query.name or "").name
        who = Whose("provider", name, name)
    else:
        who = limits.whose(query.scope, query.name or "")
    row = limits.of(who)
    return rendering.status(standing.of([(row, who)])[0]) if row else _without(who)


def _without(who: Whose) -> schemas.Status:
    at = now()
    (use,) = sums.of([(who.scope, who.key, at - timedelta(days=30))], at)
    return rendering.none(who, use.spent_usd, use.held_usd)


@route(
    blueprint,
    "/api/cloud/cost-limits",
    permission=SEE,
    summary="Every cost limit and how it stands",
    answers={200: schemas.Limits},
)
def cost_limits() -> schemas.Limits:
    """List every limit."""
    return schemas.Limits(limits=[rendering.limit(one) for one in standing.of_all()])


@route(
    blueprint,
    "/api/cloud/cost-limits",
    methods=("PUT",),
    permission=SET,
    summary="Set a cost limit of a provider, a team, an organisation, or everybody",
    body=schemas.LimitBody,
    answers={200: schemas.Limit},
    errors=(400,),
)
def set_cost_limit(body: schemas.LimitBody) -> schemas.Limit:
    """Set one subject's limit; it holds from the next submission on."""
    who = limits.whose(body.scope, body.name)
    given = body.model_dump(exclude={"scope", "name", "amount"})
    limits.change(who, {**given, "amount_usd": Decimal(str(body.amount))})
    row = limits.of(who)
    if row is None:
        raise NotFound("the cost limit was removed meanwhile")
    return rendering.limit(standing.of([(row, who)])[0])


@route(
    blueprint,
    "/api/cloud/cost-limits/<int:limit_id>",
    methods=("DELETE",),
    permission=SET,
    summary="Remove a cost limit",
    answers={200: schemas.Done},
    errors=(404,),
)
def delete_cost_limit(limit_id: int) -> schemas.Done:
    """Remove a limit; what was spent stays counted."""
    limits.remove(limit_id)
    return schemas.Done()


@route(
    blueprint,
    "/api/cloud/prices",
    permission=("job.submit", SEE),
    summary="The price table and its history",
    answers={200: schemas.Prices},
)
def price_table() -> schemas.Prices:
    """List prices, the newest first."""
    return schemas.Prices(prices=[rendering.price(row) for row in prices.history()])


@route(
    blueprint,
    "/api/cloud/prices",
    methods=("POST",),
    permission=SET,
    summary="Let a price hold from now on",
    body=schemas.PriceBody,
    answers={201: schemas.Price},
    errors=(404,),
)
def set_price(body: schemas.PriceBody) -> tuple[schemas.Price, int]:
    """Add a price; earlier ones stay in the history."""
    usd = Decimal(str(body.cost_per_hour))
    return rendering.price(prices.put(current_viewer(), body.provider, body.hardware, usd)), 201


@route(
    blueprint,
    "/api/cloud/spend",
    permission=SEE,
    summary="What was spent, by day and group",
    query=schemas.SpendQuery,
    answers={200: schemas.Spend},
)
def spent(query: schemas.SpendQuery) -> schemas.Spend:
    """Return what was spent in the last days."""
    rows = spending.by_day(query.days, query.by)
    return schemas.Spend(
        days=query.days,
        by=query.by,
        total=float(sum((row.usd for row in rows), Decimal(0))),
        held=float(spending.held()),
        rows=[schemas.SpendRow(date=row.date, name=row.name, spent=float(row.usd)) for row in rows],
    )


@route(
    blueprint,
    ("/api/cloud/metrics", "/api/metrics"),
    permission=SEE,
    summary="Jobs and money in numbers",
    query=schemas.MetricsQuery,
    answers={200: schemas.Metrics},
)
def metrics(query: schemas.MetricsQuery) -> schemas.Metrics:
    """Return the figures of the last days."""
    return schemas.Metrics(**job_figures.figures(query.days))
