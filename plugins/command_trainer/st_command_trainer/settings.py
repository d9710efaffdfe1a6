"""The plugin's settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from st_core.contracts import Setting

SECTION = "command_trainer"

SETTINGS = [
    Setting(
        f"{SECTION}.profiles",
        dict[str, dict[str, Any]],
        {},
        "Commands that jobs may run, by name: a shipped profile needs only its `program` and "
        "`variables`, a new one all of what plugins/command_trainer/README.md describes.",
    ),
    Setting(
        f"{SECTION}.allowed_roots",
        list[Path],
        [],
        "Folders with data and models that parameters may name, besides the job's own; who holds "
        "trainer.any_path may name any.",
        unit="paths",
    ),
]
