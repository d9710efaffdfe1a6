"""The JSON layer: parse, call one service, answer. One blueprint per noun."""

from __future__ import annotations

from flask import Blueprint, Flask

from . import (
    api_keys,
    auth,
    configs,
    credential_settings,
    credentials,
    decisions,
    entry,
    envelope,
    events,
    explanations,
    external_auth,
    guard,
    health,
    invitations,
    job_files,
    jobs,
    levels,
    members,
    openapi,
    orgs,
    policy,
    profile,
    providers,
    queue,
    queue_limits,
    revisions,
    row_numbers,
    second_factor,
    sessions,
    submit,
    system,
    users,
)


def blueprints() -> list[Blueprint]:
    """Return the core's JSON blueprints."""
    modules = (
        health,
        auth,
        entry,
        sessions,
        second_factor,
        external_auth,
        users,
        invitations,
        levels,
        profile,
        api_keys,
        credential_settings,
        credentials,
        orgs,
        members,
        submit,
        jobs,
        job_files,
        queue,
        explanations,
        queue_limits,
        decisions,
        policy,
        configs,
        revisions,
        providers,
        events,
        system,
        openapi,
    )
    return [module.blueprint for module in modules]


def init_app(app: Flask) -> None:
    """Give `app` its guard, its one shape of errors, and the core's JSON routes."""
    row_numbers.init_app(app)
    guard.init_app(app)
    envelope.init_app(app)
    for blueprint in blueprints():
        app.register_blueprint(blueprint)
