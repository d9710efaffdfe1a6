"""Options of approvals."""

from st_core.contracts import Setting

REQUEST_HOURS = "approvals.request_hours"
CHECK_SECONDS = "approvals.check_seconds"
SELF_APPROVAL = "approvals.allow_self_approval"

SETTINGS = [
    Setting(
        REQUEST_HOURS,
        int,
        24,
        "How long a request waits before it expires and its job is cancelled.",
        unit="hours",
        editable=True,
        minimum=1,
        maximum=8760,
    ),
    Setting(
        CHECK_SECONDS,
        int,
        300,
        "How often requests are looked through for those that have expired.",
        unit="seconds",
        env="SIMPLETUNER_APPROVAL_CHECK_INTERVAL",
        minimum=1,
        maximum=86400,
    ),
    Setting(
        SELF_APPROVAL,
        bool,
        False,
        "Let people approve their own jobs; for a server with a single administrator.",
        editable=True,
    ),
]
