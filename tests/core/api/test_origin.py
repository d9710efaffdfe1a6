"""Foreign pages: none can make the server at this machine act, whatever it sends."""

from __future__ import annotations

from typing import Any

import pytest

TOKEN = "a-token-only-our-pages-can-read"
HERE = "http://localhost"


def browser(client: Any, **headers: str) -> dict[str, str]:
    """Return headers as a page of ours sends them, changed by `headers`; an empty one is left."""
    client.set_cookie("csrf_token", TOKEN, domain="localhost")
    sent = {
        "Origin": HERE,
        "Sec-Fetch-Site": "same-origin",
        "Sec-Fetch-Mode": "cors",
        "X-CSRF-Token": TOKEN,
        "Content-Type": "application/json",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    return {name: value for name, value in sent.items() if value}


def test_our_own_page_may_write(client: Any) -> None:
    answer = client.post("/api/queue/pause", data="{}", headers=browser(client))
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"Origin": "https://evil.example"}, "cross_origin"),
        ({"Origin": "http://localhost:3000", "Sec_Fetch_Site": "same-site"}, "cross_origin"),
        ({"Origin": "https://localhost"}, "cross_origin"),
        ({"Origin": "null", "Sec_Fetch_Site": "cross-site"}, "cross_origin"),
        ({"Origin": "", "Sec_Fetch_Site": "cross-site"}, "cross_origin"),
        ({"Origin": "", "Sec_Fetch_Site": "none"}, "cross_origin"),
        ({"Sec_Fetch_Site": "cross-site"}, "cross_origin"),
        ({"X_CSRF_Token": ""}, "csrf_failed"),
        ({"X_CSRF_Token": "another"}, "csrf_failed"),
        ({"Sec_Fetch_Site": "", "X_CSRF_Token": ""}, "csrf_failed"),
        ({"Origin": "", "X_CSRF_Token": ""}, "csrf_failed"),
        ({"Content_Type": "text/plain"}, "unsupported_media_type"),
        ({"Content_Type": "application/x-www-form-urlencoded"}, "unsupported_media_type"),
        ({"Content_Type": "multipart/form-data; boundary=x"}, "unsupported_media_type"),
    ],
)
def test_a_write_that_our_page_did_not_make_is_refused(
    client: Any, changed: dict[str, str], code: str
) -> None:
    body = '{"max_concurrent": 9}'
    answer = client.post("/api/queue/concurrency", data=body, headers=browser(client, **changed))
    assert answer.json["code"] == code
    assert answer.status_code == (415 if code == "unsupported_media_type" else 403)
    assert client.get("/api/queue/concurrency").json["max_concurrent"] == 5


def test_a_token_without_its_cookie_is_worth_nothing(client: Any) -> None:
    headers = browser(client)
    client.delete_cookie("csrf_token", domain="localhost")
    assert client.post("/api/queue/pause", headers=headers).json["code"] == "csrf_failed"


def test_an_empty_token_does_not_match_an_empty_cookie(client: Any) -> None:
    headers = browser(client)
    client.set_cookie("csrf_token", "", domain="localhost")
    headers["X-CSRF-Token"] = ""
    assert client.post("/api/queue/pause", headers=headers).json["code"] == "csrf_failed"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("path", ["/api/cloud/jobs", "/api/openapi.json", "/api/events"])
def test_a_foreign_page_cannot_read_the_api_either(client: Any, site: str, path: str) -> None:
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
    assert client.get(path, headers=headers).json["code"] == "cross_origin"


def test_a_link_from_elsewhere_may_open_a_page_but_not_an_api_address(client: Any) -> None:
    followed = {
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
    }
    assert client.get("/jobs", headers=followed).status_code == 200
    assert client.get("/api/cloud/jobs", headers=followed).status_code == 403
    framed = followed | {"Sec-Fetch-Dest": "iframe"}
    assert client.get("/jobs", headers=framed).status_code == 403


def test_an_address_typed_by_hand_is_answered(client: Any) -> None:
    assert client.get("/api/cloud/jobs", headers={"Sec-Fetch-Site": "none"}).status_code == 200


def test_a_preflight_of_a_foreign_page_is_refused_and_allows_nothing(client: Any) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = client.options("/api/queue/pause", headers=headers)
    assert answer.status_code == 403
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


def test_a_program_on_this_machine_needs_no_token(client: Any) -> None:
    assert client.post("/api/queue/pause").status_code == 200


def test_a_page_with_an_api_key_needs_no_token_because_no_browser_adds_one(
    client: Any, as_user: Any
) -> None:
    admin = as_user("admin")
    answer = admin.post("/api/queue/pause", headers={"Origin": "https://notebook.example"})
    assert answer.status_code == 200


def test_a_page_brings_the_token_its_scripts_may_read(client: Any) -> None:
    answer = client.get("/jobs", headers={"Accept": "text/html"})
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith("csrf_token="))
    assert "HttpOnly" not in cookie
    assert "SameSite=Strict" in cookie
    assert len(cookie.split(";")[0]) > 40
