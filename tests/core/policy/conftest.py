"""A server with something of every part in force, and its policy as files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from st_core.services.policy_parts import applying, files, parts
from st_core.services.policy_parts.planning import Plan

PLUGINS = ("resource_rules", "zoo")
RULES = """
rules:
  - name: team x
    resource_type: config
    pattern: team-x-*
    levels: [researcher, contractor]
  - name: no a100
    resource_type: hardware
    pattern: a100*
    action: deny
    levels: [contractor]
"""
LEVELS = """
levels:
  - {name: viewer, priority: 10}
  - {name: researcher, priority: 20}
  - {name: contractor, priority: 15, description: für eine Weile, permissions: [job.submit]}
  - {name: lead, priority: 30, permissions: [queue.manage]}
  - {name: admin, priority: 100}
"""
ORGS = """
orgs:
  - slug: ml-research
    name: ML Research
    settings: {colours: [red, blue], since: "2026-01-31"}
    teams:
      - {slug: nlp, name: NLP Team}
      - {slug: vision, name: Vision, is_active: false}
  - {slug: ops, name: Ops}
"""
TESTS = """
tests:
  - name: Contractors run no A100
    given: {user: kim, levels: [contractor], config_name: team-x-1, hardware: gpu-a100-80gb}
    expect: refused
    by: [no a100]
  - name: Researchers run their team's configs
    given: {levels: [researcher], config_name: team-x-1, hardware: a100, estimate_usd: 1.5}
    expect: admitted
"""
FILES = {"levels.yaml": LEVELS, "orgs.yaml": ORGS, "resource_rules.yaml": RULES}
#: Every plugin that governs, and a tree with something of each.
GOVERNING = ("resource_rules", "quotas", "budgets", "approvals", "zoo")
EVERYTHING = {
    **FILES,
    "approvals.yaml": """
rules:
  - {name: zeal, condition: daily_jobs_exceed, threshold: "3", priority: 5}
  - name: high cost
    condition: cost_exceeds
    threshold: "50"
    priority: 5
    required_approver_level: admin
    exempt_levels: [lead]
    quorum: 2
""",
    "quotas.yaml": """
ceilings:
  - {scope: org, name: ml-research, type: concurrent_jobs, limit: 100.00}
  - {scope: team, name: ml-research/nlp, type: concurrent_jobs, limit: "20"}
  - {scope: level, name: contractor, type: jobs_per_day, limit: 5, action: warn, mode: shadow}
  - {scope: global, type: concurrent_jobs, limit: 500}
""",
    "budgets.yaml": """
limits:
  - {scope: provider, name: instant, amount_usd: 500.00, period: monthly, action: block}
  - {scope: org, name: ml-research, amount_usd: "80", period: weekly, window: calendar}
  - {scope: team, name: ml-research/vision, amount_usd: 12.5, mode: shadow}
""",
    "tests.yaml": TESTS
    + """
  - name: A job of $60 needs an admin
    given: {levels: [researcher], config_name: team-x-1, estimate_usd: "60"}
    expect: asked
    by: [high cost]
  - name: The fifth job of a full team is refused
    given: {levels: [researcher], org: ml-research, team: ml-research/nlp, config_name: team-x-1}
    facts: {quotas: {used: {team: {concurrent_jobs: "20"}, org: {concurrent_jobs: "20"}}}}
    expect: refused
""",
}


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """A server with resource rules."""
    return make_app(plugins=PLUGINS)


def read(given: dict[str, str]) -> files.Tree:
    """Return the tree of some files, in the app's context."""
    return files.read(given, parts.known())


def put(app: Flask, given: dict[str, str]) -> Plan:
    """Put files in force."""
    with app.app_context():
        return applying.apply(applying.CONSOLE, read(given))


def exported(app: Flask) -> dict[str, str]:
    """Return what is in force as files."""
    with app.app_context():
        return files.write(applying.export(applying.CONSOLE), {})


def digest(app: Flask) -> str:
    """Return the digest of everything in force."""
    with app.app_context():
        return parts.digest({name: parts.in_force(one) for name, one in parts.known().items()})


def in_force(app: Flask, name: str) -> Any:
    """Return one part as it stands."""
    with app.app_context():
        return parts.known()[name].document()
