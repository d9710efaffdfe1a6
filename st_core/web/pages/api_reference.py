"""The API reference: drawn from the OpenAPI document that the routes themselves write."""

from __future__ import annotations

from flask import current_app

from ...api import openapi
from ...api.routing import SIGNED_IN, page
from ...errors import NotFound
from ..frame import Crumb, Page, blueprint, render
from ..presenters import api_pages


@page(blueprint, "/docs/api", permission=SIGNED_IN)
def api_reference() -> str:
    """Show every operation of the API, by subject."""
    return render(
        "docs/api.html",
        Page("API reference", "api", (Crumb("API reference"),)),
        subjects=api_pages.subjects(_document()),
        subject=None,
        operations=[],
    )


@page(blueprint, "/docs/api/<subject>", permission=SIGNED_IN)
def api_subject(subject: str) -> str:
    """Show the operations of one subject in full."""
    document = _document()
    subjects = api_pages.subjects(document)
    found = next((one for one in subjects if one.name == subject), None)
    if found is None:
        names = ", ".join(one.name for one in subjects)
        raise NotFound(f"The API has no subject {subject!r}. There are: {names}.")
    crumbs = (Crumb("API reference", "/docs/api"), Crumb(found.title))
    return render(
        "docs/api.html",
        Page(f"API: {found.title}", "api", crumbs),
        subjects=subjects,
        subject=found,
        operations=api_pages.operations(document, subject),
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
    crumbs = (Crumb("API reference", "/docs/api"), Crumb("Models"), Crumb(name))
    return render(
        "docs/model.html",
        Page(f"API: {name}", "api", crumbs, narrow=True),
        name=name,
        text=text,
        fields=fields,
    )
