"""Options of quotas."""

from st_core.contracts import Setting

HISTORY_DAYS = "quotas.history_days"

SETTINGS = [
    Setting(
        HISTORY_DAYS,
        int,
        365,
        "How long is kept what each job used, for questions about the past; the longest window is "
        "30 days.",
        unit="days",
        editable=True,
        minimum=31,
        maximum=3650,
    ),
]
