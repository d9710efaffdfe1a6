"""The house rules that a reader of the source can check: sizes, names, docstrings, plain speech."""

from __future__ import annotations

import ast
import subprocess

import pytest

from tests.sources import ROOT, Module, place, product

LONGEST_MODULE = 300
LONGEST_FUNCTION = 60
#: Read as one page by every author of a plugin, and holds declarations only.
DECLARATIONS = {"st_core.hookspecs": 320}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "misc", "manager"}
UNFINISHED = ("TODO", "FIXME", "XXX", "HACK")
#: A place that only this machine has: the checkout itself.
PRIVATE_PLACES = (f"{ROOT}/",)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def public_definitions(module: Module) -> list[ast.AST]:
    """Return the public functions, classes and methods of a module."""
    found: list[ast.AST] = []
    for node in module.tree.body:
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)) and not node.name.startswith("_"):
            found.append(node)
            if isinstance(node, ast.ClassDef):
                found += [
                    each
                    for each in node.body
                    if isinstance(each, FUNCTIONS) and not each.name.startswith("_")
                ]
    return found


def test_no_module_is_longer_than_300_lines() -> None:
    long = {
        place(module): lines
        for module in product()
        if (lines := len(module.text.splitlines())) > DECLARATIONS.get(module.name, LONGEST_MODULE)
    }
    assert long == {}


def test_no_function_is_longer_than_60_lines() -> None:
    long = {
        place(module, node): node.name
        for module in product()
        for node in ast.walk(module.tree)
        if isinstance(node, FUNCTIONS)
        and (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
    }
    assert long == {}


def test_every_module_is_named_by_a_noun_that_says_something() -> None:
    vague = [place(module) for module in product() if module.path.stem in FORBIDDEN_NAMES]
    assert vague == []


def test_every_module_says_what_it_is_responsible_for() -> None:
    mute = [
        place(module)
        for module in product()
        if "/versions/" not in str(module.path) and not ast.get_docstring(module.tree)
    ]
    assert mute == []


def test_every_public_function_and_class_has_a_docstring() -> None:
    mute = [
        f"{place(module, node)} {node.name}"  # type: ignore[attr-defined]
        for module in product()
        if "migrations" not in module.path.parts
        for node in public_definitions(module)
        if not ast.get_docstring(node)  # type: ignore[arg-type]
        and not _is_explained_elsewhere(module, node)
    ]
    assert mute == []


def test_every_public_function_is_annotated() -> None:
    bare = [
        f"{place(module, node)} {node.name}"
        for module in product()
        if "migrations" not in module.path.parts
        for node in public_definitions(module)
        if isinstance(node, FUNCTIONS) and not _is_annotated(node) and not _is_hook(node)
    ]
    assert bare == []


def test_no_exception_is_caught_without_saying_which() -> None:
    bare = [
        place(module, node)
        for module in product()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler) and node.type is None
    ]
    assert bare == []


@pytest.mark.parametrize("words", [UNFINISHED, PRIVATE_PLACES], ids=["unfinished", "private"])
def test_nothing_committed_speaks_of_unfinished_work_or_private_places(
    words: tuple[str, ...],
) -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    found = []
    for name in listed.stdout.decode().split("\0"):
        path = ROOT / name
        if not name or path == ROOT / "tests" / "test_modules.py" or not path.is_file():
            continue
        if path.name == "package-lock.json":  # full of random letters
            continue
        text = path.read_bytes().decode("utf-8", "ignore")
        found += [f"{name}: {word}" for word in words if word in text]
    assert found == []


def _is_annotated(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    named = [each for each in arguments if each.arg not in ("self", "cls")]
    return node.returns is not None and all(each.annotation for each in named)


def _is_hook(node: ast.AST) -> bool:
    """Tell whether a function answers a hook: types and words are the specification's."""
    decorators = [ast.unparse(each) for each in getattr(node, "decorator_list", ())]
    return any(each.split("(")[0].endswith("hookimpl") for each in decorators)


def _is_explained_elsewhere(module: Module, node: ast.AST) -> bool:
    """Tell whether a name is the docstring: a test, a hook's answer, a type's own methods."""
    name = getattr(node, "name", "")
    decorators = [ast.unparse(each) for each in getattr(node, "decorator_list", ())]
    is_test = name.startswith("test_") and "testing" in module.path.parts
    is_validator = any("validator" in each or "overload" in each for each in decorators)
    overrides = name in ("process_bind_param", "process_result_value")
    return is_test or _is_hook(node) or is_validator or overrides
