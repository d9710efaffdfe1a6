"""Options of the audit log."""

from st_core.contracts import Setting

SETTINGS = [
    Setting(
        "audit.retention_days",
        int,
        90,
        "How long entries stay in the database before they move into a file; 0 keeps them all.",
        unit="days",
        env="SIMPLETUNER_AUDIT_RETENTION_DAYS",
        editable=True,
        minimum=0,
    ),
    Setting(
        "audit.key",
        str,
        "",
        "A long random text that the signing key is made of; without it a key is made and kept "
        "sealed in the database.",
        secret=True,
        env="SIMPLETUNER_AUDIT_KEY",
    ),
    Setting(
        "audit.checkpoint_entries",
        int,
        1000,
        "A signed checkpoint is made with every so many entries.",
        unit="entries",
        editable=True,
        minimum=10,
    ),
    Setting(
        "audit.checkpoint_minutes",
        int,
        10,
        "No entry waits longer than this for a signed checkpoint.",
        unit="minutes",
        editable=True,
        minimum=1,
    ),
]
