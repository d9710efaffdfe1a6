"""The log in Prometheus' names: how much is in it, of which kinds, and who waits for it."""

from __future__ import annotations

from collections.abc import Mapping

from st_core.contracts import Metric

from . import reading, sinks

_NOTHING = "none"


def families() -> list[Metric]:
    """Return the families of the log; entries are those in the database, archived ones are not."""
    told = reading.stats()
    behind = {name: sinks.behind(sink) for name, sink in sinks.current().items()}
    return [
        _gauge("log_entries_total", "Entries of the audit log.", told["total_entries"]),
        _gauge("log_entries_24h", "Entries of the last 24 hours.", told["last_24h"]),
        _gauges("log_entries_by_type", "Entries by kind.", "event_type", told["by_type"]),
        _gauges("stream_behind", "Entries a receiver has not taken yet.", "receiver", behind),
    ]


def _gauge(name: str, text: str, value: float) -> Metric:
    return Metric(f"simpletuner_audit_{name}", "gauge", text, (({}, float(value)),))


def _gauges(name: str, text: str, label: str, values: Mapping[str, int]) -> Metric:
    """Return a family with one label; without samples it still says which label it has."""
    samples = tuple(({label: each}, float(value)) for each, value in values.items())
    return Metric(f"simpletuner_audit_{name}", "gauge", text, samples or (({label: _NOTHING}, 0),))
