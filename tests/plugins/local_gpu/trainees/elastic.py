"""Starts workers as torch.elastic does, each in a new session, and waits for them; all ignore
SIGTERM.

`elastic.py WORKERS`: neither a signal to the launcher, nor to its group, nor to its session reaches
a worker.
"""

import signal
import subprocess
import sys

WORKER = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(f"worker-{os.environ['RANK']}", "w").close()
while True: time.sleep(1)
"""

signal.signal(signal.SIGTERM, signal.SIG_IGN)
workers = [
    subprocess.Popen(
        [sys.executable, "-c", WORKER],
        start_new_session=True,
        env={"RANK": str(rank), **__import__("os").environ},
    )
    for rank in range(int(sys.argv[1]))
]
for worker in workers:
    worker.wait()
