"""Which machine and libraries compute: equal bits are promised only where all of this is equal."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import numpy as np


def describe() -> dict[str, str]:
    """Return what decides the last bit of a result: versions, BLAS, threads, processor."""
    build = np.show_config(mode="dicts")["Build Dependencies"]
    blas = build.get("blas", {})
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
        "blas_threads": os.environ.get("OPENBLAS_NUM_THREADS", "not set"),
        "machine": platform.machine(),
        "cpu": _processor(),
    }


def _processor() -> str:
    """Return the processor's model; Linux tells it only in /proc."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()
