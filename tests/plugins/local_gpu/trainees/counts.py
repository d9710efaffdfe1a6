"""Prints one line per step: `counts.py STEPS SECONDS_PER_STEP [EXIT_CODE]`."""

import sys
import time

steps, seconds = int(sys.argv[1]), float(sys.argv[2])
for step in range(1, steps + 1):
    print("step", step, flush=True)
    time.sleep(seconds)
sys.exit(int(sys.argv[3]) if len(sys.argv) > 3 else 0)
