"""The contract with plugins: every hook, in six modules, each with the same five labelled lines.

Kinds. R registration: once at start, returns data, no database, no network. Q question: may read
the database,
writes nothing, no network. O outside: no unit of work open, network allowed with a timeout. T
inside the unit
of work: may write through the session, must not commit, roll back, sleep or touch the network;
raising cancels
everything. A after commit: at least once, isolated per plugin, idempotent by `event.id`.
"""

from .facts import st_on_event, st_record
from .identity import (
    st_auth_provider_kinds,
    st_check_password,
    st_identify_request,
    st_login_methods,
)
from .operations import st_health_checks, st_metrics, st_purge
from .pages import st_nav_items, st_page_sections
from .running import st_hold_job, st_job_environment, st_job_transition
from .startup import (
    st_blueprints,
    st_commands,
    st_configure,
    st_event_types,
    st_permissions,
    st_provider_options,
    st_providers,
    st_services,
    st_settings,
    st_shutdown,
    st_startup,
    st_trainers,
)
from .submission import (
    st_approval_desk,
    st_check_access,
    st_estimate_cost,
    st_policies,
    st_prepare_submission,
    st_require_approval,
    st_reserve_limits,
)

__all__ = [
    "st_approval_desk",
    "st_auth_provider_kinds",
    "st_blueprints",
    "st_check_access",
    "st_check_password",
    "st_commands",
    "st_configure",
    "st_estimate_cost",
    "st_event_types",
    "st_health_checks",
    "st_hold_job",
    "st_identify_request",
    "st_job_environment",
    "st_job_transition",
    "st_login_methods",
    "st_metrics",
    "st_nav_items",
    "st_on_event",
    "st_page_sections",
    "st_permissions",
    "st_policies",
    "st_prepare_submission",
    "st_provider_options",
    "st_providers",
    "st_purge",
    "st_record",
    "st_require_approval",
    "st_reserve_limits",
    "st_services",
    "st_settings",
    "st_shutdown",
    "st_startup",
    "st_trainers",
]
