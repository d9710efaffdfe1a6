"""What an administrator can set."""

from st_core.contracts import Setting

SETTINGS = [
    Setting(
        "hello.greeting",
        str,
        "Well done",
        "What a completed job is told.",
        editable=True,
    ),
]
