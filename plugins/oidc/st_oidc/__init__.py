"""Sign-in through OpenID Connect: Okta, Azure AD, Google, Keycloak, Auth0 and others (guide 2)."""

from st_core import hookimpl

from . import api, kind, models, records, settings, states  # models: the table must be known


@hookimpl
def st_settings():
    return settings.SETTINGS


@hookimpl
def st_blueprints():
    return [api.blueprint]


@hookimpl
def st_auth_provider_kinds():
    return [kind.KIND]


@hookimpl
def st_login_methods():
    return records.login_methods()


@hookimpl
def st_purge(dry_run):
    return states.purge(dry_run)


__all__ = ["models"]
