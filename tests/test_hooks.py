"""Every hook is documented in one form, used by a bundled plugin, tested and listed for authors."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest

from st_core import docs_blocks, hookspecs
from tests.sources import PLUGINS, ROOT, plugin, plugin_names

SPECS: dict[str, Callable[..., Any]] = {
    name: function for name, function in vars(hookspecs).items() if name.startswith("st_")
}
LABELS = ["When:", "Given:", "Answer:", "Rules:", "Used by:"]


def doc(hook: str) -> str:
    return inspect.getdoc(SPECS[hook]) or ""


def implementations(name: str) -> dict[str, ast.FunctionDef]:
    """Return the hook implementations of one bundled plugin, by hook."""
    entry = next(module for module in plugin(name) if module.name == f"st_{name}")
    return {
        node.name: node
        for node in entry.tree.body
        if isinstance(node, ast.FunctionDef)
        and any("hookimpl" in ast.unparse(each) for each in node.decorator_list)
    }


@pytest.mark.parametrize("hook", SPECS)
def test_a_hook_has_its_five_labelled_lines_in_order(hook: str) -> None:
    found = re.findall(r"^(\w[\w ]*:)", doc(hook), re.MULTILINE)
    assert found == LABELS


@pytest.mark.parametrize("hook", SPECS)
def test_a_hook_says_its_kind_and_takes_at_most_three_arguments(hook: str) -> None:
    assert re.search(r"^When:\s+[RQOTA][,;]", doc(hook), re.MULTILINE)
    assert len(inspect.signature(SPECS[hook]).parameters) <= 3


@pytest.mark.parametrize("hook", SPECS)
def test_a_hook_names_exactly_the_bundled_plugins_that_use_it(hook: str) -> None:
    named = re.search(r"^Used by:\s+(.+)\.$", doc(hook), re.MULTILINE | re.DOTALL)
    using = [name for name in plugin_names() if hook in implementations(name)]
    assert named
    assert sorted(re.split(r",\s*", named[1])) == using
    assert using, f"no bundled plugin implements {hook}: delete it"


@pytest.mark.parametrize("hook", SPECS)
def test_a_hook_is_spoken_of_in_a_test(hook: str) -> None:
    tests = [path for path in (ROOT / "tests").rglob("*.py") if path.name != "test_hooks.py"]
    assert any(hook in path.read_text("utf-8") for path in tests)


@pytest.mark.parametrize("hook", SPECS)
def test_a_hook_has_a_row_in_the_authors_table(hook: str) -> None:
    assert f"`{hook}" in (PLUGINS / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", plugin_names())
def test_an_implementation_is_a_thin_adapter(name: str) -> None:
    thick = [
        hook
        for hook, node in implementations(name).items()
        if (node.body[-1].end_lineno or 0) - _first_line(node) + 1 > 5
    ]
    assert thick == []


def test_generated_blocks_in_the_documentation_are_what_the_code_says(
    make_app: Callable[..., Any],
) -> None:
    stale = docs_blocks.stale(make_app(prepare=False))
    assert stale == [], "run `make docs` and commit the result"


def _first_line(node: ast.FunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return body[0].lineno if body else node.lineno
