"""Sign-in providers: OpenID Connect, LDAP and whatever else plugins bring."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .auth import GivenPassword
from .kinds import Answer, Body, JsonObject

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]*$")]
LevelName = Annotated[str, Field(min_length=1, max_length=50)]
Group = Annotated[str, Field(min_length=1, max_length=1000)]
Mapping = Annotated[
    dict[Group, list[Group] | Group],
    Field(max_length=1000, description="Level → groups, or group → levels."),
]


class ChangeBody(Body):
    """What a provider shall be; what is left out stays. A `config` replaces the one before, but
    for secrets that are left out or empty; null takes a secret away."""

    name: Name | None = Field(None, description="Cannot be changed; the name it has is accepted.")
    provider_type: str | None = Field(None, max_length=20, description="Cannot be changed.")
    enabled: bool | None = None
    auto_create_users: bool | None = None
    default_levels: list[LevelName] | None = None
    level_mapping: Mapping | None = None
    config: JsonObject | None = None


class CreateBody(ChangeBody):
    """A new provider. Whoever is in no mapped group gets `default_levels`, researcher when not
    given."""

    name: Name
    provider_type: str = Field(max_length=20, description="oidc or ldap.")


class Provider(Answer):
    """A sign-in provider, without its secrets."""

    name: str
    type: str
    enabled: bool
    auto_create_users: bool
    managed_by: str = Field(description="page, or file: then only the configuration file says.")
    addresses: dict[str, str] = Field(
        description="What to register with the provider: callback, sign_out."
    )


class ProviderDetail(Provider):
    """A sign-in provider and how it is reached."""

    default_levels: list[str]
    level_mapping: dict[str, list[str]] = Field(description="Level → groups.")
    config: JsonObject = Field(description="Without secrets.")
    secrets: dict[str, str] = Field(description="Secret fields that are set → fingerprint.")


class Providers(Answer):
    """Every sign-in provider."""

    providers: list[Provider]


class Kind(Answer):
    """A kind of provider that can be added."""

    kind: str
    title: str
    presets: dict[str, JsonObject] = Field(description="Starting points for `config`.")
    config_schema: JsonObject = Field(description="JSON Schema of `config`.")


class Kinds(Answer):
    """Every kind of provider."""

    kinds: list[Kind]


class Changed(Answer):
    """It is done."""

    success: bool = True
    name: str


class Step(Answer):
    """One step of a test."""

    name: str
    passed: bool
    message: str = Field("", description="What to do when it did not pass.")


class Tested(Answer):
    """How a provider's test went; it ends at the first step that fails."""

    success: bool
    error: str | None = None
    provider: str
    latency_ms: float
    steps: list[Step]


class Method(Answer):
    """A button of the sign-in page."""

    name: str
    label: str
    url: str
    kind: str
    icon: str


class Available(Answer):
    """The ways in beside a password of this server."""

    oidc: list[str]
    ldap: list[str]
    has_external_auth: bool
    methods: list[Method]


class LdapLoginBody(Body):
    """Name and password in a directory."""

    username: str = Field(min_length=1, max_length=254)
    password: GivenPassword
    provider: str | None = Field(
        None, max_length=100, description="The directory; needed when there are several."
    )
    remember_me: bool = Field(False, description="30 days instead of 24 hours.")
