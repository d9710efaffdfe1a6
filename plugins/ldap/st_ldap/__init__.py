"""Sign-in through a directory: LDAP and Active Directory (guide section 2)."""

from st_core import hookimpl

from . import kind, leaving, settings, signing_in


@hookimpl
def st_settings():
    return settings.SETTINGS


@hookimpl
def st_auth_provider_kinds():
    return [kind.KIND]


@hookimpl
def st_check_password(username, password, attempt):
    return signing_in.check_password(username, password, attempt)


@hookimpl
def st_login_methods():
    return signing_in.login_methods()


@hookimpl
def st_services():
    return [leaving.SERVICE]
