"""network_trust keeps every plugin's promises."""

from __future__ import annotations

from st_core.testing.plugin_kit import PluginContract


class TestContract(PluginContract):
    plugin = "network_trust"
