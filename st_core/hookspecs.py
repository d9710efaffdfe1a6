"""The contract with plugins: every hook, in six banners, each with the same five labelled lines.

Kinds. R registration: once at start, returns data, no database, no network. Q question: may read
the database,
writes nothing, no network. O outside: no unit of work open, network allowed with a timeout. T
inside the unit
of work: may write through the session, must not commit, roll back, sleep or touch the network;
raising cancels
everything. A after commit: at least once, isolated per plugin, idempotent by `event.id`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

from .contracts import (
    Denial,
    EventType,
    HealthCheck,
    Hold,
    JobState,
    Metric,
    NavItem,
    Permission,
    Provider,
    Section,
    Service,
    Setting,
    Submission,
    Trainer,
    Verdict,
    Viewer,
)

if TYPE_CHECKING:
    import click
    from flask import Blueprint, Flask

    from .models import Event, Job

hookspec = pluggy.HookspecMarker("simpletuner")

# ── 1 Start-up ────────────────────────────────────────────────────────────────────────────────────


@hookspec
def st_settings() -> list[Setting]:  # type: ignore[empty-body]
    """Declare the plugin's options; each key begins with the plugin's name.

    When:   R, first thing after the import, before any value is read.
    Given:  nothing.
    Answer: a list of Setting with help, unit and default; an unknown key in the file then stops
    the start.
    Rules:  no side effects; secrets are marked `secret=True` and never shown.
    Used by: command_trainer, local_gpu, metrics, simpletuner_trainer, tiny_trainer.
    """


@hookspec
def st_configure(app: Flask, settings: Any) -> None:
    """Check the plugin's settings against each other and prepare what start-up needs.

    When:   R, once, after all settings are read and before blueprints are asked for.
    Given:  the Flask app, and `settings` with `value(key)` for every declared key.
    Answer: nothing; raise ConfigError naming the key and the fix when the values cannot work.
    Rules:  no SQL, no network, no thread.
    Used by: command_trainer.
    """


@hookspec
def st_startup(app: Flask) -> None:
    """Bring the plugin's own rows into step with the core's jobs after a restart.

    When:   O, once per process in `boot`, after the schema check, before any service runs.
    Given:  the Flask app; an application context is open, no unit of work is.
    Answer: nothing; raise StError to stop the start with that sentence.
    Rules:  idempotent, because every process of a server does it; open an own unit of work to
    write.
    Used by: local_gpu.
    """


@hookspec
def st_shutdown(app: Flask) -> None:
    """Let go of what the plugin holds in this process.

    When:   O, once per process, after services have stopped.
    Given:  the Flask app; an application context is open.
    Answer: nothing; an exception is logged and stops nobody else.
    Rules:  quick (under a second); running trainings go on without us.
    Used by: local_gpu.
    """


@hookspec
def st_blueprints() -> list[Blueprint]:  # type: ignore[empty-body]
    """Hand over the plugin's routes.

    When:   R, once, after the core's own blueprints.
    Given:  nothing.
    Answer: a list of Flask blueprints; the first is named like the plugin, templates lie below its
    name.
    Rules:  every route declares its permission through `st_core.api.routing`; no URL of somebody
    else.
    Used by: local_gpu, metrics, simpletuner_trainer.
    """


@hookspec
def st_commands() -> list[click.Command]:  # type: ignore[empty-body]
    """Add commands under `flask st`.

    When:   R, when the command line is built.
    Given:  nothing.
    Answer: a list of click commands or groups.
    Rules:  a command that needs the database runs inside an application context it asks for.
    Used by: local_gpu, simpletuner_trainer.
    """


@hookspec
def st_permissions() -> list[Permission]:  # type: ignore[empty-body]
    """Declare rights that only this plugin knows.

    When:   R, once, before any route is checked.
    Given:  nothing.
    Answer: a list of Permission with the levels that hold them by default; core names are refused.
    Rules:  names begin with the plugin's name or with a noun of the guide.
    Used by: simpletuner_trainer.
    """


@hookspec
def st_event_types() -> list[EventType]:  # type: ignore[empty-body]
    """Declare the events the plugin emits; an undeclared name cannot be emitted.

    When:   R, once.
    Given:  nothing.
    Answer: a list of EventType.
    Rules:  one fact, one event; a permission says who may see it when the subject alone does not.
    Used by: local_gpu.
    """


@hookspec
def st_services() -> list[Service]:  # type: ignore[empty-body]
    """Hand over work that goes on beside requests.

    When:   R, once; the services run from `boot` on.
    Given:  nothing.
    Answer: a list of Service.
    Rules:  runs in an application context of its own each time; survives running late, twice, or
    never.
    Used by: local_gpu.
    """


@hookspec
def st_providers() -> list[Provider]:  # type: ignore[empty-body]
    """Hand over objects that say where a job runs.

    When:   R, once.
    Given:  nothing.
    Answer: a list of Provider; names are unique in the server.
    Rules:  making one connects to nothing; every call ends within its timeout.
    Used by: local_gpu.
    """


@hookspec
def st_trainers() -> list[Trainer]:  # type: ignore[empty-body]
    """Hand over objects that say what runs.

    When:   R, once, after `st_configure`.
    Given:  nothing.
    Answer: a list of Trainer; names are unique in the server.
    Rules:  pure: a trainer starts nothing.
    Used by: command_trainer, simpletuner_trainer, tiny_trainer.
    """


# ── 2 Submission ──────────────────────────────────────────────────────────────────────────────────


@hookspec
def st_check_access(submission: Submission) -> list[Denial]:  # type: ignore[empty-body]
    """Say whether a rule forbids this submission.

    When:   T, reads only; in the submission's unit of work, before the job is inserted.
    Given:  the submission, complete and checked for form.
    Answer: one Denial per rule that forbids it; an empty list lets it pass.
    Rules:  no writes, no network, under 50 ms.
    Used by: command_trainer, simpletuner_trainer.
    """


@hookspec
def st_reserve_limits(job: Job, submission: Submission) -> list[Verdict]:  # type: ignore[empty-body]
    """Say whether there is room for `job`, and take it.

    When:   T, inside the submission's unit of work, after the access rules, before approval.
    Given:  `job` already has an id and state NEW; `submission.estimate.usd` may be None (unknown).
    Answer: one Verdict per limit that is reached; an empty list means plenty of room.
    Rules:  write reservations keyed by `job.id`; a BLOCK verdict cancels everything, your rows
    included.
    Used by: local_gpu.
    """


# ── 3 Running ─────────────────────────────────────────────────────────────────────────────────────


@hookspec
def st_hold_job(job: Job, load: Any) -> Hold | None:
    """Say why a queued job must wait a little longer.

    When:   Q, in the dispatch transaction, for the next candidate.
    Given:  the queued job, and `load` with the numbers of running jobs by provider and user.
    Answer: a Hold with the sentence people read, or None; any hold waits.
    Rules:  no writes, no network; a hold that is true of a provider or hardware says so in its
    scope.
    Used by: local_gpu.
    """


@hookspec
def st_job_environment(job: Job) -> dict[str, str]:  # type: ignore[empty-body]
    """Give environment variables to the attempt that is about to start.

    When:   O, just before the provider's `start`.
    Given:  the job.
    Answer: names and values, secrets among them; the same name from two plugins is an error.
    Rules:  values are handed on, never stored and never logged.
    Used by: simpletuner_trainer.
    """


@hookspec
def st_job_transition(job: Job, old: JobState, new: JobState) -> None:
    """Do what must be true together with a change of a job's state.

    When:   T, inside the unit of work that moves the job.
    Given:  the job, the state it leaves and the one it enters.
    Answer: nothing; raising cancels the move.
    Rules:  no commit, no network; the hook sees every move exactly once per commit.
    Used by: local_gpu.
    """


# ── 4 After the fact ──────────────────────────────────────────────────────────────────────────────


@hookspec
def st_on_event(event: Event) -> None:
    """React to a fact.

    When:   A, after the commit, from a row of the outbox: at least once.
    Given:  the journal's event.
    Answer: nothing; an exception is tried again later, for this plugin alone.
    Rules:  idempotent by `event.id`; open an own unit of work to write.
    Used by: metrics.
    """


# ── 5 Pages ───────────────────────────────────────────────────────────────────────────────────────


@hookspec
def st_nav_items(viewer: Viewer) -> list[NavItem]:  # type: ignore[empty-body]
    """Add links to the sidebar.

    When:   Q, on every page.
    Given:  the viewer.
    Answer: a list of NavItem; one with a permission shows only to its holders.
    Rules:  no network, under 10 ms.
    Used by: simpletuner_trainer.
    """


@hookspec
def st_page_sections(page: str, viewer: Viewer, subject: Any) -> list[Section]:  # type: ignore[empty-body]
    """Add panels to a core page.

    When:   Q, when the page is drawn.
    Given:  the page's name (job, system, admin), the viewer, and its subject (the job on page job).
    Answer: a list of Section, each with a template below the plugin's name and an explicit context.
    Rules:  a failing section is shown as failed and harms no other.
    Used by: local_gpu.
    """


# ── 6 Operations ──────────────────────────────────────────────────────────────────────────────────


@hookspec
def st_health_checks() -> list[HealthCheck]:  # type: ignore[empty-body]
    """Add checks to the deep health answer.

    When:   R, once; the checks run when health is asked for.
    Given:  nothing.
    Answer: a list of HealthCheck; `run` is called outside a unit of work with its timeout.
    Rules:  a message of an unhealthy result says what to do.
    Used by: local_gpu, simpletuner_trainer.
    """


@hookspec
def st_metrics() -> list[Metric]:  # type: ignore[empty-body]
    """Add families to the Prometheus page.

    When:   Q, when Prometheus scrapes.
    Given:  nothing.
    Answer: a list of Metric; names begin with `simpletuner_`.
    Rules:  aggregate queries only, under 100 ms.
    Used by: local_gpu, metrics.
    """
