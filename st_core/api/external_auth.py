"""Sign-in providers over HTTP, under `/api/auth/external` and the guide's
`/api/cloud/external-auth`."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from ..errors import Malformed
from ..models import AuthProvider
from ..services import auth_providers, login_methods, provider_records, registries, signin
from ..services.auth_providers import Wanted
from .auth import signed_in
from .guard import current_viewer
from .routing import PUBLIC, route
from .schemas import external_auth as schemas
from .schemas.auth import LoginAnswer
from .schemas.kinds import Success

blueprint = Blueprint("external_auth", __name__)


def _paths(rest: str) -> list[str]:
    return [f"/api/auth/external/{rest}", f"/api/cloud/external-auth/{rest}"]


@route(
    blueprint,
    _paths("providers"),
    permission="admin.config",
    summary="List sign-in providers",
    answers={200: schemas.Providers},
)
def list_providers() -> schemas.Providers:
    """List every sign-in provider, without config and secrets."""
    rows = [_told(each) for each in auth_providers.rows()]
    return schemas.Providers(providers=[schemas.Provider.model_validate(row) for row in rows])


@route(
    blueprint,
    _paths("kinds"),
    permission="admin.config",
    summary="List kinds of sign-in providers",
    answers={200: schemas.Kinds},
)
def list_kinds() -> schemas.Kinds:
    """List what can be added, with the form of its config and named starting points."""
    return schemas.Kinds(
        kinds=[
            schemas.Kind(
                kind=each.kind,
                title=each.title,
                presets={name: dict(preset) for name, preset in each.presets.items()},
                config_schema=each.config.model_json_schema(),
            )
            for each in registries.auth_kinds().values()
        ]
    )


@route(
    blueprint,
    _paths("providers"),
    methods=["POST"],
    permission="admin.config",
    summary="Add a sign-in provider",
    body=schemas.CreateBody,
    answers={201: schemas.ProviderDetail},
    errors=[400],
    step_up=True,
)
def create(body: schemas.CreateBody) -> schemas.ProviderDetail:
    """Add a provider; its config is checked by its kind."""
    viewer = current_viewer()
    made = auth_providers.create(viewer, body.name, body.provider_type, _wanted(body))
    return _detail(made)


@route(
    blueprint,
    _paths("providers/<name>"),
    permission="admin.config",
    summary="Describe a sign-in provider",
    answers={200: schemas.ProviderDetail},
    errors=[404],
)
def show(name: str) -> schemas.ProviderDetail:
    """Describe one provider; of a secret only the fingerprint."""
    return _detail(auth_providers.row(name))


@route(
    blueprint,
    _paths("providers/<name>"),
    methods=["PATCH", "PUT"],
    permission="admin.config",
    summary="Change a sign-in provider",
    body=schemas.ChangeBody,
    answers={200: schemas.Changed},
    errors=[404, 409],
    step_up=True,
)
def change(name: str, body: schemas.ChangeBody) -> schemas.Changed:
    """Change what is given; secrets that are left out stay."""
    kind = auth_providers.row(name).kind
    for field, given, present in (
        ("name", body.name, name),
        ("provider_type", body.provider_type, kind),
    ):
        if given not in (None, present):
            raise Malformed(
                f"{field} of a provider cannot be changed; delete it and add another.",
                fields=[{"path": field, "message": "cannot be changed"}],
            )
    auth_providers.change(current_viewer(), name, _wanted(body))
    return schemas.Changed(name=name)


@route(
    blueprint,
    _paths("providers/<name>"),
    methods=["DELETE"],
    permission="admin.config",
    summary="Delete a sign-in provider",
    answers={200: Success},
    errors=[404, 409],
    step_up=True,
)
def delete(name: str) -> Success:
    """Delete a provider and end the sessions it began; the accounts stay."""
    auth_providers.delete(current_viewer(), name)
    return Success()


@route(
    blueprint,
    _paths("providers/<name>/test"),
    methods=["POST", "GET"],
    permission="admin.config",
    summary="Test a sign-in provider",
    answers={200: schemas.Tested},
    errors=[404],
)
def test(name: str) -> schemas.Tested:
    """Walk the connection step by step and say which step fails, and what to do."""
    steps, milliseconds = auth_providers.test(name)
    failed = next((step for step in steps if not step.passed), None)
    return schemas.Tested(
        success=failed is None,
        error=f"{failed.name}: {failed.message}" if failed else None,
        provider=name,
        latency_ms=round(milliseconds, 1),
        steps=[schemas.Step.model_validate(step) for step in steps],
    )


@route(
    blueprint,
    _paths("available"),
    permission=PUBLIC,
    summary="Ways in beside a password",
    answers={200: schemas.Available},
)
def available() -> schemas.Available:
    """List the ways in of the sign-in page; open to everybody, so nothing but names."""
    methods = login_methods.every()
    named = {
        kind: [each.name for each in methods if each.kind == kind] for kind in ("oidc", "ldap")
    }
    return schemas.Available(
        **named,
        has_external_auth=bool(methods),
        methods=[schemas.Method.model_validate(each) for each in methods],
    )


@route(
    blueprint,
    _paths("ldap/login"),
    methods=["POST"],
    permission=PUBLIC,
    summary="Sign in with a directory's password",
    body=schemas.LdapLoginBody,
    answers={200: LoginAnswer, 202: LoginAnswer},
    errors=[401, 429],
)
def ldap_login(body: schemas.LdapLoginBody) -> Response:
    """Sign in with name and password of a directory; the session comes as a cookie."""
    provider = body.provider
    if provider is None:
        directories = auth_providers.enabled("ldap")
        provider = directories[0].name if len(directories) == 1 else None
    entry = signin.with_password(
        body.username, body.password, remember=body.remember_me, provider=provider
    )
    return signed_in(entry)


def _wanted(body: schemas.ChangeBody) -> Wanted:
    return Wanted(
        enabled=body.enabled,
        auto_create_users=body.auto_create_users,
        default_levels=body.default_levels,
        level_mapping=body.level_mapping,
        config=body.config,
    )


def _detail(row: AuthProvider) -> schemas.ProviderDetail:
    return schemas.ProviderDetail.model_validate(_told(row))


def _told(row: AuthProvider) -> dict[str, Any]:
    origin = request.host_url.rstrip("/")
    told = auth_providers.described(row)
    return told | {
        "addresses": provider_records.addresses(row.kind, row.name, origin, told["config"])
    }
