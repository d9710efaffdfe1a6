"""Pages: what plugins add to the sidebar and to core pages."""

from __future__ import annotations

from typing import Any

from ..contracts import NavItem, Section, Viewer
from .marker import hookspec


@hookspec
def st_nav_items(viewer: Viewer) -> list[NavItem]:
    """Add links to the sidebar.

    When:   Q, on every page.
    Given:  the viewer.
    Answer: a list of NavItem; one with a permission shows only to its holders.
    Rules:  no network, under 10 ms.
    Used by: approvals, audit, budgets, credentials, quotas, resource_rules, simpletuner_trainer.
    """


@hookspec
def st_page_sections(page: str, viewer: Viewer, subject: Any) -> list[Section]:
    """Add panels to a core page.

    When:   Q, when the page is drawn.
    Given:  the page's name (job, submit, queue, system, settings, admin, org, profile), the viewer,
            and its subject (the job on page job, the organisation on page org).
    Answer: a list of Section, each with a template below the plugin's name and an explicit context.
    Rules:  a failing section is shown as failed and harms no other.
    Used by: approvals, budgets, local_gpu, quotas.
    """
