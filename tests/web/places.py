"""Every page there is, by a short name: what the pictures, axe and the size check go through."""

from __future__ import annotations

#: Name → path; `{job}` is the number of a finished job, `{config}` the name of a saved config.
PLACES = {
    "jobs": "/jobs",
    "jobs-nothing": "/jobs?status=failed&q=nowhere",
    "job-new": "/jobs/new?config={config}",
    "job-again": "/jobs/new?again={job}&start_from={job}",
    "job": "/jobs/{job}",
    "job-log-scale": "/jobs/{job}?smooth=0.9&scale=log",
    "job-metrics": "/jobs/{job}/metrics",
    "job-samples": "/jobs/{job}/samples",
    "job-log": "/jobs/{job}/log",
    "job-files": "/jobs/{job}/files",
    "job-config": "/jobs/{job}/config",
    "job-events": "/jobs/{job}/events",
    "queue": "/queue",
    "job-why": "/jobs/{job}/why",
    "decisions": "/decisions",
    "decisions-nothing": "/decisions?outcome=refused",
    "what-if": "/admin/what-if",
    "configs": "/configs",
    "config-new": "/configs/new",
    "config-new-simpletuner": "/configs/new?trainer=simpletuner_trainer",
    "config": "/configs/{config}",
    "config-json": "/configs/{config}?view=json",
    "config-revisions": "/configs/{config}/revisions",
    "config-revision": "/configs/{config}/revisions/1",
    "first-run": "/first-run",
    "invitation": "/invitation",
    "reset-password": "/reset-password",
    "profile": "/profile",
    "users": "/admin/users",
    "users-nobody": "/admin/users?q=nobody",
    "user": "/admin/users/1",
    "levels": "/admin/levels",
    "level": "/admin/levels/2",
    "level-new": "/admin/levels/new",
    "auth": "/admin/auth",
    "orgs": "/admin/orgs",
    "quotas": "/admin/quotas",
    "spend": "/spend",
    "approvals": "/approvals",
    "approvals-decided": "/approvals/decided",
    "approvals-rules": "/approvals/rules",
    "approvals-delegation": "/approvals/delegation",
    "audit": "/audit",
    "credentials": "/admin/credentials",
    "audit-nothing": "/audit?q=nothing-like-this",
    "rules": "/admin/rules",
    "rules-new": "/admin/rules?edit=new",
    "rules-tester": "/admin/rules?who=researcher&hardware=a100",
    "system": "/system",
    "plugins": "/plugins",
    "setup": "/admin/setup",
    "settings": "/admin/settings",
    "api": "/docs/api",
    "api-operation": "/docs/api/jobs/submit_submit",
    "api-model": "/docs/api/models/Job",
    "nothing": "/no-such-page",
}

#: Those about people: axe judges them where there are people, apart from the rest.
ABOUT_PEOPLE = (
    "invitation",
    "reset-password",
    "profile",
    "users",
    "users-nobody",
    "user",
    "levels",
    "level",
    "level-new",
    "auth",
    "orgs",
)


def url(name: str, job: str = "1", config: str = "digits") -> str:
    """Return the path of a page."""
    return PLACES[name].format(job=job, config=config)
