"""Options of the plugin, and the events it tells."""

from __future__ import annotations

from pathlib import Path

from st_core.contracts import EventType, Setting

SETTINGS = [
    Setting(
        "credentials.file",
        Path | None,
        None,
        "A YAML file of keys for everybody, service → name → value, readable by the server alone. "
        "Used when neither the submitter nor an administrator has stored the key.",
        env="SIMPLETUNER_CREDENTIALS_FILE",
    ),
]
MAY = "admin.config"
EVENT_TYPES = [
    EventType("credential.used", "An attempt was given a credential", "auth", permission=MAY),
    EventType("credential.shared", "A shared credential was stored", "auth", permission=MAY),
    EventType("credential.unshared", "A shared credential was deleted", "auth", permission=MAY),
]
