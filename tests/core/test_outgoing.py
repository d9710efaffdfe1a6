"""Requests that users can aim: where they may go, and that they go nowhere else."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask

from st_core import outgoing
from st_core.errors import ConfigError
from st_core.outgoing import DestinationRefused
from st_core.outgoing.addresses import Listed, is_public
from tests.testbed.certificates import Authority

NAME = "idp.example.org"


class Handler(BaseHTTPRequestHandler):
    """Answers by path; the server notes every request it sees."""

    server: Server

    def do_GET(self) -> None:
        self.server.seen.append((self.path, self.headers.get("Host")))
        if self.path.startswith("/to?"):
            self.send_response(302)
            self.send_header("Location", self.path[4:])
            self.end_headers()
        elif self.path == "/drip":
            self.send_response(200)
            self.end_headers()
            for _ in range(600):
                self.wfile.write(b".")
                time.sleep(0.05)
        elif self.path == "/packed":
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.end_headers()
        else:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x" * (5000 if self.path == "/large" else 5))

    def log_message(self, *_words: Any) -> None: ...


class Server(ThreadingHTTPServer):
    """A web server at one address of this machine."""

    daemon_threads = True

    def __init__(self, address: str, port: int, context: ssl.SSLContext | None) -> None:
        super().__init__((address, port), Handler)
        self.seen: list[tuple[str, str | None]] = []
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, *_arguments: Any) -> None: ...


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def serve(authority: Authority) -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(
        address: str = "127.0.0.1", port: int = 0, *, names: tuple[str, ...] = (NAME,)
    ) -> Server:
        context = None
        if names:
            issued = authority.issue(*names)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(issued.certificate, issued.key)
        started.append(Server(address, port, context))
        return started[-1]

    yield start
    for each in started:
        each.shutdown()
        each.server_close()


@pytest.fixture
def app(make_app: Callable[..., Flask], authority: Authority) -> Flask:
    """An app that may reach two of this machine's addresses."""
    allowed = ["127.0.0.1", "127.0.0.2", "plain.internal"]
    return make_app(
        plugins=[], network__allowed_private=allowed, tls__ca_bundle=str(authority.bundle)
    )


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """A resolver: name → the answers it gives, one a question; the last is given for ever.

    An answer is several addresses with commas between them.
    """
    table: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *rest: Any, **options: Any) -> Any:
        answers = table.get(host)
        if answers is None:
            return real(host, port, *rest, **options)
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        kind = (socket.AF_UNSPEC, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(*kind, (text, port)) for text in answer.split(",")]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return table


def get(app: Flask, url: str, **options: Any) -> httpx.Response:
    with app.app_context(), outgoing.client(**options) as client:
        return client.get(url)


def test_a_listed_host_is_asked_under_its_own_name(
    app: Flask, serve: Callable[..., Server], names: dict[str, list[str]]
) -> None:
    server = serve()
    names[NAME] = ["127.0.0.1"]
    answer = get(app, f"https://{NAME}:{server.server_port}/x")
    assert (answer.status_code, answer.text) == (200, "xxxxx")
    assert server.seen == [("/x", f"{NAME}:{server.server_port}")]


def test_a_name_that_answers_differently_a_moment_later_gains_nothing(
    app: Flask, serve: Callable[..., Server], names: dict[str, list[str]]
) -> None:
    right = serve("127.0.0.1")
    wrong = serve("127.0.0.3", right.server_port)  # not listed
    names[NAME] = ["127.0.0.1", "127.0.0.3"]
    assert get(app, f"https://{NAME}:{right.server_port}/").text == "xxxxx"
    with pytest.raises(DestinationRefused):
        get(app, f"https://{NAME}:{right.server_port}/")
    assert (len(right.seen), wrong.seen) == (1, [])


def test_one_bad_address_among_good_ones_is_enough_to_refuse(
    app: Flask, serve: Callable[..., Server], names: dict[str, list[str]]
) -> None:
    server = serve()
    names[NAME] = ["127.0.0.1,10.0.0.7"]
    with pytest.raises(DestinationRefused, match=r"network\.allowed_private"):
        get(app, f"https://{NAME}:{server.server_port}/")
    assert server.seen == []


