"""Trains with SimpleTuner, which runs in an environment of its own."""

from st_core import hookimpl

from . import api, commands, health, hub, rules, settings, trainer


@hookimpl
def st_settings():
    return settings.SETTINGS


@hookimpl
def st_trainers():
    return [trainer.SimpleTunerTrainer()]


@hookimpl
def st_permissions():
    return rules.PERMISSIONS


@hookimpl
def st_check_access(submission):
    return rules.check(submission)


@hookimpl
def st_job_environment(job):
    return hub.environment(job)


@hookimpl
def st_blueprints():
    return [api.blueprint]


@hookimpl
def st_nav_items(viewer):
    return api.NAV_ITEMS


@hookimpl
def st_commands():
    return commands.COMMANDS


@hookimpl
def st_health_checks():
    return health.CHECKS
