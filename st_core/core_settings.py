"""The core's own settings; plugins declare theirs in the same form."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from .contracts import Setting
from .outgoing.addresses import check_entries
from .queue_settings import QUEUE_SETTINGS
from .secret_settings import SECRET_SETTINGS


def _below_admin(level: str) -> str:
    """Refuse the administrators' level, which nobody may give to themselves."""
    if level.strip().lower() == "admin":
        raise ValueError("nobody may make themselves an administrator")
    return level


CORE_SETTINGS = (
    Setting(
        "plugins.enabled",
        list[str] | None,
        None,
        "Plugins to load, in the order in which they are called. Not given: every bundled one "
        "that needs no outside service.",
    ),
    Setting(
        "database.url",
        str | None,
        None,
        "SQLAlchemy URL of the database. Not given: SQLite in the state folder.",
        secret=True,
        env="SIMPLETUNER_DATABASE_URL",
    ),
    Setting(
        "auth.mode",
        str,
        "auto",
        "auto: a request from this machine acts as the local owner while nobody else exists; "
        "local: it always does; team: everybody signs in.",
    ),
    Setting(
        "auth.local_user",
        str | None,
        None,
        "User name as whom a request from this machine acts where auth.mode lets it. Not given: "
        "the local owner, else the first administrator.",
    ),
    Setting(
        "registration.enabled",
        bool,
        False,
        "Let people make an account themselves.",
        editable=True,
    ),
    Setting(
        "registration.default_level",
        Annotated[str, AfterValidator(_below_admin)],
        "researcher",
        "Level of people who made their account themselves; never admin.",
        editable=True,
    ),
    Setting(
        "rate_limit.calls",
        int,
        360,
        "Requests one address may send in a period, and ten times as many for whoever is signed "
        "in; 0 for any number.",
        unit="requests",
        env="RATE_LIMIT_CALLS",
        minimum=0,
    ),
    Setting(
        "rate_limit.period_seconds",
        int,
        60,
        "Length of that period.",
        unit="seconds",
        env="RATE_LIMIT_PERIOD",
        minimum=1,
        maximum=3600,
    ),
    Setting(
        "auth.cleanup_interval_seconds",
        int,
        900,
        "How often expired sessions, links and counters of tries are deleted; they count for "
        "nothing before that, too.",
        unit="seconds",
        env="SIMPLETUNER_SESSION_CLEANUP_INTERVAL",
        minimum=1,
        maximum=86_400,
    ),
    Setting(
        "auth.bypass_paths",
        list[str],
        [],
        "Paths that answer GET without signing in, by whole segments: of health and metrics alone.",
    ),
    Setting(
        "secrets.key",
        str | None,
        None,
        "Keys that seal stored secrets, each 32 bytes in base64, newest first and with commas "
        "between them. Not given: secret.key in the state folder, made when first needed.",
        secret=True,
        env="SIMPLETUNER_CREDENTIAL_KEY",
    ),
    *SECRET_SETTINGS,
    Setting(
        "network.allowed_private",
        Annotated[list[str], AfterValidator(check_entries)],
        [],
        "Private networks (10.1.0.0/16) and host names (keycloak.internal) that requests aimed by "
        "users may reach: sign-in providers, webhooks. Listed ones may also be asked over http.",
        editable=True,
    ),
    Setting(
        "tls.ca_bundle",
        Path | None,
        None,
        "File with the certificate authorities (PEM) that outgoing calls trust. Not given: the "
        "well-known ones.",
    ),
    Setting("server.host", str, "127.0.0.1", "Address to listen on.", env="SIMPLETUNER_HOST"),
    Setting(
        "server.port",
        int,
        8080,
        "Port to listen on.",
        env="SIMPLETUNER_PORT",
        minimum=0,
        maximum=65535,
    ),
    Setting(
        "server.threads",
        int,
        8,
        "Threads for ordinary requests, in each process.",
        minimum=1,
        maximum=256,
    ),
    Setting(
        "server.stream_limit",
        int,
        200,
        "Event streams one process serves at a time; a page beyond it asks every few seconds.",
        minimum=1,
        maximum=1500,
    ),
    Setting(
        "server.max_body_bytes",
        int,
        100 * 2**20,
        "Largest request body.",
        unit="bytes",
        minimum=1024,
    ),
    Setting(
        "tls.hsts",
        bool,
        False,
        "Tell browsers to come back over https only, for a year; set it once https works for good.",
    ),
    Setting("logging.format", str, "text", "text or json.", env="SIMPLETUNER_LOG_FORMAT"),
    Setting(
        "logging.level",
        str,
        "info",
        "Least severe messages shown: debug, info, warning or error.",
        env="SIMPLETUNER_LOG_LEVEL",
    ),
    *QUEUE_SETTINGS,
    Setting(
        "jobs.max_attempts",
        int,
        3,
        "Attempts a job has before a crash fails it for good.",
        unit="attempts",
        editable=True,
        minimum=1,
        maximum=10,
    ),
    Setting(
        "jobs.time_limit_seconds",
        int | None,
        None,
        "Longest run of a job that names no limit itself. Not given: none.",
        unit="seconds",
        editable=True,
        minimum=1,
    ),
    Setting(
        "jobs.lease_seconds",
        float,
        30.0,
        "How long a process may be silent before another takes over its jobs.",
        unit="seconds",
        minimum=1,
        maximum=600,
    ),
    Setting(
        "background.job_status_polling.enabled", bool, True, "Ask providers how their jobs stand."
    ),
    Setting(
        "background.job_status_polling.interval_seconds",
        float,
        30.0,
        "Pause between two questions to a provider that has no shorter one of its own.",
        unit="seconds",
        minimum=1,
        maximum=3600,
    ),
)
