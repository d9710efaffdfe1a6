"""Declare routes: one declaration says paths, methods, who may, what goes in and what comes out.

The declaration is the only source: requests are parsed by it, the guard reads the permission from
it, and the OpenAPI document is written from it. A route without a declaration is answered to
nobody.

Words: `PUBLIC` routes need no viewer, `ALWAYS` routes also answer while the server is not set up
yet, `SIGNED_IN` routes need any viewer; everything else names a permission, or several of which one
is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar

from flask import Blueprint, Flask, Response, current_app, request
from pydantic import BaseModel

from ..errors import PluginError
from . import parsing

PUBLIC = "public"
ALWAYS = "always"
SIGNED_IN = "signed_in"
OPEN = frozenset({PUBLIC, ALWAYS})

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Raw:
    """An answer that is not JSON: its media type and what it holds."""

    media_type: str
    description: str


#: What a status answers with; several when the caller may choose the form.
AnswerKind = type[BaseModel] | Raw | tuple[type[BaseModel] | Raw, ...]


@dataclass(frozen=True)
class Declared:
    """What one handler promised; stands on the view function as `declared`."""

    permission: str | tuple[str, ...]
    methods: tuple[str, ...]
    rules: tuple[str, ...]
    summary: str
    page: bool = False
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    uploads: tuple[str, ...] = ()
    answers: Mapping[int, AnswerKind] = field(default_factory=dict)
    errors: tuple[int, ...] = ()
    tags: tuple[str, ...] = ()
    step_up: bool = False

    @property
    def permissions(self) -> tuple[str, ...]:
        """Name the permissions of which one is enough; empty when none is needed."""
        names = (self.permission,) if isinstance(self.permission, str) else self.permission
        return tuple(name for name in names if name not in OPEN | {SIGNED_IN})

    def kinds(self, status: int) -> tuple[type[BaseModel] | Raw, ...]:
        """Return every form in which `status` may be answered."""
        found = self.answers[status]
        return found if isinstance(found, tuple) else (found,)

    @property
    def is_open(self) -> bool:
        """Tell whether callers without any credential are answered."""
        return self.permission in OPEN


def route(
    blueprint: Blueprint,
    rules: str | Sequence[str],
    *,
    permission: str | tuple[str, ...],
    summary: str,
    methods: Sequence[str] = ("GET",),
    query: type[BaseModel] | None = None,
    body: type[BaseModel] | None = None,
    uploads: Sequence[str] = (),
    answers: Mapping[int, AnswerKind] | None = None,
    errors: Sequence[int] = (),
    tags: Sequence[str] = (),
    step_up: bool = False,
) -> Callable[[View], View]:
    """Declare a JSON route under all its paths, the preferred one first.

    The view gets the path's variables, `query` and `body` as keywords when declared, and returns a
    model (answered with the first status of `answers`), a model with its status and headers, or a
    finished response. With a content type out of `uploads` the view reads the request itself and
    gets `body=None`. `errors` lists statuses beyond those that follow from the declaration (401,
    403, 422, 500). With `step_up` a caller with a session must have proved within the last ten
    minutes to be there (`POST /api/auth/confirm`).
    """
    paths = (rules,) if isinstance(rules, str) else tuple(rules)

    def declare(view: View) -> View:
        declared = Declared(
            permission=permission,
            methods=tuple(methods),
            rules=paths,
            summary=summary,
            query=query,
            body=body,
            uploads=tuple(uploads),
            answers=dict(answers or {}),
            errors=tuple(errors),
            tags=tuple(tags) or (blueprint.name,),
            step_up=step_up,
        )
        return _mount(blueprint, _parsed(view, declared), declared)

    return declare


def page(
    blueprint: Blueprint,
    rules: str | Sequence[str],
    *,
    permission: str | tuple[str, ...],
    methods: Sequence[str] = ("GET",),
) -> Callable[[View], View]:
    """Declare an HTML page; the view gets the path's variables and answers as in Flask."""
    paths = (rules,) if isinstance(rules, str) else tuple(rules)

    def declare(view: View) -> View:
        declared = Declared(permission, tuple(methods), paths, view.__name__, page=True)
        return _mount(blueprint, view, declared)

    return declare


def declared_for(endpoint: str) -> Declared | None:
    """Return what the handler behind `endpoint` of the current app declared, None when nothing."""
    return getattr(current_app.view_functions.get(endpoint), "declared", None)


def is_static(endpoint: str, app: Flask | None = None) -> bool:
    """Tell whether `endpoint` is Flask's own file route of the app or of a blueprint."""
    app = app or current_app._get_current_object()  # type: ignore[attr-defined]
    owner, _, name = endpoint.rpartition(".")
    holder = app.blueprints.get(owner) if owner else app
    return name == "static" and bool(holder and holder.has_static_folder)


def operations(app: Flask) -> Iterator[tuple[str, str, Declared]]:
    """Yield endpoint, path and declaration of every declared rule of `app`."""
    for rule in app.url_map.iter_rules():
        declared = getattr(app.view_functions.get(rule.endpoint), "declared", None)
        if declared is not None:
            yield rule.endpoint, rule.rule, declared


def check(app: Flask, known_permissions: set[str] | frozenset[str]) -> None:
    """Refuse routes without a declaration, with an unknown permission, or in each other's way.

    Raises PluginError when one is found, so that the server does not start.
    """
    taken: dict[tuple[str, str], str] = {}
    for rule in app.url_map.iter_rules():
        if is_static(rule.endpoint, app):
            continue
        declared = getattr(app.view_functions.get(rule.endpoint), "declared", None)
        if declared is None:
            raise PluginError(
                f"the route {rule.rule} ({rule.endpoint}) declares no permission; "
                "declare it with st_core.api.routing.route or page"
            )
        if unknown := set(declared.permissions) - known_permissions:
            raise PluginError(
                f"the route {rule.rule} ({rule.endpoint}) asks for the unknown permission "
                f"{', '.join(sorted(unknown))}; register it with st_permissions"
            )
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            other = taken.setdefault((method, parsing.shape(rule.rule)), rule.endpoint)
            if other != rule.endpoint:
                raise PluginError(
                    f"{method} {rule.rule} belongs to both {other} and {rule.endpoint}; "
                    "one of them needs another path"
                )


def _mount(blueprint: Blueprint, view: Any, declared: Declared) -> Any:
    view.declared = declared
    for path in declared.rules:
        blueprint.add_url_rule(path, view.__name__, view, methods=list(declared.methods))
    return view


def _parsed(view: Callable[..., Any], declared: Declared) -> Callable[..., Any]:
    default = next(iter(declared.answers), 200)

    @wraps(view)
    def call(**path: Any) -> Any:
        parsing.refuse_nul(request.path)
        if declared.query is not None:
            path["query"] = parsing.query(declared.query)
        if declared.body is not None:
            path["body"] = parsing.body(declared.body, declared.uploads)
        return answer(view(**path), default)

    return call


def answer(result: Any, default_status: int = 200) -> Any:
    """Turn what a view returned into a response; models become JSON."""
    if isinstance(result, Response):
        return result
    model, status, *rest = result if isinstance(result, tuple) else (result, default_status)
    if not isinstance(model, BaseModel):
        return result
    text = model.model_dump_json(by_alias=True)
    return Response(text, status, rest[0] if rest else None, mimetype="application/json")