def test_the_next_address_is_tried_when_the_first_does_not_answer(
    app: Flask, serve: Callable[..., Server], names: dict[str, list[str]]
) -> None:
    server = serve("127.0.0.2")
    names[NAME] = ["127.0.0.1,127.0.0.2"]
    assert get(app, f"https://{NAME}:{server.server_port}/").status_code == 200


def test_a_certificate_for_another_name_is_not_taken_although_the_address_is_right(
    app: Flask, serve: Callable[..., Server], names: dict[str, list[str]]
) -> None:
    server = serve(names=("other.example.org", "127.0.0.1"))
    names[NAME] = ["127.0.0.1"]
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        get(app, f"https://{NAME}:{server.server_port}/")


def test_an_authority_that_is_not_in_the_bundle_is_not_trusted(
    make_app: Callable[..., Flask], serve: Callable[..., Server], tmp_path: Path
) -> None:
    server = serve(names=("127.0.0.1",))
    other = Authority(tmp_path / "other", "somebody else")
    allowed = {"network__allowed_private": ["127.0.0.1"]}
    strict = make_app(plugins=[], tls__ca_bundle=str(other.bundle), **allowed)
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        get(strict, f"https://127.0.0.1:{server.server_port}/")


def test_a_bundle_that_cannot_be_read_is_one_sentence(make_app: Callable[..., Flask]) -> None:
    app = make_app(plugins=[], tls__ca_bundle="/nowhere/ca.pem")
    with pytest.raises(DestinationRefused, match=r"tls\.ca_bundle names /nowhere/ca\.pem"):
        get(app, "https://example.org/")


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/",
        "https://10.0.0.7/",
        "https://127.0.0.3/",
        "https://[::1]/",
        "https://[::ffff:169.254.169.254]/",
    ],
)
def test_a_redirect_is_checked_like_a_first_request(
    app: Flask, serve: Callable[..., Server], names: dict[str, list[str]], target: str
) -> None:
    server = serve()
    names[NAME] = ["127.0.0.1"]
    start = f"https://{NAME}:{server.server_port}/to?{target}"
    assert get(app, start).status_code == 302
    with pytest.raises(DestinationRefused):
        get(app, start, redirects=3)


def test_redirects_that_go_round_end(
    app: Flask, serve: Callable[..., Server], names: dict[str, list[str]]
) -> None:
    server = serve()
    names[NAME] = ["127.0.0.1"]
    home = f"https://{NAME}:{server.server_port}"
    assert get(app, f"{home}/to?{home}/end", redirects=3).text == "xxxxx"
    with pytest.raises(httpx.TooManyRedirects):
        get(app, f"{home}/to?/to?/to?/to?/to?/to?/x", redirects=1)


def test_http_is_for_listed_hosts_only(
    app: Flask, serve: Callable[..., Server], names: dict[str, list[str]]
) -> None:
    server = serve(names=())
    names["plain.internal"] = ["127.0.0.9"]  # nothing listens there, but it may be asked
    names["public.example.org"] = ["93.184.216.34"]
    assert get(app, f"http://127.0.0.1:{server.server_port}/").status_code == 200
    with pytest.raises(httpx.ConnectError):
        get(app, f"http://plain.internal:{server.server_port}/")
    with pytest.raises(DestinationRefused, match="TLS only"):
        get(app, "http://public.example.org/")


def test_an_answer_ends_at_its_size_and_its_time(
    app: Flask, serve: Callable[..., Server], names: dict[str, list[str]]
) -> None:
    server = serve()
    names[NAME] = ["127.0.0.1"]
    home = f"https://{NAME}:{server.server_port}"
    with pytest.raises(DestinationRefused, match="larger than 4096 bytes"):
        get(app, f"{home}/large", most_bytes=4096)
    with pytest.raises(httpx.ReadTimeout):
        get(app, f"{home}/drip", total_seconds=0.5)
    with pytest.raises(DestinationRefused, match="packed"):
        get(app, f"{home}/packed")


