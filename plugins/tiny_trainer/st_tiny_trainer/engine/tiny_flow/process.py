"""The process: its arguments, its environment and its exit codes.

0 trained to the end · 143, 130 stopped on request, checkpoint saved · 2 the config, the data or the
checkpoint cannot be used · 1 anything else. The environment says where things are, each optional:
TRAINER_OUTPUT_DIR, TRAINER_EVENTS, TRAINER_CONTROL, TRAINER_RESUME_FROM, TINY_TRAINER_DATA_ROOTS.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from .beginning import begin
from .config import BadConfig
from .events import Events
from .folders import EVENTS
from .run import LossIsLost

CRASHED, REFUSED = 1, 2


def main(arguments: Sequence[str], env: Mapping[str, str]) -> int:
    """Train the config file that the only argument names; return the exit code."""
    if len(arguments) != 1:
        print("usage: python <folder of this program> CONFIG.json", file=sys.stderr)
        return REFUSED
    path = Path(arguments[0]).resolve()
    out = Path(env.get("TRAINER_OUTPUT_DIR") or path.parent).resolve()
    events = Events(Path(env.get("TRAINER_EVENTS") or out / EVENTS))
    events.write("status", status="starting", pid=os.getpid())
    # An overflow shows as a loss that is no number, which is reported; a warning adds nothing.
    np.seterr(over="ignore", invalid="ignore")
    try:
        return begin(path, out, events, env).train()
    except BadConfig as error:
        return _failed(events, str(error), REFUSED)
    except LossIsLost as error:
        return _failed(events, str(error), CRASHED)
    except (
        Exception
    ) as error:  # a crash's last word: the trace for the log, a sentence for the page
        traceback.print_exc()
        return _failed(events, f"{type(error).__name__}: {error}", CRASHED)


def _failed(events: Events, message: str, code: int) -> int:
    print(f"error: {message}", file=sys.stderr, flush=True)
    events.write("error", message=message, exit_code=code)
    return code
