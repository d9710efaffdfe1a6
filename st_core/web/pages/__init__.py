"""The views: each parses, calls a presenter or one service, and renders. Importing this declares their routes."""

from . import admin, api_reference, configs, job, jobs, queue, system

__all__ = ["admin", "api_reference", "configs", "job", "jobs", "queue", "system"]
