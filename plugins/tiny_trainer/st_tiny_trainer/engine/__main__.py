"""Start the training process: `python <this folder> CONFIG.json`.

Order matters here. Signals are taken first, so that a stop during the imports is not a crash; BLAS
is told to use one thread before numpy is imported, because its spinning threads collapse beside
other work.
"""

import os
import sys

from tiny_flow import control, threads  # type: ignore[import-not-found] # beside this file

if __name__ == "__main__":
    control.take_signals()
    os.environ.update(threads.ONE_THREAD)
    from tiny_flow.process import main  # type: ignore[import-not-found]

    sys.exit(main(sys.argv[1:], os.environ))
