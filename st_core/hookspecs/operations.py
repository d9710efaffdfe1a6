"""Operations: health and metrics."""

from __future__ import annotations

from ..contracts import HealthCheck, Metric
from .marker import hookspec


@hookspec
def st_health_checks() -> list[HealthCheck]:
    """Add checks to the deep health answer.

    When:   R, once; the checks run when health is asked for.
    Given:  nothing.
    Answer: a list of HealthCheck; `run` is called outside a unit of work with its timeout.
    Rules:  a message of an unhealthy result says what to do.
    Used by: audit, local_gpu, simpletuner_trainer.
    """


@hookspec
def st_metrics() -> list[Metric]:
    """Add families to the Prometheus page.

    When:   Q, when Prometheus scrapes.
    Given:  nothing.
    Answer: a list of Metric; names begin with `simpletuner_`.
    Rules:  aggregate queries only, under 100 ms.
    Used by: approvals, audit, budgets, local_gpu, metrics, quotas.
    """


@hookspec
def st_purge(dry_run: bool) -> int:
    """Delete the plugin's rows that are past their time.

    When:   O, once a day.
    Given:  `dry_run`: only count.
    Answer: how many rows went, or would go.
    Rules:  open an own unit of work per batch; a retention setting of 0 days keeps everything.
    Used by: audit, oidc, quotas.
    """
