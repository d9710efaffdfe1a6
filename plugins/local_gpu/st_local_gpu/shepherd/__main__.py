"""What `python -I -S …/st_local_gpu/shepherd <run folder> <lock descriptor>` runs."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from shepherd.entry import main  # type: ignore[import-not-found] # beside itself

main(Path(sys.argv[1]), int(sys.argv[2]))
