"""Saves a checkpoint whenever the file `save` has a new text; on SIGTERM it says goodbye and exits
with 143.
"""

import os
import pathlib
import signal
import sys
import time


def goodbye(number: int, frame: object) -> None:
    print("goodbye", flush=True)
    sys.exit(143)


signal.signal(signal.SIGTERM, goodbye)
pathlib.Path("checkpoints").mkdir(exist_ok=True)
seen = ""
pathlib.Path("ready").touch()
while True:
    asked = pathlib.Path("save").read_text() if os.path.exists("save") else ""
    if asked != seen:
        seen = asked
        pathlib.Path(f"checkpoints/step-{asked}").write_text(asked)
        print("saved", asked, flush=True)
    time.sleep(0.01)
