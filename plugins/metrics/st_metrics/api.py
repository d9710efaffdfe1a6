"""`GET /api/cloud/metrics/prometheus`: every plugin's families in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from st_core import contracts
from st_core.api.routing import Raw, route
from st_core.services import metrics, settings

blueprint = Blueprint("metrics", __name__)
KINDS = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily}


@route(
    blueprint,
    ("/api/cloud/metrics/prometheus", "/api/metrics/prometheus"),
    permission="queue.view",
    summary="Every metric in Prometheus' text format",
    answers={200: Raw("text/plain", "Prometheus text format")},
    tags=("metrics",),
)
def prometheus() -> Response:
    """Answer a scrape."""
    if not settings.value("metrics.enabled"):
        return Response("# metrics.enabled is off\n", content_type=CONTENT_TYPE_LATEST)
    registry = CollectorRegistry()
    registry.register(_Families())
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Families(Collector):
    """Asks every plugin for its families, once per scrape."""

    def describe(self) -> list[Metric]:
        """Say nothing beforehand: what plugins have is only known when they are asked."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Give each family in the order of the plugins."""
        for family in metrics.families():
            yield _as_prometheus(family)


def _as_prometheus(family: contracts.Metric) -> Metric:
    """Return a family as the client library's own object; a counter's name loses its `_total`
    there."""
    labels = list(family.samples[0][0]) if family.samples else []
    made = KINDS[family.kind](family.name, family.help, labels=labels)
    for given, value in family.samples:
        made.add_metric([given[label] for label in labels], value)
    return made
