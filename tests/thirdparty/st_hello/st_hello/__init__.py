"""Greets every job that completes, and can run one itself."""

from st_core import hookimpl

from . import api, greetings, models, provider, settings, trainer  # models: so the table is known

__all__ = ["models"]


@hookimpl
def st_settings():
    return settings.SETTINGS


@hookimpl
def st_blueprints():
    return [api.blueprint]


@hookimpl
def st_providers():
    return [provider.HelloProvider()]


@hookimpl
def st_trainers():
    return [trainer.HelloTrainer()]


@hookimpl
def st_on_event(event):
    if event.name == "job.completed":
        greetings.greet(event.id, event.job_id)


@hookimpl
def st_page_sections(page, viewer, subject):
    return [greetings.section(subject)] if page == "job" else []
