"""`python -m st_core.cli` is `simpletuner`, for places where the script is not on the path."""

from . import main

main()
