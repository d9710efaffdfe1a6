"""What every plugin and every provider promises."""

from __future__ import annotations

from st_core.testing.plugin_kit import PluginContract
from st_core.testing.provider_kit import ProviderContract


class TestPlugin(PluginContract):
    plugin = "local_gpu"


class TestProvider(ProviderContract):
    plugin = provider = "local_gpu"
