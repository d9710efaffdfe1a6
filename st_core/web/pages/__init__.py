"""The views: each parses, calls a presenter or a service, and renders. Importing this declares
their routes.
"""

from . import admin, api_reference, configs, job, jobs, new_job, queue, system

__all__ = ["admin", "api_reference", "configs", "job", "jobs", "new_job", "queue", "system"]
