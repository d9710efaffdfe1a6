"""What the server's test kit checks of this plugin: three contracts, three lines each."""

from st_core.testing.plugin_kit import PluginContract
from st_core.testing.provider_kit import ProviderContract
from st_core.testing.trainer_kit import TrainerContract


class TestPlugin(PluginContract):
    plugin = "hello"


class TestProvider(ProviderContract):
    plugin = provider = "hello"


class TestTrainer(TrainerContract):
    plugin, trainer, config = "hello", "hello_trainer", {"name": "you"}
    wrong, wrong_path = {"times": 0}, "times"
    runs = True
