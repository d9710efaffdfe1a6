"""The credentials plugin keeps what every plugin promises."""

from __future__ import annotations

from st_core.testing.plugin_kit import PluginContract


class TestPlugin(PluginContract):
    plugin = "credentials"
