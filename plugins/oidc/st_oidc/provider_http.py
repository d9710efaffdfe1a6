"""Requests to a provider: through the guard for outgoing requests, short, small, and never
redirected.

A redirect could lead a client secret or a token elsewhere, so it is an error that names its goal.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from st_core import outgoing

from .provider_config import OidcConfig
from .refusals import ProviderTrouble

TIMEOUT_SECONDS = 5.0
TOTAL_SECONDS = 10.0
MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class Answer:
    """What a provider answered, read to its end."""

    url: str
    status: int
    media_type: str
    body: bytes

    def json(self) -> Any:
        """Return the decoded body. Raises ProviderTrouble when it is no JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise ProviderTrouble(
                f"{_shown(self.url)} answered with something that is no JSON. Check the issuer; a "
                "proxy or a sign-in page may stand in between.",
                code="oidc_answer_malformed",
            ) from error


def get_json(url: str, config: OidcConfig) -> Any:
    """Return a document of the provider. Raises ProviderTrouble when it does not give it."""
    return get(url, config).json()


def get(url: str, config: OidcConfig, *, bearer: str | None = None) -> Answer:
    """Return the answer to a GET, which is 200. Raises ProviderTrouble for any other."""
    headers = {"Accept": "application/json, application/jwt"}
    if bearer is not None:
        headers["Authorization"] = f"Bearer {bearer}"
    answer = _ask("GET", url, config, headers)
    if answer.status != httpx.codes.OK:
        raise ProviderTrouble(
            f"{_shown(url)} answered {answer.status}. Check the issuer of this provider.",
            code="oidc_answer_malformed",
        )
    return answer


def post(url: str, config: OidcConfig, headers: Mapping[str, str], body: str) -> Answer:
    """Return the answer to a form, whatever its status. Raises ProviderTrouble when none came."""
    return _ask("POST", url, config, headers, body)


def _ask(
    method: str, url: str, config: OidcConfig, headers: Mapping[str, str], body: str = ""
) -> Answer:
    way_out = outgoing.client(
        timeout_seconds=TIMEOUT_SECONDS,
        total_seconds=TOTAL_SECONDS,
        most_bytes=MOST_BYTES,
        verify=config.verify_ssl,
    )
    try:
        with way_out as client:
            response = client.request(method, url, headers=dict(headers), content=body or None)
    except outgoing.DestinationRefused as error:
        raise ProviderTrouble(
            f"{_shown(url)} is not asked: {error.detail}", code="oidc_destination_refused"
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ProviderTrouble(
            f"{_shown(url)} does not answer: {str(error) or type(error).__name__}. Check the "
            "address, the network and the provider's certificate.",
            code="oidc_provider_unreachable",
        ) from error
    _refuse_redirect(url, response)
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return Answer(url, response.status_code, media_type, response.content)


def _refuse_redirect(url: str, response: httpx.Response) -> None:
    if response.is_redirect:
        raise ProviderTrouble(
            f"{_shown(url)} redirects to {_shown(response.headers.get('location', ''))}, which is "
            "not followed. Set the issuer to the address the provider really has.",
            code="oidc_redirected",
        )


def _shown(url: str) -> str:
    """Return an address without its query, which may hold secrets, and not too long."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that is none"
    return f"{parts.scheme}://{parts.netloc}{parts.path}"[:300]
