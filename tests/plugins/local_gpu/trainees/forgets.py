"""Starts a child in a new session whose environment is empty, so that no mark can find it, and
waits.
"""

import subprocess
import sys
import time

child = "import time; open('child', 'w').close(); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", child], start_new_session=True, env={})
while True:
    time.sleep(1)
