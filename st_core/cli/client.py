"""The HTTP client of the command line: one small class over httpx that turns every failure into one
line.

Never imports the application: what a command knows of the server, it knows from the API.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import click
import httpx

from .. import __version__
from .address import Address
from .outcome import OF_STATUS, CliError, ExitCode

TIMEOUT_SECONDS = 60.0


class Unreachable(CliError):
    """No server answered; followers may try again."""

    def __init__(self, message: str) -> None:
        super().__init__(message, ExitCode.UNREACHABLE)


class Answered(CliError):
    """The server answered with an error: the HTTP `status` and its problem document, `body`."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(problem_line(status, body), OF_STATUS.get(status, ExitCode.FAILED))
        self.status = status
        self.body = body


class Client:
    """Talks JSON to one server. Raises `Unreachable` when it does not answer and `Answered` when it
    refuses.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        headers = {"User-Agent": f"simpletuner-cli/{__version__}"}
        if address.api_key:
            headers["X-API-Key"] = address.api_key
        self._http = httpx.Client(
            base_url=address.url,
            headers=headers,
            timeout=TIMEOUT_SECONDS,
            verify=address.verify,
            # HTTP_PROXY and SSL_CERT_FILE hold for other machines; nobody proxies to his own.
            trust_env=not address.is_local,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        """Return the JSON answer to `GET path`; query values that are None are left out."""
        return self.call("GET", path, query=query)

    def post(self, path: str, body: Any = None, **query: Any) -> Any:
        """Return the JSON answer to `POST path`."""
        return self.call("POST", path, body, query)

    def call(
        self, method: str, path: str, body: Any = None, query: dict[str, Any] | None = None
    ) -> Any:
        """Return the JSON answer, `{}` when there is no body."""
        content = {} if body is None else {"json": body}
        with self._reach():
            answer = self._http.request(method, path, params=_given(query), **content)
        _refuse_errors(answer)
        return _json(answer) if answer.content else {}

    def upload(self, path: str, name: str, data: bytes, **query: Any) -> Any:
        """Return the JSON answer to posting one file as multipart form data in the field `file`."""
        with self._reach():
            answer = self._http.post(path, files={"file": (name, data)}, params=_given(query))
        _refuse_errors(answer)
        return _json(answer)

    def download(self, path: str, **query: Any) -> tuple[bytes, str]:
        """Return the body and the content type of `GET path`."""
        with self._reach():
            answer = self._http.get(path, params=_given(query))
        _refuse_errors(answer)
        return answer.content, answer.headers.get("content-type", "")

    @contextmanager
    def lines(self, path: str, **query: Any) -> Iterator[Iterator[str]]:
        """Give the lines of a streamed answer as they come; there is no limit to how long that
        takes.
        """
        with self._streamed(path, query) as answer:
            yield answer.iter_lines()

    @contextmanager
    def pieces(self, path: str, **query: Any) -> Iterator[Iterator[bytes]]:
        """Give the body of a streamed answer as it comes, byte by byte what the server sent."""
        with self._streamed(path, query) as answer:
            yield answer.iter_bytes()

    @contextmanager
    def _streamed(self, path: str, query: dict[str, Any]) -> Iterator[httpx.Response]:
        patient = httpx.Timeout(TIMEOUT_SECONDS, read=None)
        with (
            self._reach(),
            self._http.stream("GET", path, params=_given(query), timeout=patient) as answer,
        ):
            if answer.is_error:
                answer.read()
                _refuse_errors(answer)
            yield answer

    @contextmanager
    def _reach(self) -> Iterator[None]:
        try:
            yield
        except httpx.ConnectError as error:
            raise Unreachable(self._unreachable(error)) from error
        except httpx.TimeoutException as error:
            raise Unreachable(f"the server at {self.address.url} did not answer in time") from error
        except httpx.TransportError as error:
            raise Unreachable(
                f"the connection to {self.address.url} broke ({error}); is it still running?"
            ) from error

    def _unreachable(self, error: httpx.ConnectError) -> str:
        if "certificate" in str(error).lower() or "ssl" in str(error).lower():
            return (
                f"no trusted TLS connection to {self.address.url} ({error}); "
                "SIMPLETUNER_SSL_NO_VERIFY=true skips the check of the certificate"
            )
        return (
            f"no server answers at {self.address.url}; start one with `simpletuner server`, "
            "or set SIMPLETUNER_HOST and SIMPLETUNER_PORT to yours"
        )


def problem_line(status: int, body: dict[str, Any]) -> str:
    """Return an error answer as one line: its detail, then each offending field."""
    detail = str(body.get("detail") or body.get("message") or f"the server answered {status}")
    fields = [
        f"{error.get('path') or error.get('field')}: {error.get('message')}"
        for error in body.get("errors") or ()
        if isinstance(error, dict)
    ]
    missing = [line for line in fields if line not in detail]
    line = f"{detail} ({'; '.join(missing)})" if missing else detail
    if status == httpx.codes.UNAUTHORIZED:
        line += " - set SIMPLETUNER_API_KEY to a key of yours"
    return line


def with_client(command: Callable[..., Any]) -> Callable[..., Any]:
    """Hand a `Client` for the addressed server to a command as its first argument, and close it
    after.
    """

    @wraps(command)
    @click.pass_context
    def run(ctx: click.Context, *args: Any, **kwargs: Any) -> Any:
        client = Client(ctx.find_object(Address) or Address())
        ctx.call_on_close(client.close)
        return ctx.invoke(command, client, *args, **kwargs)

    return run


def _given(query: dict[str, Any] | None) -> dict[str, Any]:
    """Leave out what was not given; httpx writes None as an empty value."""
    return {name: value for name, value in (query or {}).items() if value is not None}


def _refuse_errors(answer: httpx.Response) -> None:
    if answer.is_error:
        body = _json(answer) if "json" in answer.headers.get("content-type", "") else {}
        raise Answered(answer.status_code, body if isinstance(body, dict) else {})


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except json.JSONDecodeError as error:
        raise CliError(
            f"{answer.url} did not answer with JSON; is that a SimpleTuner server?"
        ) from error
