"""How one OpenID provider is configured: the fields of its record, and named starting points.

The issuer is compared letter by letter with what the provider says, so nothing about it is made
prettier here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator

#: Signatures made with a private key. "none" and the HS family (a shared secret) never.
Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
    "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
]  # fmt: skip
ALGORITHMS: tuple[Algorithm, ...] = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
    "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
)  # fmt: skip
LONGEST_ISSUER = 255


class OidcConfig(BaseModel):
    """One OpenID provider, as an administrator describes it."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    issuer: str = Field(
        validation_alias=AliasChoices("issuer", "issuer_url"),
        max_length=LONGEST_ISSUER,
        title="Issuer",
        description="Address of the provider, exactly as its discovery document spells it; a "
        "trailing slash matters. Also accepted as issuer_url.",
    )
    client_id: str = Field(min_length=1, max_length=500, title="Client ID")
    client_secret: str = Field(
        "",
        max_length=4000,
        title="Client secret",
        description="Empty for a public client, which PKCE alone protects.",
        json_schema_extra={"secret": True},
    )
    scopes: list[str] = Field(
        default_factory=lambda: ["openid", "email", "profile"],
        title="Scopes",
        description="What is asked for; openid is added when it is missing.",
    )
    groups_claim: str = Field(
        "groups",
        max_length=200,
        title="Groups claim",
        description="Claim that names the person's groups; a dot leads into an object.",
    )
    roles_claim: str | None = Field(
        None,
        max_length=200,
        title="Roles claim",
        description="One more claim whose names count as groups, such as realm_access.roles.",
    )
    username_claim: str = Field(
        "preferred_username",
        min_length=1,
        max_length=200,
        title="User name claim",
        description="Claim that a new account is named after.",
    )
    verify_ssl: bool = Field(
        True,
        title="Check the provider's certificate",
        description="Off only for a trial: whoever sits on the way could sign in as anybody.",
    )
    clock_skew_seconds: int = Field(
        60,
        ge=0,
        le=600,
        title="Clock skew",
        description="Seconds that the provider's clock may differ from ours.",
    )
    redirect_url: str | None = Field(
        None,
        max_length=2000,
        title="Redirect URL",
        description="The callback address registered with the provider, when it is not "
        "this server's own https://…/api/auth/external/oidc/NAME/callback.",
    )
    token_endpoint_auth_method: Literal[
        "auto", "client_secret_basic", "client_secret_post", "none"
    ] = Field(
        "auto",
        title="Client authentication",
        description="auto: what the provider says it understands.",
    )
    allowed_algorithms: list[Algorithm] = Field(
        default_factory=lambda: [*ALGORITHMS],
        min_length=1,
        title="Signature algorithms",
        description="Algorithms an ID token may be signed with.",
    )

    @field_validator("issuer")
    @classmethod
    def _is_an_issuer(cls, value: str) -> str:
        check_url(value, "the issuer")
        if "?" in value or "#" in value:
            raise ValueError("the issuer has no query (?) and no fragment (#)")
        return value

    @field_validator("redirect_url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if not value:
            return None
        check_url(value, "the redirect URL")
        if "#" in value:
            raise ValueError("the redirect URL has no fragment (#)")
        return value

    @field_validator("roles_claim")
    @classmethod
    def _none_when_empty(cls, value: str | None) -> str | None:
        return value or None

    @field_validator("scopes", mode="before")
    @classmethod
    def _words(cls, value: Any) -> Any:
        return value.replace(",", " ").split() if isinstance(value, str) else value

    @field_validator("scopes")
    @classmethod
    def _with_openid(cls, value: list[str]) -> list[str]:
        if wrong := [scope for scope in value if not scope or set(scope) & set(' "\\')]:
            raise ValueError(f"{wrong[0]!r} is no scope: a scope is one word")
        return value if "openid" in value else ["openid", *value]


def check_url(value: str, what: str) -> None:
    """Pass a plain http or https address. Raises ValueError for anything else."""
    try:
        parts = urlsplit(value)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"{what} is no address: {error}") from error
    if parts.scheme not in ("https", "http") or not host:
        raise ValueError(f"{what} must begin with https://, not {value[:40]!r}")
    if parts.username is not None or not value.isprintable() or " " in value:
        raise ValueError(f"{what} must hold no user name and no spaces")


#: Starting points by the provider's product; capitals are to be replaced.
PRESETS: Mapping[str, Mapping[str, Any]] = {
    "okta": {
        "issuer": "https://YOUR-ORG.okta.com/oauth2/default",
        "scopes": ["openid", "email", "profile", "groups"],
        "groups_claim": "groups",
    },
    "azure_ad": {
        "issuer": "https://login.microsoftonline.com/YOUR-TENANT-ID/v2.0",
        "scopes": ["openid", "email", "profile"],
        "groups_claim": "groups",
        "roles_claim": "roles",
    },
    "google": {
        "issuer": "https://accounts.google.com",
        "scopes": ["openid", "email", "profile"],
        "username_claim": "email",
    },
    "keycloak": {
        "issuer": "https://YOUR-KEYCLOAK/realms/YOUR-REALM",
        "scopes": ["openid", "email", "profile", "roles"],
        "groups_claim": "groups",
        "roles_claim": "realm_access.roles",
    },
    "auth0": {
        "issuer": "https://YOUR-TENANT.eu.auth0.com/",
        "scopes": ["openid", "email", "profile"],
        "groups_claim": "https://YOUR-NAMESPACE/groups",
        "username_claim": "nickname",
    },
}
