"""What a person's claims mean here: name, address, and the groups of the configured claims.

A claim's name may be dotted (`realm_access.roles`); a dot may also be part of a name, as in
`https://example.com/roles`, so the longest name that is there wins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from st_core.contracts import ExternalPerson

from .provider_config import OidcConfig
from .refusals import Refusal

#: More names than this cannot be a person's groups; they would only fill the database.
MOST_GROUPS = 10_000
LONGEST_SUBJECT = 255

OVERAGE = (
    "The provider left out this person's groups because there are too many of them (Azure AD: over "
    "200). In the app registration open Token configuration and let the groups claim hold only "
    "'Groups assigned to the application', or use app roles and set roles_claim to 'roles'."
)

Claims = Mapping[str, Any]


def find(claims: Any, name: str) -> Any:
    """Return the claim of a dotted name, None when it is not there."""
    if not isinstance(claims, Mapping):
        return None
    if name in claims:
        return claims[name]
    dots = [at for at, letter in enumerate(name) if letter == "."]
    for at in reversed(dots):
        found = find(claims.get(name[:at]), name[at + 1 :])
        if found is not None:
            return found
    return None


def groups(
    sources: Sequence[Claims], config: OidcConfig, *, matter: bool = True
) -> tuple[str, ...]:
    """Return the names in the groups and roles claims; each claim of the first source that has it.

    Raises Refusal when a claim holds no names, or when the provider says that it left the groups
    out and they `matter`.
    """
    names: dict[str, None] = {}
    for claim in filter(None, (config.groups_claim, config.roles_claim)):
        value = _first(sources, claim)
        if value is None:
            if matter:
                _refuse_overage(sources, claim)
            continue
        names |= dict.fromkeys(_names(value, claim))
    return tuple(names)


def is_complete(source: Claims, config: OidcConfig) -> bool:
    """Tell whether `source` has every claim that groups are read from."""
    wanted = filter(None, (config.groups_claim, config.roles_claim))
    return all(find(source, claim) is not None for claim in wanted)


def person(
    sources: Sequence[Claims],
    config: OidcConfig,
    provider_state: Mapping[str, str],
    *,
    groups_matter: bool = True,
) -> ExternalPerson:
    """Return whom these claims describe, the first source being the ID token's.

    Raises Refusal as `groups` does, or for a subject no directory can mean.
    """
    subject = str(sources[0]["sub"])
    if len(subject) > LONGEST_SUBJECT or not subject.isprintable():
        raise Refusal(
            "The provider's 'sub' is no name for a person: OpenID Connect allows 255 ASCII "
            f"characters, this one has {len(subject)} or others.",
            code="oidc_subject_invalid",
        )
    email = _text(_first(sources, "email"))
    return ExternalPerson(
        issuer=config.issuer,
        subject=subject,
        username=_username(sources, config, email) or subject,
        email=email,
        email_verified=_first(sources, "email_verified") in (True, "true"),
        display_name=_text(_first(sources, "name")),
        groups=groups(sources, config, matter=groups_matter),
        provider_state=provider_state,
    )


def _username(sources: Sequence[Claims], config: OidcConfig, email: str | None) -> str | None:
    if found := _text(_first(sources, config.username_claim)):
        return found
    return _text(_first(sources, "preferred_username")) or email


def _first(sources: Sequence[Claims], name: str) -> Any:
    found = (find(source, name) for source in sources)
    return next((value for value in found if value is not None), None)


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _names(value: Any, claim: str) -> list[str]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise Refusal(
            f"The claim {claim!r} holds no list of names. Set groups_claim or roles_claim of this "
            "provider to the claim that does; a dot leads into an object, as realm_access.roles.",
            code="oidc_groups_invalid",
        )
    if len(items) > MOST_GROUPS:
        raise Refusal(
            f"The claim {claim!r} holds {len(items)} names; at most {MOST_GROUPS} are read.",
            code="oidc_groups_invalid",
        )
    return [item for item in items if item]


def _refuse_overage(sources: Sequence[Claims], claim: str) -> None:
    for source in sources:
        left_out = source.get("_claim_names")
        named = isinstance(left_out, Mapping) and claim in left_out
        if named or (claim == "groups" and source.get("hasgroups") in (True, "true")):
            raise Refusal(OVERAGE, code="oidc_group_overage")
