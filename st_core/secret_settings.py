"""Options of stored credentials: when they count as old."""

from __future__ import annotations

from .contracts import Setting

SECRET_SETTINGS = (
    Setting(
        "secrets.stale_threshold_days",
        int,
        90,
        "A credential with the same value for longer is stale and has a badge.",
        unit="days",
        editable=True,
        minimum=1,
        maximum=365,
    ),
    Setting(
        "secrets.early_warning_enabled",
        bool,
        False,
        "Whether a credential has a badge some time before it is stale.",
        editable=True,
    ),
    Setting(
        "secrets.early_warning_percent",
        int,
        75,
        "At which part of that age the early warning comes.",
        unit="percent",
        editable=True,
        minimum=1,
        maximum=99,
    ),
)
