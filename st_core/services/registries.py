"""Providers, trainers and kinds of sign-in providers by name: the objects that plugins handed over
at start-up."""

from __future__ import annotations

from flask import current_app

from ..contracts import ApprovalDesk, AuthProviderKind, Provider, ProviderOptions, Trainer
from ..errors import NotFound
from ..plugins import did_you_mean


def providers() -> dict[str, Provider]:
    """Return every provider by name, in the order of the plugins."""
    known: dict[str, Provider] = current_app.extensions["st"].providers
    return known


def trainers() -> dict[str, Trainer]:
    """Return every trainer by name, in the order of the plugins."""
    known: dict[str, Trainer] = current_app.extensions["st"].trainers
    return known


def auth_kinds() -> dict[str, AuthProviderKind]:
    """Return every kind of sign-in provider by name, in the order of the plugins."""
    known: dict[str, AuthProviderKind] = current_app.extensions["st"].auth_kinds
    return known


def approval_desk() -> ApprovalDesk | None:
    """Return who decides about jobs that wait for approval, None where no plugin does."""
    desk: ApprovalDesk | None = current_app.extensions["st"].approval_desk
    return desk


def provider_options() -> list[ProviderOptions]:
    """Return what plugins add to the config of every provider."""
    known: list[ProviderOptions] = current_app.extensions["st"].provider_options
    return known


def provider(name: str) -> Provider:
    """Return one provider. Raises NotFound listing those there are."""
    try:
        return providers()[name]
    except KeyError:
        raise NotFound(
            f"no provider is named {name!r}.{did_you_mean(name, providers())} "
            f"There are: {', '.join(providers()) or 'none; enable a plugin that brings one'}.",
            code="provider_not_found",
        ) from None


def trainer(name: str) -> Trainer:
    """Return one trainer. Raises NotFound listing those there are."""
    try:
        return trainers()[name]
    except KeyError:
        raise NotFound(
            f"no trainer is named {name!r}.{did_you_mean(name, trainers())} "
            f"There are: {', '.join(trainers()) or 'none; enable a plugin that brings one'}.",
            code="trainer_not_found",
        ) from None
