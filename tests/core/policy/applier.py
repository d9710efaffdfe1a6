"""Puts the files of a folder in force, in a process of its own: `applier.py <folder>`."""

from __future__ import annotations

import sys
from pathlib import Path

from st_core import boot
from st_core.app import create_app
from st_core.services.policy_parts import applying, files, parts
from tests.core.policy.conftest import GOVERNING
from tests.core.processes import report

app = create_app({"plugins.enabled": list(GOVERNING)})
boot.prepare(app)
with app.app_context():
    given = {path.name: path.read_text("utf-8") for path in Path(sys.argv[1]).glob("*.yaml")}
    found = applying.apply(applying.CONSOLE, files.read(given, parts.known()))
    report({"digest": found.digest_after})
