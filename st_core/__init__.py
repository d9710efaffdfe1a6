"""A governed server for machine-learning training jobs. Public here: `create_app`, `hookimpl`,
`__version__`."""

from typing import TYPE_CHECKING, Any

import pluggy

__version__ = "1.0.0"

#: Marks a function of a plugin as an answer to one of the hooks in `st_core.hookspecs`.
hookimpl = pluggy.HookimplMarker("simpletuner")

if TYPE_CHECKING:
    from .app import create_app as create_app

__all__ = ["__version__", "create_app", "hookimpl"]


def __getattr__(name: str) -> Any:
    """Import `create_app` on first use, so that plugins and the command line can import this
    package cheaply."""
    if name == "create_app":
        from .garbage import paused

        with paused():
            from .app import create_app

        return create_app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
