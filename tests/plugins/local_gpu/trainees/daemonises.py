"""Leaves a daemon behind (double fork, own session, streams closed) and exits with code 0."""

import os
import sys
import time

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 64)
        open("daemon", "w").close()
        while True:
            time.sleep(1)
    os._exit(0)
while not os.path.exists("daemon"):
    time.sleep(0.01)
sys.exit(0)
