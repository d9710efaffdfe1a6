"""Trains with commands that an admin declares: kohya, diffusers, Hugging Face, your own."""

from st_core import hookimpl

from . import registry, rules, settings


@hookimpl
def st_settings():
    return settings.SETTINGS


@hookimpl
def st_configure(app, settings):
    registry.configure(settings)


@hookimpl
def st_trainers():
    return registry.trainers()


@hookimpl
def st_check_access(submission):
    return rules.check(submission)