def test_proxies_of_the_environment_are_not_used(
    app: Flask,
    serve: Callable[..., Server],
    names: dict[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server, proxy = serve(), serve(names=())
    names[NAME] = ["127.0.0.1"]
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.server_port}")
        monkeypatch.setenv(variable.lower(), f"http://127.0.0.1:{proxy.server_port}")
    get(app, f"https://{NAME}:{server.server_port}/")
    assert (len(server.seen), proxy.seen) == (1, [])


PRIVATE = """
    0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254
    169.254.169.254 169.254.0.1 172.16.0.1 172.31.255.255 192.0.0.192 192.0.2.1 192.88.99.1
    192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1
    255.255.255.255 168.63.129.16 :: ::1 ::127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254
    64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:7f00:1::
    2002:a9fe:a9fe:: 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1
"""


@pytest.mark.parametrize("address", PRIVATE.split())
def test_what_is_not_public_is_refused_when_saved_and_when_resolved(
    make_app: Callable[..., Flask], names: dict[str, list[str]], address: str
) -> None:
    assert not is_public(ip_address(address))
    app = make_app(plugins=[], prepare=False)
    shown = f"[{address}]" if ":" in address else address
    names[NAME] = [address]
    with app.app_context():
        with pytest.raises(DestinationRefused) as refused:
            outgoing.check_url(f"https://{shown}/", "config.issuer")
        assert [each["path"] for each in refused.value.fields] == ["config.issuer"]
        with pytest.raises(DestinationRefused):
            outgoing.resolve(NAME, 443)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:4700::1", "64:ff9b::5db8:d822", "2002:5db8:d822::"]
)
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://017700000001/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://127.0.0.1./",
        "https://0/",
        "https://user@example.org/",
        "https://user:secret@example.org/",
        "https://example.org@127.0.0.1/",
        "https://example.org\\@127.0.0.1/",
        "https://example.org\t/",
        "https:// example.org/",
        "https://[fe80::1%25eth0]/",
        "https://exa%6dple.org/",
        "https://127。0。0。1/",
        "https://①②⑦.0.0.1/",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https:///path",
        "https://",
        "http://example.org/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "//example.org/",
        "example.org",
        "",
        "https://example.org/" + "x" * 3000,
    ],
)
def test_urls_that_are_tricks_are_not_saved(make_app: Callable[..., Flask], url: str) -> None:
    app = make_app(plugins=[], prepare=False)
    with app.app_context(), pytest.raises(DestinationRefused) as refused:
        outgoing.check_url(url, "url")
    assert refused.value.status == 422
    assert "secret" not in refused.value.detail


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org",
        "https://example.org:8443/x?y=z",
        "https://bücher.example/",
        "https://93.184.216.34/",
    ],
)
def test_ordinary_urls_are_saved_as_they_are(make_app: Callable[..., Flask], url: str) -> None:
    app = make_app(plugins=[], prepare=False)
    with app.app_context():
        assert outgoing.check_url(url) == url


@pytest.mark.parametrize("entry", ["10.0.0.0/99", "", "2130706433", "10.0.0.0/8/8", "0x7f.1"])
def test_the_list_takes_networks_and_names_only(make_app: Callable[..., Flask], entry: str) -> None:
    with pytest.raises(ConfigError, match="neither a network"):
        make_app(plugins=[], prepare=False, network__allowed_private=[entry])


def test_a_wide_network_never_lists_where_clouds_keep_their_keys() -> None:
    wide = Listed.of(["0.0.0.0/0", "169.254.0.0/16", "metadata.internal", "::/0"])
    address = ip_address("169.254.169.254")
    assert not wide.holds(address, "metadata.internal")
    assert not wide.holds(ip_address("::ffff:169.254.169.254"))
    assert wide.holds(ip_address("10.0.0.1"))
    assert Listed.of(["169.254.169.254"]).holds(address)


def test_a_name_is_listed_however_it_is_written() -> None:
    listed = Listed.of(["Keycloak.Internal."])
    assert listed.holds(ip_address("10.0.0.1"), "KEYCLOAK.internal")
    assert not listed.holds(ip_address("10.0.0.1"), "evil.keycloak.internal")
