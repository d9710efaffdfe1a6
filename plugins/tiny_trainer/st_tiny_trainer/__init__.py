"""The embedded default trainer: learns handwritten digits, or captioned pictures, on any laptop."""

from st_core import hookimpl
from st_core.contracts import Setting, Trainer
from st_core.services import settings as stored

from .settings import SETTINGS
from .trainer import TinyTrainer


@hookimpl
def st_settings() -> list[Setting]:
    return list(SETTINGS)


@hookimpl
def st_trainers() -> list[Trainer]:
    return [TinyTrainer(stored.value)]
