"""What a hostile provider, or somebody in between, may try: each is refused, told to the person in
one sentence, and recorded with its reason; no session begins and no token is written anywhere."""

from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from .conftest import House
from .rogue import CLIENT, SECRET, Rogue, rsa

Cheat = Callable[[Rogue], object]
OTHER = rsa("k1", "attacker")
SMALL = {"kty": "RSA", "kid": "k1", "e": "AQAB", "n": "s" * 171}  # 1024 bits


def put(**attributes: Any) -> Cheat:
    """Return the cheat that sets attributes of the provider."""
    return lambda op: [setattr(op, name, value) for name, value in attributes.items()]


def claims(**changed: Any) -> Cheat:
    """Return the cheat that changes claims of the ID token."""
    return put(claims=changed)


def document(path: str, content: Any, status: int = 200, **headers: str) -> Cheat:
    """Return the cheat that answers something else at `path`."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return put(instead={path: (status, headers or {"Content-Type": "application/json"}, body)})


def elsewhere(path: str) -> Cheat:
    """Return the cheat that redirects `path` to an address that would answer well."""
    return lambda op: document(path, {}, 302, Location=f"{op.issuer}{path}?there")(op)


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


#: A key of the set that is no public key: whoever reads the set can sign with it.
SHARED = {"keys": [{"kty": "oct", "kid": "k1", "k": _b64(b"k" * 32)}]}


def hs_with_public_key(op: Rogue) -> None:
    key = op.keys[0]
    assert isinstance(key, RSAKey)
    op.signs_with, op.alg = key.as_pem(private=False), "HS256"


def hs_with_key_in_the_set(op: Rogue) -> None:
    op.signs_with, op.alg = b"k" * 32, "HS512"
    document("/jwks", SHARED)(op)


def own_key_in_header(kid: str | None) -> Cheat:
    def cheat(op: Rogue) -> None:
        op.signs_with = OTHER
        op.header = {"jwk": OTHER.as_dict(private=False), "kid": kid}

    return cheat


def address_in_header(name: str) -> Cheat:
    def cheat(op: Rogue) -> None:
        op.signs_with = OTHER
        op.header = {name: f"{op.issuer}/evil-keys"}

    return cheat


def forged(change: Callable[[list[str]], list[str]]) -> Cheat:
    """Return the cheat that changes the three parts of a signed token."""
    return put(forge=lambda token: ".".join(change(token.split("."))))


def with_another_payload(parts: list[str]) -> list[str]:
    payload = {"iss": "x", "sub": "root", "aud": CLIENT, "exp": 9e9, "iat": 1}
    return [parts[0], _b64(json.dumps(payload).encode()), parts[2]]


def in_seconds(seconds: int) -> int:
    return int(time.time()) + seconds


def nested(op: Rogue) -> str:
    text = _b64(b'{"alg":"RS256","kid":"k1"}') + "." + _b64(b"[" * 90_000)
    signature = JWSRegistry.algorithms["RS256"].sign(text.encode(), op.keys[0])
    return f"{text}.{_b64(signature)}"


def curve(op: Rogue) -> None:
    op.signs_with = op.keys[0] = ECKey.generate_key("P-256", {"kid": "k1"})
    op.alg = "ES256"
    wrong = ECKey.generate_key("P-384", {"kid": "k1"})
    document("/jwks", {"keys": [wrong.as_dict(private=False)]})(op)


#: what is tried → how, and the reason it is recorded with
TOKENS: dict[str, tuple[Cheat, str]] = {
    "signed with another key of the same id": (put(signs_with=OTHER), "oidc_signature_invalid"),
    "signed with a key nobody knows": (put(signs_with=rsa("evil")), "oidc_key_unknown"),
    "not signed, alg none": (put(alg="none"), "oidc_algorithm_refused"),
    "not signed, alg nOnE": (
        put(forge=lambda _: _b64(b'{"alg":"nOnE"}') + ".e30."),
        "oidc_algorithm_refused",
    ),
    "HS256 with the public key as the secret": (hs_with_public_key, "oidc_algorithm_refused"),
    "HS256 with the client's secret": (
        put(signs_with=SECRET.encode(), alg="HS256"),
        "oidc_algorithm_refused",
    ),
    "HS512 with a shared key of the set": (hs_with_key_in_the_set, "oidc_algorithm_refused"),
    "a key in the header": (own_key_in_header("k1"), "oidc_signature_invalid"),
    "a key in the header and no id": (own_key_in_header(None), "oidc_signature_invalid"),
    "an address of keys in the header (jku)": (address_in_header("jku"), "oidc_signature_invalid"),
    "an address of keys in the header (x5u)": (address_in_header("x5u"), "oidc_signature_invalid"),
    "critical extensions": (
        put(header={"crit": ["exp"], "exp": 1}),
        "oidc_token_malformed",
    ),
    "a payload that is not encoded": (
        put(header={"crit": ["b64"], "b64": False}),
        "oidc_token_malformed",
    ),
    "a key id that is a path": (put(header={"kid": "../../etc/passwd"}), "oidc_key_unknown"),
    "a key id that is SQL": (put(header={"kid": "k1' OR '1'='1"}), "oidc_key_unknown"),
    "a key id that is a number": (put(header={"kid": 1}), "oidc_token_malformed"),
    "a header of another algorithm than the key": (
        put(forge=lambda token: token.replace(token.split(".")[0], _b64(b'{"alg":"ES256"}'))),
        "oidc_signature_invalid",
    ),
    "a curve of another algorithm": (curve, "oidc_signature_invalid"),
    "the signature left out": (forged(lambda it: [it[0], it[1], ""]), "oidc_signature_invalid"),
    "the payload exchanged": (forged(with_another_payload), "oidc_signature_invalid"),
    "an encrypted token": (put(forge=lambda _: "a.b.c.d.e"), "oidc_token_malformed"),
    "garbage": (put(forge=lambda _: "garbage"), "oidc_token_malformed"),
    "garbage in three parts": (put(forge=lambda _: "ga.rba.ge"), "oidc_token_malformed"),
    "a token of a megabyte": (put(forge=lambda it: it + "A" * 900_000), "oidc_token_malformed"),
    "a logout token": (put(header={"typ": "logout+jwt"}), "oidc_token_malformed"),
    "another issuer": (claims(iss="https://evil.example"), "oidc_issuer_mismatch"),
    "the issuer with a slash more": (
        lambda op: claims(iss=f"{op.issuer}/")(op),
        "oidc_issuer_mismatch",
    ),
    "no issuer": (put(without=("iss",)), "oidc_issuer_mismatch"),
    "a list as issuer": (lambda op: claims(iss=[op.issuer])(op), "oidc_issuer_mismatch"),
    "another audience": (claims(aud="other"), "oidc_audience_mismatch"),
    "other audiences": (claims(aud=["a", "b"]), "oidc_audience_mismatch"),
    "no audience": (put(without=("aud",)), "oidc_audience_mismatch"),
    "an empty audience": (claims(aud=[]), "oidc_audience_mismatch"),
    "an audience that only begins like ours": (claims(aud=f"{CLIENT}x"), "oidc_audience_mismatch"),
    "a second audience and no azp": (claims(aud=[CLIENT, "b"]), "oidc_audience_mismatch"),
    "another azp": (claims(azp="other"), "oidc_audience_mismatch"),
    "expired": (claims(exp=in_seconds(-3600)), "oidc_token_expired"),
    "expired just beyond the skew": (claims(exp=in_seconds(-62)), "oidc_token_expired"),
    "no end": (put(without=("exp",)), "oidc_token_expired"),
    "an end that is no number": (claims(exp="9999999999"), "oidc_token_expired"),
    "an end that never comes": (claims(exp=float("nan")), "oidc_token_expired"),
    "not valid yet": (claims(nbf=in_seconds(3600)), "oidc_token_not_yet_valid"),
    "from the future": (claims(iat=in_seconds(3600)), "oidc_token_not_yet_valid"),
    "without a beginning": (put(without=("iat",)), "oidc_token_not_yet_valid"),
    "another nonce": (claims(nonce="other"), "oidc_nonce_mismatch"),
    "no nonce": (put(without=("nonce",)), "oidc_nonce_mismatch"),
    "an empty nonce": (claims(nonce=""), "oidc_nonce_mismatch"),
    "another access token": (claims(at_hash="AAAAAAAAAAAAAAAAAAAAAA"), "oidc_at_hash_mismatch"),
    "an at_hash that is a list": (claims(at_hash=["x"]), "oidc_at_hash_mismatch"),
    "nobody": (put(without=("sub",)), "oidc_subject_invalid"),
    "an empty name": (claims(sub=""), "oidc_subject_invalid"),
    "a number as name": (claims(sub=7), "oidc_subject_invalid"),
    "a zero byte in the name": (put(sub="a\x00b"), "oidc_subject_invalid"),
    "half a character as name": (put(sub="\ud800"), "oidc_subject_invalid"),
    "a header nested without end": (
        put(forge=lambda _: _b64(b'{"alg":"RS256","x":' + b"[" * 5900) + ".e30.AA"),
        "oidc_token_malformed",
    ),
    "claims nested without end": (
        lambda op: put(forge=lambda _: nested(op))(op),
        "oidc_signature_invalid",
    ),
    "an endless name": (put(sub="x" * 256), "oidc_subject_invalid"),
    "groups that are an object": (claims(groups={"ml-admins": True}), "oidc_groups_invalid"),
    "groups that are numbers": (claims(groups=[1, 2]), "oidc_groups_invalid"),
    "ten thousand groups": (
        claims(groups=[f"g{n}" for n in range(10_001)]),
        "oidc_groups_invalid",
    ),
}

ANSWERS: dict[str, tuple[Cheat, str]] = {
    "userinfo of somebody else": (put(userinfo={"sub": "root"}), "oidc_userinfo_mismatch"),
    "userinfo of nobody": (put(userinfo={"groups": ["ml-admins"]}), "oidc_userinfo_mismatch"),
    "userinfo that is a list": (document("/userinfo", ["ml-admins"]), "oidc_userinfo_mismatch"),
    "userinfo that is refused": (document("/userinfo", {}, 403), "oidc_answer_malformed"),
    "userinfo elsewhere": (elsewhere("/userinfo"), "oidc_redirected"),
    "unsigned userinfo said to be signed": (
        document("/userinfo", b"e30.e30.", **{"Content-Type": "application/jwt"}),
        "oidc_token_malformed",
    ),
    "no ID token": (put(token_answer={"id_token": None}), "oidc_id_token_missing"),
    "an ID token that is a list": (put(token_answer={"id_token": ["x"]}), "oidc_id_token_missing"),
    "tokens as a page": (document("/token", b"<html>"), "oidc_answer_malformed"),
    "tokens in a list": (document("/token", [1]), "oidc_answer_malformed"),
    "tokens elsewhere": (elsewhere("/token"), "oidc_redirected"),
    "tokens in two megabytes": (document("/token", b" " * (2 << 20)), "oidc_destination_refused"),
    "the client refused": (document("/token", {"error": "invalid_client"}, 401),
                           "oidc_client_refused"),
    "the code refused": (document("/token", {"error": "invalid_grant"}, 400), "oidc_code_refused"),
    "a refusal in half characters": (
        document("/token", {"error": "\ud800\x00\n"}, 400), "oidc_code_refused"),
    "no keys": (document("/jwks", {"keys": []}), "oidc_keys_invalid"),
    "shared keys only": (document("/jwks", SHARED), "oidc_keys_invalid"),
    "a key that is too small": (document("/jwks", {"keys": [SMALL]}), "oidc_keys_invalid"),
    "keys that are garbage": (
        document("/jwks", {"keys": [1, None, {}, {"kty": "RSA"}, {"kty": "EC", "crv": "P-1"}]}),
        "oidc_keys_invalid",
    ),
    "a thousand keys": (document("/jwks", {"keys": [SMALL] * 1000}), "oidc_keys_invalid"),
    "keys in two megabytes": (document("/jwks", b"[" * (2 << 20)), "oidc_destination_refused"),
    "keys nested without end": (document("/jwks", b"[" * 200_000), "oidc_answer_malformed"),
    "keys elsewhere": (elsewhere("/jwks"), "oidc_redirected"),
    "no key set at all": (document("/jwks", {}, 500), "oidc_answer_malformed"),
}  # fmt: skip

WELL_KNOWN = "/.well-known/openid-configuration"
DOCUMENTS: dict[str, tuple[Cheat, str]] = {
    "another issuer": (put(discovery={"issuer": "https://evil.example"}), "oidc_issuer_mismatch"),
    "a slash at the end of the issuer": (
        lambda op: put(discovery={"issuer": f"{op.issuer}/"})(op),
        "oidc_issuer_mismatch",
    ),
    "no issuer": (put(discovery={"issuer": None}), "oidc_issuer_mismatch"),
    "elsewhere": (elsewhere(WELL_KNOWN), "oidc_redirected"),
    "a page": (document(WELL_KNOWN, b"<html>Sign in to the Wi-Fi"), "oidc_answer_malformed"),
    "a list": (document(WELL_KNOWN, []), "oidc_answer_malformed"),
    "too large": (document(WELL_KNOWN, b" " * (2 << 20)), "oidc_destination_refused"),
    "not there": (document(WELL_KNOWN, {}, 404), "oidc_answer_malformed"),
    "no token endpoint": (put(discovery={"token_endpoint": None}), "oidc_discovery_invalid"),
    "a file as key set": (
        put(discovery={"jwks_uri": "file:///etc/passwd"}),
        "oidc_discovery_invalid",
    ),
    "a sign-in page in two lines": (
        put(discovery={"authorization_endpoint": "https://idp.example.org/\r\nSet-Cookie: a=b"}),
        "oidc_discovery_invalid",
    ),
    "a token endpoint that is no address": (
        put(discovery={"token_endpoint": "https://[half"}),
        "oidc_discovery_invalid",
    ),
    "an issuer in half characters": (put(discovery={"issuer": "\ud800"}), "oidc_issuer_mismatch"),
    "a script as sign-in page": (
        put(discovery={"authorization_endpoint": "javascript:alert(1)"}),
        "oidc_discovery_invalid",
    ),
}


@pytest.mark.parametrize("table", [TOKENS, ANSWERS, DOCUMENTS], ids=["token", "answer", "document"])
def test_every_lie_is_refused_and_recorded(
    house: House, caplog: pytest.LogCaptureFixture, table: dict[str, tuple[Cheat, str]]
) -> None:
    wrong = {}
    for number, (name, (cheat, reason)) in enumerate(table.items()):
        caplog.clear()
        with Rogue() as op:
            try:
                _is_refused(house, op, number, cheat, reason, caplog)
            except AssertionError as error:
                wrong[name] = str(error)[:500]
    assert wrong == {}
    assert len(house.events()) == len(table)


def test_a_key_set_in_a_private_network_is_not_asked_for(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    inside = put(discovery={"jwks_uri": "http://169.254.169.254/latest/meta-data"})
    with Rogue() as op:
        _is_refused(house, op, 0, inside, "oidc_destination_refused", caplog)


def test_there_are_at_least_forty_lies() -> None:
    assert len(TOKENS) + len(ANSWERS) + len(DOCUMENTS) >= 40


def _is_refused(
    house: House,
    op: Rogue,
    number: int,
    cheat: Cheat,
    reason: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """State that the lie `cheat` gets nobody in, and leaves one event with its reason."""
    provider, address = f"op-{number}", f"127.0.1.{number + 1}"
    house.add(op, provider)
    cheat(op)
    browser = house.browser(address)
    with caplog.at_level(logging.DEBUG):
        answer = browser.sign_in(op, provider)
    assert answer.status_code in (400, 502), answer.text
    assert answer.get_json()["code"] == reason, answer.text
    assert browser.session() is None
    assert browser.who()["authenticated"] is False
    event = house.events()[-1]
    assert event.data == {"method": "oidc", "provider": provider, "reason": reason}
    assert (event.address, event.subject_id) == (address, provider)
    assert "/evil-keys" not in op.asked
    written = f"{event.message}{event.data}{caplog.text}{answer.text}"
    assert not [secret for secret in (*op.given, SECRET) if secret in written]
