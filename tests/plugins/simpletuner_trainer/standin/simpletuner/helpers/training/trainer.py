"""The module that the doctor imports; it fails as the test says, like a broken library would."""

from __future__ import annotations

import os

if fault := os.environ.get("STANDIN_FAULT"):
    exec(fault)  # noqa: S102 - the fault is the test's own text
