"""Writes how long the variable it is told to look for is, once, and waits: `knows.py NAME`."""

import os
import pathlib
import sys
import time

found = pathlib.Path(".length")
found.write_text(str(len(os.environ.get(sys.argv[1], ""))))
found.replace("length")
while True:
    time.sleep(1)
