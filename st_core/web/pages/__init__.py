"""The views: each parses, calls a presenter or a service, and renders. Importing this declares
their routes.
"""

from . import (
    admin,
    api_reference,
    auth_providers,
    configs,
    decisions,
    entry,
    job,
    jobs,
    new_job,
    orgs,
    people,
    profile,
    queue,
    system,
    why,
)

__all__ = [
    "admin",
    "api_reference",
    "auth_providers",
    "configs",
    "decisions",
    "entry",
    "job",
    "jobs",
    "new_job",
    "orgs",
    "people",
    "profile",
    "queue",
    "system",
    "why",
]
