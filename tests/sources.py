"""The product's own source files, parsed once, for tests that read code instead of running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = ROOT / "plugins"


@dataclass(frozen=True)
class Module:
    """One source file: its dotted name, text and syntax tree."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        """Tell whether it is a package's `__init__`."""
        return self.path.name == "__init__.py"

    def imports(self, *, only_at_import: bool = False) -> set[str]:
        """Return the dotted names it imports, absolute; `from a import b` counts as `a.b`.

        With `only_at_import`, leave out imports in functions and for type checkers alone.
        """
        nodes = _eager(self.tree) if only_at_import else ast.walk(self.tree)
        return {name for node in nodes for name in self._named(node)}

    def _named(self, node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = self._start(node.level)
            above = ".".join(filter(None, (start, node.module)))
            yield from (f"{above}.{each.name}" for each in node.names)

    def _start(self, level: int) -> str:
        if not level:
            return ""
        up = level - 1 if self.is_package else level
        parts = self.name.split(".")
        return ".".join(parts[: len(parts) - up])


def _eager(tree: ast.Module) -> Iterator[ast.AST]:
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        waiting += ast.iter_child_nodes(node)


def _read(base: Path, folder: Path) -> list[Module]:
    found = []
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(base).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = path.read_text("utf-8")
        found.append(Module(name, path, text, ast.parse(text, str(path))))
    return found


@cache
def core() -> list[Module]:
    """Return the modules of `st_core`."""
    return _read(ROOT, ROOT / "st_core")


@cache
def plugin_names() -> list[str]:
    """Return the names of the bundled plugins: their folders."""
    return sorted(each.parent.parent.name for each in PLUGINS.glob("*/st_*/__init__.py"))


@cache
def plugin(name: str) -> list[Module]:
    """Return the modules of one bundled plugin."""
    return _read(PLUGINS / name, PLUGINS / name / f"st_{name}")


@cache
def product() -> list[Module]:
    """Return every module that is shipped."""
    return core() + [module for name in plugin_names() for module in plugin(name)]


def place(module: Module, node: ast.AST | None = None) -> str:
    """Return `path:line`, as editors jump to."""
    line = getattr(node, "lineno", 1)
    return f"{module.path.relative_to(ROOT)}:{line}"
