"""A strict OpenID provider on real HTTP that can be told to cheat in one thing at a time.

Left alone it is honest and stricter than most: a code counts once, with the client's secret, the
right PKCE verifier and the very redirect_uri. Whatever a test sets replaces that one thing.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
import secrets
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from tests.testbed.certificates import Issued

CLIENT, SECRET = "server", "canary-client-secret"
Key = RSAKey | ECKey | OKPKey


@functools.cache
def rsa(kid: str, owner: str = "provider", bits: int = 2048) -> RSAKey:
    """Return somebody's RSA key of that id, made once: making them is slow."""
    return RSAKey.generate_key(bits, {"kid": kid, "use": "sig"})


def sign(claims: dict[str, Any], key: Key | bytes, header: dict[str, Any]) -> str:
    """Return a token with any header and claims; with bytes as the key, signed with those.

    Written out by hand, because no library signs what these tests need.
    """
    parts = [_b64(json.dumps(each).encode()) for each in (header, claims)]
    text = ".".join(parts).encode()
    if header["alg"] == "none":
        signature = b""
    elif isinstance(key, bytes):
        signature = hmac.digest(key, text, f"sha{header['alg'][2:]}")
    else:
        signature = JWSRegistry.algorithms[header["alg"]].sign(text, key)
    return ".".join((*parts, _b64(signature)))


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Code:
    """What a code was given for."""

    redirect_uri: str
    challenge: str
    nonce: str


@dataclass
class Rogue:
    """The provider. Set an attribute to cheat; `asked` is every request it saw."""

    keys: list[Key] = field(default_factory=lambda: [rsa("k1")])
    #: Changes to the documents and answers; a callable gets the honest one and returns its own.
    discovery: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    header: dict[str, Any] = field(default_factory=dict)
    alg: str = "RS256"
    signs_with: Key | bytes | None = None
    forge: Callable[[str], str] | None = None
    token_answer: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] | None = None
    access_token: str | None = None
    #: path → (status, headers, body) answered in place of the honest answer
    instead: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    sub: str = "person-1"
    says_iss: bool = True
    accepts_any_code: bool = False
    #: Speaks https with this certificate.
    certificate: Issued | None = None
    asked: list[str] = field(default_factory=list)
    codes: dict[str, Code] = field(default_factory=dict)
    given: list[str] = field(default_factory=list)

    def __enter__(self) -> Rogue:
        rogue = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                rogue.answer(self, b"")

            def do_POST(self) -> None:
                rogue.answer(self, self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if self.certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate.certificate, self.certificate.key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def issuer(self) -> str:
        """What it calls itself when it is honest."""
        scheme = "http" if self.certificate is None else "https"
        return f"{scheme}://127.0.0.1:{self.server.server_port}"

    # ── what a browser does there ─────────────────────────────────────────────────────────────────

    def authorize(self, url: str, **changed: str) -> dict[str, str]:
        """Sign the person in at `url` and return the parameters the browser is sent back with."""
        asked = dict(parse_qsl(urlsplit(url).query)) | changed
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(12)
        self.codes[code] = Code(asked["redirect_uri"], asked["code_challenge"], asked["nonce"])
        back = {"code": code, "state": asked["state"]}
        return back | ({"iss": self.issuer} if self.says_iss else {})

    # ── what a server asks there ──────────────────────────────────────────────────────────────────

    def answer(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        """Answer one request, honestly unless told otherwise."""
        path = urlsplit(request.path).path
        self.asked.append(path)
        status, headers, content = self.instead.get(path) or self._honest(path, request, body)
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    def _honest(
        self, path: str, request: BaseHTTPRequestHandler, body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        answers: dict[str, Callable[[], tuple[int, Any]]] = {
            "/.well-known/openid-configuration": lambda: (200, self.document() | self.discovery),
            "/jwks": lambda: (200, KeySet(self.keys).as_dict(private=False)),
            "/token": lambda: self._tokens(request, body),
            "/userinfo": lambda: self._person(request),
        }
        status, found = answers.get(path, lambda: (404, {}))()
        return status, {"Content-Type": "application/json"}, json.dumps(found).encode()

    def document(self) -> dict[str, Any]:
        """Return the honest discovery document."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "end_session_endpoint": f"{self.issuer}/end?x=1",
            "authorization_response_iss_parameter_supported": self.says_iss,
        }

    def _tokens(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, Any]:
        form = dict(parse_qsl(body.decode()))
        expected = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if request.headers["Authorization"] != f"Basic {expected}":
            return 401, {"error": "invalid_client"}
        code = self.codes.get(form["code"]) if self.accepts_any_code else None
        code = code or self.codes.pop(form["code"], None)
        challenge = _b64(hashlib.sha256(form["code_verifier"].encode()).digest())
        if code is None or code.redirect_uri != form["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        if challenge != code.challenge and not self.accepts_any_code:
            return 400, {"error": "invalid_grant"}
        access = self.access_token or secrets.token_urlsafe(16)
        honest = {
            "access_token": access,
            "token_type": "Bearer",
            "id_token": self.id_token(code.nonce, access),
        }
        self.given += [access, honest["id_token"], form["code"]]
        answer = {**honest, **self.token_answer}
        return 200, {name: value for name, value in answer.items() if value is not None}

    def id_token(self, nonce: str, access_token: str) -> str:
        """Return an ID token, honest but for what was set."""
        moment = int(time.time())
        half = hashlib.sha256(access_token.encode()).digest()[:16]
        honest = {
            "iss": self.issuer,
            "sub": self.sub,
            "aud": CLIENT,
            "exp": moment + 300,
            "iat": moment,
            "nonce": nonce,
            "at_hash": _b64(half),
            "preferred_username": "alice",
            "name": "Alice Adams",
            "groups": ["ml-users"],
        }
        claims = {k: v for k, v in (honest | self.claims).items() if k not in self.without}
        key = self.signs_with or self.keys[0]
        kid = self.keys[0].kid if isinstance(key, bytes) else key.kid
        header = {"alg": self.alg, "kid": kid} | self.header
        header = {name: value for name, value in header.items() if value is not None}
        token = sign(claims, key, header)
        return self.forge(token) if self.forge else token

    def _person(self, request: BaseHTTPRequestHandler) -> tuple[int, Any]:
        if not str(request.headers["Authorization"]).startswith("Bearer "):
            return 401, {"error": "invalid_token"}
        return 200, {"sub": self.sub, "email": "alice@example.org"} if (
            self.userinfo is None
        ) else self.userinfo


def come_back(redirect_uri: str, returned: dict[str, str]) -> str:
    """Return the address the browser is sent back to."""
    return f"{urlsplit(redirect_uri).path}?{urlencode(returned)}"
