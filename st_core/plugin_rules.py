"""What a plugin's hooks must keep to, checked when it is loaded: known names, no forced order."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import pluggy

from . import hookspecs
from .errors import PluginError

#: Who somebody is and what they may: the administrator's list alone says who is asked first.
IN_LIST_ORDER = (
    "st_check_access",
    "st_check_password",
    "st_identify_request",
    "st_login_methods",
)


def check(manager: pluggy.PluginManager, modules: Mapping[str, ModuleType]) -> None:
    """Pass when every registered plugin keeps the rules. Raises PluginError naming the one that
    does not."""
    _check_names(modules)
    for hook in IN_LIST_ORDER:
        for impl in getattr(manager.hook, hook).get_hookimpls():
            if impl.tryfirst or impl.trylast or impl.wrapper or impl.hookwrapper:
                raise PluginError(
                    f"{impl.plugin_name} marks {hook} with tryfirst, trylast or wrapper; this "
                    "hook is asked in the order of plugins.enabled and nothing else",
                    code="order_forced",
                )


def _check_names(modules: Mapping[str, ModuleType]) -> None:
    """Refuse an `st_…` implementation that answers no hook: a misspelt name would never be
    called."""
    known = {name for name in dir(hookspecs) if name.startswith("st_")}
    for name, module in modules.items():
        for attribute in vars(module):
            marked = hasattr(getattr(module, attribute), "simpletuner_impl")
            if marked and attribute not in known:
                raise PluginError(
                    f"{name} implements {attribute!r}, which is no hook."
                    f"{did_you_mean(attribute, known)}",
                    code="unknown_hook",
                )


def did_you_mean(word: str, known: Any) -> str:
    """Return ` Did you mean 'x'?` for the nearest known word, or an empty string."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""
