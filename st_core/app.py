"""Build the Flask app: ten steps in order, and not one SQL statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask

from . import access_log, api, config, flask_db, garbage, logs, web
from .api import open_paths, routing
from .boot import core_services
from .contracts import (
    ApprovalDesk,
    AuthProviderKind,
    EventType,
    HealthCheck,
    Permission,
    Policy,
    Provider,
    ProviderOptions,
    Service,
    Trainer,
)
from .core_settings import CORE_SETTINGS
from .db import db
from .errors import ConfigError, PluginError
from .event_types import CORE_EVENTS, IDENTITY_EVENTS
from .lazy_rule import LazyRule
from .plugins import PluginManager, find
from .services import permissions
from .services.policy import Memory
from .services.presence import Presence
from .services.request_rates import RequestRates
from .services.tasks import ThreadRunner

#: Bundled plugins of a fresh server: every one that needs no outside service, in the order they
#: are called.
BUNDLED = (
    "network_trust",
    "oidc",
    "ldap",
    "local_gpu",
    "tiny_trainer",
    "simpletuner_trainer",
    "command_trainer",
    "resource_rules",
    "approvals",
    "credentials",
    "budgets",
    "quotas",
    "audit",
    "metrics",
)


@dataclass
class Deployment:
    """All that one app knows about its deployment; lives at `app.extensions["st"]`."""

    state_dir: Path
    settings: config.Settings
    plugins: PluginManager
    permissions: dict[str, Permission] = field(default_factory=dict)
    event_types: dict[str, EventType] = field(default_factory=dict)
    providers: dict[str, Provider] = field(default_factory=dict)
    trainers: dict[str, Trainer] = field(default_factory=dict)
    auth_kinds: dict[str, AuthProviderKind] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    approval_desk: ApprovalDesk | None = None
    provider_options: list[ProviderOptions] = field(default_factory=list)
    kept_documents: set[str] = field(default_factory=set)
    services: list[Service] = field(default_factory=list)
    health_checks: list[tuple[str, HealthCheck]] = field(default_factory=list)
    subscribers: tuple[str, ...] = ()
    policy: Memory = field(default_factory=Memory)
    presence: Presence = field(default_factory=Presence)
    request_rates: RequestRates = field(default_factory=RequestRates)
    runner: ThreadRunner | None = None
    booted: bool = False


def create_app(overrides: Mapping[str, Any] | None = None) -> Flask:
    """Return the app of this deployment, not booted yet: no SQL, no thread, no network.

    `overrides` are settings that win over file and environment (tests and the command line). Raises
    ConfigError or PluginError with one readable sentence.
    """
    with garbage.paused():
        app = _create(dict(overrides or {}))
        garbage.keep()
    return app


def _create(overrides: Mapping[str, Any]) -> Flask:
    state_dir = config.state_dir()
    path, data = config.read_file()  # 1 configuration
    plugins = PluginManager(_enabled(overrides, data))  # 2 plugins
    settings = config.load(  # 3 settings
        _declared(plugins), set(plugins.installed) - set(plugins.enabled), data, path, overrides
    )
    _check_choices(settings)
    logs.configure(settings.value("logging.format"), settings.value("logging.level"))
    app = Flask("st_core", static_folder=None, template_folder=None, instance_path=str(state_dir))
    app.url_rule_class = LazyRule
    deployment = Deployment(state_dir, settings, plugins)
    app.extensions["st"] = deployment
    app.config.update(
        SQLALCHEMY_DATABASE_URI=settings.value("database.url")
        or f"sqlite:///{state_dir / 'app.db'}",
        MAX_CONTENT_LENGTH=settings.value("server.max_body_bytes"),
    )
    db.init_app(app)  # 4 database and migrations
    flask_db.init_app(app)
    access_log.init_app(app)
    api.init_app(app)  # 5 who is calling, errors, 6 core routes
    web.init_app(app)
    for plugin in plugins.implementers("st_configure"):  # 7 plugins check their settings
        plugins.call(plugin, "st_configure", app=app, settings=settings)
    _register_blueprints(app, plugins)  # 8 plugin routes
    _collect(deployment)  # 9 registries; every route has a known permission and a URL of its own
    routing.check(app, frozenset(deployment.permissions))
    web.init_templates(app)  # 10 pages
    return app


def _enabled(overrides: Mapping[str, Any], data: Mapping[str, Any]) -> list[str]:
    """Return the names of the plugins to load: as configured, else the bundled ones."""
    section = data.get("plugins")
    named = overrides.get(
        "plugins.enabled", section.get("enabled") if isinstance(section, dict) else None
    )
    if named is None:
        there = find()
        return [name for name in BUNDLED if name in there]
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        raise ConfigError(f"plugins.enabled must be a list of names, not {named!r}")
    repeated = sorted({name for name in named if named.count(name) > 1})
    if repeated:
        raise ConfigError(f"plugins.enabled names {', '.join(repeated)} twice")
    return named


def _declared(plugins: PluginManager) -> list[tuple[str, Any]]:
    """Return (owner, setting) pairs: the core's, then each plugin's, whose keys begin with its
    name unless the guide names them."""
    pairs: list[tuple[str, Any]] = [("core", setting) for setting in CORE_SETTINGS]
    for plugin, answer in plugins.each("st_settings"):
        for setting in answer or ():
            if not (setting.named_by_guide or setting.key.startswith(f"{plugin}.")):
                raise PluginError(
                    f"{plugin} declares the setting {setting.key!r}: it must begin with {plugin!r}"
                )
            pairs.append((plugin, setting))
    return pairs


def _check_choices(settings: config.Settings) -> None:
    """Refuse words that a setting does not know. Raises ConfigError."""
    for key, choices in (
        ("auth.mode", ("auto", "local", "team")),
        ("logging.format", ("text", "json")),
    ):
        if settings.value(key) not in choices:
            raise ConfigError(f"{key}: {settings.value(key)!r} is not one of {', '.join(choices)}.")
    open_paths.check(settings.value(open_paths.KEY))


def _register_blueprints(app: Flask, plugins: PluginManager) -> None:
    """Register the plugins' routes. Raises PluginError when a blueprint's name is taken."""
    for plugin, answer in plugins.each("st_blueprints"):
        for blueprint in answer or ():
            if blueprint.name in app.blueprints:
                raise PluginError(f"{plugin}: a blueprint named {blueprint.name!r} exists already")
            app.register_blueprint(blueprint)


def _collect(deployment: Deployment) -> None:
    """Fill the registries from the core and the plugins. Raises PluginError for a name given
    twice."""
    plugins = deployment.plugins

    def gather(hook: str, key: str, what: str) -> dict[str, Any]:
        return {name: item for name, (_, item) in plugins.collect(hook, key, what).items()}

    def with_core(mine: dict[str, Any], brought: dict[str, Any], what: str) -> dict[str, Any]:
        if taken := sorted(set(mine) & set(brought)):
            raise PluginError(
                f"the {what} {taken[0]!r} is the core's own name", code="duplicate_name"
            )
        return mine | brought

    deployment.permissions = with_core(
        permissions.CATALOGUE, gather("st_permissions", "name", "permission"), "permission"
    )
    deployment.event_types = with_core(
        {kind.name: kind for kind in (*CORE_EVENTS, *IDENTITY_EVENTS)},
        gather("st_event_types", "name", "event"),
        "event",
    )
    deployment.providers = gather("st_providers", "name", "provider")
    deployment.trainers = gather("st_trainers", "name", "trainer")
    deployment.policies = gather("st_policies", "name", "policy")
    deployment.provider_options = [
        item for _, answer in plugins.each("st_provider_options") for item in answer or ()
    ]
    deployment.approval_desk = plugins.approval_desk()
    deployment.auth_kinds = gather("st_auth_provider_kinds", "kind", "kind of sign-in provider")
    own_services = core_services(deployment.settings)
    deployment.services = own_services + list(gather("st_services", "name", "service").values())
    deployment.health_checks = list(
        plugins.collect("st_health_checks", "name", "health check").values()
    )
    deployment.subscribers = tuple(plugins.implementers("st_on_event"))
