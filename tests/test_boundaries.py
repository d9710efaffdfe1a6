"""Who may import whom: the core no plugin, plugins the public core, layers only downwards."""

from __future__ import annotations

import pytest

from tests.sources import Module, core, plugin, plugin_names

#: What plugins may import of the core; a name with a dot at its end stands for all below it.
PUBLIC = (
    "st_core.hookimpl",
    "st_core.__version__",
    "st_core.actor.",
    "st_core.api.cookies.",
    "st_core.api.guard.current_viewer",
    "st_core.api.origin.is_forwarded",
    "st_core.api.routing.",
    "st_core.clock.",
    "st_core.contracts.",
    "st_core.db.",
    "st_core.errors.",
    "st_core.failpoints.",
    "st_core.models.",
    "st_core.outgoing.",
    "st_core.progress.",
    "st_core.secrets.",
    "st_core.services.",
    "st_core.testing.",
    "st_core.web.charts.",
    "st_core.web.diffs.",
    "st_core.web.formats.",
    "st_core.web.next_page.",
)

#: layer → the layers below it that it must never reach up to
ABOVE = {
    "st_core.clock": ("st_core.",),
    "st_core.errors": ("st_core.",),
    "st_core.db": (
        "st_core.models",
        "st_core.services",
        "st_core.api",
        "st_core.web",
        "st_core.cli",
    ),
    "st_core.contracts": ("st_core.services", "st_core.api", "st_core.web", "st_core.cli"),
    "st_core.models": ("st_core.services", "st_core.api", "st_core.web", "st_core.cli"),
    "st_core.progress": ("st_core.services", "st_core.api", "st_core.web", "st_core.cli"),
    "st_core.services": ("st_core.api", "st_core.web", "st_core.cli", "st_core.app"),
    "st_core.api": ("st_core.web", "st_core.cli", "st_core.app"),
}


def is_within(name: str, prefix: str) -> bool:
    return name == prefix.rstrip(".") or name.startswith(prefix.rstrip(".") + ".")


def test_the_core_imports_no_plugin() -> None:
    roots = {f"st_{name}" for name in plugin_names()}
    wrong = [
        f"{module.name} imports {name}"
        for module in core()
        for name in module.imports()
        if name.split(".")[0] in roots
    ]
    assert wrong == []


@pytest.mark.parametrize("name", plugin_names())
def test_a_plugin_imports_only_the_public_core(name: str) -> None:
    wrong = [
        f"{module.name} imports {imported}"
        for module in plugin(name)
        for imported in module.imports()
        if is_within(imported, "st_core")
        and not any(is_within(imported, public) for public in PUBLIC)
    ]
    assert wrong == []


@pytest.mark.parametrize("name", plugin_names())
def test_a_plugin_imports_no_other_plugin(name: str) -> None:
    others = {f"st_{other}" for other in plugin_names() if other != name}
    wrong = [
        f"{module.name} imports {imported}"
        for module in plugin(name)
        for imported in module.imports()
        if imported.split(".")[0] in others
    ]
    assert wrong == []


@pytest.mark.parametrize("layer", ABOVE)
def test_a_layer_never_reaches_upwards(layer: str) -> None:
    wrong = [
        f"{module.name} imports {name}"
        for module in core()
        if is_within(module.name, layer)
        for name in module.imports(only_at_import=True)
        if any(is_within(name, above) for above in ABOVE[layer])
    ]
    assert wrong == []


def test_no_module_imports_itself_through_others() -> None:
    graph = _import_graph()
    circles = [" → ".join(circle) for circle in _circles(graph)]
    assert circles == []


def _import_graph() -> dict[str, set[str]]:
    """Return module → modules of the core it needs while it is being imported."""
    modules = {module.name: module for module in core()}
    return {name: _targets(module, modules) for name, module in modules.items()}


def _targets(module: Module, modules: dict[str, Module]) -> set[str]:
    found = set()
    for name in module.imports(only_at_import=True):
        target = name if name in modules else name.rpartition(".")[0]
        if target in modules and target != module.name:
            found.add(target)
    return found


def _circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return one circle per group of modules that need each other, found depth first."""
    state: dict[str, int] = {}
    circles: list[list[str]] = []

    def visit(name: str, trail: list[str]) -> None:
        state[name] = 1
        for target in sorted(graph[name]):
            if state.get(target) == 1:
                circles.append([*trail[trail.index(target) :], target])
            elif target not in state:
                visit(target, [*trail, target])
        state[name] = 2

    for name in sorted(graph):
        if name not in state:
            visit(name, [name])
    return circles
