"""Ignores SIGTERM, and so does its grandchild in a session of its own; neither ends by itself."""

import os
import signal
import time

signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.setsid()
        open(f"grandchild-{os.getpid()}", "w").close()
        while True:
            time.sleep(1)
    os._exit(0)
open("ready", "w").close()
while True:
    time.sleep(1)
