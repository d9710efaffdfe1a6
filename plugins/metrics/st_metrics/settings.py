"""Options of the metrics plugin."""

from st_core.contracts import Setting

SETTINGS = [
    Setting(
        "metrics.enabled",
        bool,
        True,
        "Answer Prometheus; off, the page is one comment line.",
        editable=True,
    ),
    Setting(
        "metrics.compat_names",
        bool,
        False,
        "Also give the names of older dashboards (simpletuner_cost_usd_total and others).",
        editable=True,
    ),
]
