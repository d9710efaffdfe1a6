"""The `oidc:` block of the configuration file (guide section 2): one provider, as an administrator
would enter it on the page. Nothing here is needed for providers that are kept in the database.
"""

from __future__ import annotations

from typing import Any

from st_core.contracts import Setting

SETTINGS = [
    Setting("oidc.enabled", bool | None, None, "Offer this provider on the sign-in page."),
    Setting(
        "oidc.provider",
        str | None,
        None,
        "Name of this provider; okta, azure_ad, google, keycloak and auth0 also fill in what is "
        "not said here.",
    ),
    Setting(
        "oidc.providers",
        list[dict[str, Any]] | None,
        None,
        "More providers, each with the keys of this block.",
        secret=True,
    ),
    Setting(
        "oidc.issuer_url",
        str | None,
        None,
        "Address of the provider, exactly as its discovery document spells it.",
        env="SIMPLETUNER_OIDC_ISSUER",
    ),
    Setting("oidc.issuer", str | None, None, "The same as oidc.issuer_url."),
    Setting(
        "oidc.client_id",
        str | None,
        None,
        "What the provider calls this server.",
        env="SIMPLETUNER_OIDC_CLIENT_ID",
    ),
    Setting(
        "oidc.client_secret",
        str | None,
        None,
        "Proves to the provider that it is this server that asks.",
        secret=True,
        env="SIMPLETUNER_OIDC_CLIENT_SECRET",
    ),
    Setting(
        "oidc.scopes",
        list[str] | str | None,
        None,
        "What is asked for: openid, email, profile, and what makes the provider send groups.",
        env="SIMPLETUNER_OIDC_SCOPES",
    ),
    Setting(
        "oidc.role_mapping",
        dict[str, Any] | None,
        None,
        "Which groups mean what: claim, admin_groups (level admin) and user_groups (level "
        "researcher). Whoever is in none of them gets no level.",
    ),
    Setting(
        "oidc.level_mapping",
        dict[str, list[str]] | None,
        None,
        "Any levels by group, or groups by level; role_mapping is the short form.",
    ),
    Setting(
        "oidc.default_levels",
        list[str] | None,
        None,
        "Levels of a person whose groups mean nothing here.",
    ),
    Setting(
        "oidc.auto_create_users",
        bool | None,
        None,
        "Make an account at the first sign-in; off, only known people come in.",
    ),
    Setting("oidc.groups_claim", str | None, None, "Claim that names the person's groups."),
    Setting(
        "oidc.roles_claim",
        str | None,
        None,
        "One more claim whose names count as groups, such as realm_access.roles.",
    ),
    Setting("oidc.username_claim", str | None, None, "Claim a new account is named after."),
    Setting(
        "oidc.verify_ssl", bool | None, None, "Check the provider's certificate; off for trials."
    ),
    Setting(
        "oidc.clock_skew_seconds",
        int | None,
        None,
        "How far the provider's clock may be from ours. Not given: 60.",
        unit="seconds",
        minimum=0,
        maximum=600,
    ),
    Setting(
        "oidc.redirect_url",
        str | None,
        None,
        "Callback address registered with the provider, when this server has another name outside.",
    ),
    Setting(
        "oidc.token_endpoint_auth_method",
        str | None,
        None,
        "auto, client_secret_basic, client_secret_post or none.",
    ),
    Setting(
        "oidc.allowed_algorithms",
        list[str] | None,
        None,
        "Algorithms an ID token may be signed with. Not given: RS, PS, ES and EdDSA.",
    ),
]
