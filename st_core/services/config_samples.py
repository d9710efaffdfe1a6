"""Sample configs: what a fresh database holds, so that a newcomer can train at once."""

from __future__ import annotations

from sqlalchemy import select

from ..db import db, unit_of_work
from ..models import Config
from . import configs, events, registries


def seed() -> None:
    """Command: give a fresh database the sample configs of the enabled trainers (`digits` among
    them)."""
    if events.head() or db.session.scalar(select(Config.id).limit(1)) is not None:
        return
    with unit_of_work(gate="submit"):
        if db.session.scalar(select(Config.id).limit(1)) is not None:
            return
        for trainer in registries.trainers().values():
            for name, data in getattr(trainer, "sample_configs", {}).items():
                config = Config(
                    name=name, trainer=trainer.name, description="A sample to begin with."
                )
                db.session.add(config)
                db.session.flush()
                configs.add_revision(config, dict(data), "sample", None)
                events.emit(
                    "config.created", subject=("config", name), after={"trainer": trainer.name}
                )
