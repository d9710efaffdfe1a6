"""What an administrator decides about the tiny trainer."""

from __future__ import annotations

from st_core.contracts import Setting

PYTHON = "tiny_trainer.python"
DATA_ROOTS = "tiny_trainer.data_roots"

SETTINGS = (
    Setting(
        PYTHON,
        str,
        "",
        "Absolute path of the Python that trains; it needs numpy, Pillow and safetensors. "
        "Empty: the server's own.",
        editable=False,
    ),
    Setting(
        DATA_ROOTS,
        list[str],
        ["~", "/tmp"],  # noqa: S108 - read from, never written to
        "Folders that a config's `data` may lie in; what links lead to must lie there too. `~` is "
        "the home of the server's user. An empty list leaves only the shipped digits.",
        editable=True,
    ),
)
