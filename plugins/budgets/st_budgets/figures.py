"""The families of money for Prometheus. `simpletuner_cost_total_usd` is the metrics plugin's."""

from __future__ import annotations

from st_core.contracts import Metric

from . import ledger, standing


def metrics() -> list[Metric]:
    """Return how far each limit is used, and the balances of the ledger."""
    used = tuple(
        (
            {"provider": one.whose.name if one.whose.scope == "provider" else "", **_scope(one)},
            one.percent,
        )
        for one in standing.of_all()
        if one.limits
    )
    balances = ledger.balances()
    found = [
        Metric(
            "simpletuner_ledger_balance_usd",
            "gauge",
            "Balance of each account of the ledger; together they are zero.",
            tuple(({"account": name}, float(usd)) for name, usd in balances.items()),
        )
    ]
    if used:
        text = "Share of each cost limit that is spent and held, in percent."
        found.append(Metric("simpletuner_cost_limit_percent_used", "gauge", text, used))
    return found


def _scope(one: standing.Standing) -> dict[str, str]:
    return {"scope": one.whose.scope, "name": one.whose.name}
