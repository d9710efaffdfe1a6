"""The API reference: drawn from the OpenAPI document that the routes themselves write."""

from __future__ import annotations

from flask import current_app, request, url_for

from ...api import openapi
from ...api.routing import SIGNED_IN, page
from ..frame import Crumb, Page, blueprint, render
from ..presenters import api_pages


@page(blueprint, "/docs/api", permission=SIGNED_IN)
def api_reference() -> str:
    """List the subjects of the API, and the operations of the one that is asked for."""
    subjects = api_pages.subjects(_document())
    name = request.args.get("subject") or subjects[0].name
    return render(
        "docs/api.html",
        Page("API reference", "api", (Crumb("API reference"),)),
        subjects=subjects,
        shown=api_pages.subject(_document(), name),
        count=sum(len(one.operations) for one in subjects),
    )


@page(blueprint, "/docs/api/<subject>/<operation>", permission=SIGNED_IN)
def api_operation(subject: str, operation: str) -> str:
    """Show one operation in full: who may, what goes in, what comes out."""
    found = api_pages.subject(_document(), subject)
    shown = found.operation(operation)
    crumbs = (Crumb("API reference", url_for("web.api_reference")), Crumb(found.title))
    return render(
        "docs/operation.html",
        Page(f"API: {shown.summary}", "api", (*crumbs, Crumb(shown.summary))),
        subject=found,
        op=shown,
    )


def _document() -> dict[str, object]:
    """Return the document, made once per process."""
    kept = current_app.extensions.get("st_openapi_data")
    if kept is None:
        kept = current_app.extensions["st_openapi_data"] = openapi.describe(current_app)
    document: dict[str, object] = kept
    return document


@page(blueprint, "/docs/api/models/<name>", permission=SIGNED_IN)
def api_model(name: str) -> str:
    """Show the fields of one model of the API."""
    text, fields = api_pages.model(_document(), name)
    crumbs = (
        Crumb("API reference", url_for("web.api_reference")),
        Crumb("Models"),
        Crumb(name),
    )
    return render(
        "docs/model.html",
        Page(f"API: {name}", "api", crumbs, narrow=True),
        name=name,
        text=text,
        fields=fields,
    )
