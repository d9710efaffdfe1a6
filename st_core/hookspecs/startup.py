"""Start-up: what a plugin hands over once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..contracts import (
    EventType,
    Permission,
    Provider,
    ProviderOptions,
    Service,
    Setting,
    Trainer,
)
from .marker import hookspec

if TYPE_CHECKING:
    import click
    from flask import Blueprint, Flask


@hookspec
def st_settings() -> list[Setting]:
    """Declare the plugin's options; each key begins with the plugin's name, or is the guide's.

    When:   R, first thing after the import, before any value is read.
    Given:  nothing.
    Answer: a list of Setting with help, unit and default; an unknown key in the file then stops the
            start.
    Rules:  no side effects; secrets are marked `secret=True` and never shown.
    Used by: approvals, audit, command_trainer, credentials, ldap, local_gpu, metrics,
            network_trust, oidc, quotas, simpletuner_trainer, tiny_trainer.
    """


@hookspec
def st_configure(app: Flask, settings: Any) -> None:
    """Check the plugin's settings against each other and prepare what start-up needs.

    When:   R, once, after all settings are read and before blueprints are asked for.
    Given:  the Flask app, and `settings` with `value(key)` for every declared key.
    Answer: nothing; raise ConfigError naming the key and the fix when the values cannot work.
    Rules:  no SQL, no network, no thread.
    Used by: command_trainer, network_trust.
    """


@hookspec
def st_startup(app: Flask) -> None:
    """Bring the plugin's own rows into step with the core's jobs after a restart.

    When:   O, once per process in `boot`, after the schema check, before any service runs.
    Given:  the Flask app; an application context is open, no unit of work is.
    Answer: nothing; raise StError to stop the start with that sentence.
    Rules:  idempotent, because every process of a server does it; open an own unit of work to
            write.
    Used by: approvals, audit, budgets, local_gpu, network_trust, quotas.
    """


@hookspec
def st_shutdown(app: Flask) -> None:
    """Let go of what the plugin holds in this process.

    When:   O, once per process, after services have stopped.
    Given:  the Flask app; an application context is open.
    Answer: nothing; an exception is logged and stops nobody else.
    Rules:  quick (under a second); running trainings go on without us.
    Used by: local_gpu, network_trust.
    """


@hookspec
def st_blueprints() -> list[Blueprint]:
    """Hand over the plugin's routes.

    When:   R, once, after the core's own blueprints.
    Given:  nothing.
    Answer: a list of Flask blueprints; the first is named like the plugin, templates lie below its
            name.
    Rules:  every route declares its permission through `st_core.api.routing`; no URL of somebody
            else.
    Used by: approvals, audit, budgets, credentials, local_gpu, metrics, oidc, quotas,
            resource_rules, simpletuner_trainer.
    """


@hookspec
def st_commands() -> list[click.Command]:
    """Add commands under `flask st`.

    When:   R, when the command line is built.
    Given:  nothing.
    Answer: a list of click commands or groups.
    Rules:  a command that needs the database runs inside an application context it asks for.
    Used by: audit, budgets, local_gpu, quotas, simpletuner_trainer.
    """


@hookspec
def st_permissions() -> list[Permission]:
    """Declare rights that only this plugin knows.

    When:   R, once, before any route is checked.
    Given:  nothing.
    Answer: a list of Permission with the levels that hold them by default; core names are refused.
    Rules:  names begin with the plugin's name or with a noun of the guide.
    Used by: simpletuner_trainer.
    """


@hookspec
def st_event_types() -> list[EventType]:
    """Declare the events the plugin emits; an undeclared name cannot be emitted.

    When:   R, once.
    Given:  nothing.
    Answer: a list of EventType.
    Rules:  one fact, one event; a permission says who may see it when the subject alone does not.
    Used by: approvals, audit, budgets, credentials, local_gpu, network_trust, quotas,
            resource_rules.
    """


@hookspec
def st_services() -> list[Service]:
    """Hand over work that goes on beside requests.

    When:   R, once; the services run from `boot` on.
    Given:  nothing.
    Answer: a list of Service.
    Rules:  runs in an application context of its own each time; survives running late, twice, or
            never.
    Used by: approvals, audit, budgets, ldap, local_gpu, network_trust.
    """


@hookspec
def st_providers() -> list[Provider]:
    """Hand over objects that say where a job runs.

    When:   R, once.
    Given:  nothing.
    Answer: a list of Provider; names are unique in the server.
    Rules:  making one connects to nothing; every call ends within its timeout.
    Used by: local_gpu.
    """


@hookspec
def st_provider_options() -> list[ProviderOptions]:
    """Hand over fields of a provider's config that belong to the plugin.

    When:   R, once.
    Given:  nothing.
    Answer: a list of ProviderOptions; their names are no settings of any provider.
    Rules:  making one connects to nothing; `change` opens its own unit of work.
    Used by: budgets.
    """


@hookspec
def st_trainers() -> list[Trainer]:
    """Hand over objects that say what runs.

    When:   R, once, after `st_configure`.
    Given:  nothing.
    Answer: a list of Trainer; names are unique in the server.
    Rules:  pure: a trainer starts nothing.
    Used by: command_trainer, simpletuner_trainer, tiny_trainer.
    """
