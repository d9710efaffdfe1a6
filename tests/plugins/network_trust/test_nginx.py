"""Behind a real nginx with the guide's configuration: who comes from where, whatever they send."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from st_core.testing.server import ServerProcess
from tests.testbed.nginx import Nginx

from .conftest import GUIDE_FILE

pytestmark = pytest.mark.slow

#: Loopback is a /8: addresses of it stand for the VPN's clients and for the rest of the world.
VPN, WORLD = "127.10.1.2", "127.0.8.9"
PASSWORD = "correct horse battery staple"
ME, JOBS, METRICS = "/api/auth/me", "/api/cloud/jobs", "/api/cloud/metrics/prometheus"


@dataclass
class Site:
    """A server, nginx in front of it, and the key of its administrator."""

    server: ServerProcess
    nginx: Nginx
    admin: dict[str, str]

    def ask(
        self, path: str, source: str, method: str = "GET", side: str = "guide_url", **options: Any
    ) -> httpx.Response:
        """Send one request from an address of this machine through nginx."""
        url = getattr(self.nginx, side) if side else self.server.base_url
        transport = httpx.HTTPTransport(local_address=source, verify=False)
        with httpx.Client(base_url=url, transport=transport, timeout=30.0) as client:
            return client.request(method, path, **options)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The guide's section 1 in force, with a network of this machine for the VPN's."""
    server = ServerProcess(tmp_path_factory.mktemp("site"))
    text = GUIDE_FILE.replace("10.10.0.0/16", "127.10.0.0/16")
    (server.state_dir / "simpletuner-enterprise.yaml").write_text(text)
    server.start()
    body = {"username": "boss", "email": "boss@example.org", "password": PASSWORD}
    with server.client() as client:
        assert client.post("/api/auth/setup/first-admin", json=body).is_success
        token = {"X-CSRF-Token": client.cookies["csrf_token"]}
        key = client.post("/api/auth/api-keys", json={"name": "x"}, headers=token).json()["key"]
    with Nginx(server.port) as nginx:
        yield Site(server, nginx, {"Authorization": f"Bearer {key}"})
    server.clean()


@pytest.mark.parametrize("side", ["guide_url", "url"])
def test_a_vpn_client_is_let_in_as_viewer_and_the_log_names_its_address(
    site: Site, side: str
) -> None:
    me = site.ask(ME, VPN, side=side)
    assert (me.status_code, me.json()["username"]) == (200, "internal-network")
    assert site.ask(JOBS, VPN, side=side).status_code == 200
    assert site.ask("/api/queue/pause", VPN, "POST", side, json={}).status_code == 403
    assert f"Auth bypassed for IP {VPN}: GET {ME}, as viewer" in site.server.output()


FORGED: dict[str, dict[str, str]] = {
    "nothing": {},
    "a VPN address": {"X-Forwarded-For": VPN, "X-Real-IP": VPN},
    "a chain of VPN addresses": {"X-Forwarded-For": f"{VPN}, 127.10.1.3, 10.0.0.5"},
    "a loopback address": {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1"},
    "the standard's header": {"Forwarded": f"for={VPN};host=localhost;proto=http"},
    "a hidden hop": {"X-Forwarded-For": f"{VPN}, _hidden"},
    "a port": {"X-Forwarded-For": f"{VPN}:80"},
    "a mapped address": {"X-Forwarded-For": f"::ffff:{VPN}"},
    "another host": {"Host": "localhost", "X-Forwarded-Host": "localhost"},
    "headers to be dropped": {"Connection": "close, X-Real-IP, X-Forwarded-For"},
    "underscores": {"X_Forwarded_For": VPN, "X_Real_IP": VPN},
    "other products' headers": {"True-Client-IP": VPN, "X-Client-IP": VPN, "Client-IP": VPN},
}


@pytest.mark.parametrize("forged", FORGED)
@pytest.mark.parametrize("source", [WORLD, "127.0.0.1"])
def test_nobody_from_elsewhere_is_let_in_whatever_they_send(
    site: Site, source: str, forged: str
) -> None:
    for side in ("guide_url", "url"):
        for path in (ME, JOBS, "/jobs"):
            answer = site.ask(path, source, side=side, headers=FORGED[forged])
            assert answer.status_code in (401, 303, 302), f"{side} {path}: {answer.text[:300]}"
            assert "internal-network" not in answer.text


def test_the_opened_paths_answer_the_world_and_their_neighbours_do_not(site: Site) -> None:
    for path in ("/health", "/api/cloud/health", "/api/cloud/health/live", METRICS):
        assert site.ask(path, WORLD).status_code == 200
    assert site.ask(METRICS, WORLD, "POST").status_code in (401, 405)
    for path in ("/health/../api/cloud/jobs", "//api/cloud/jobs", "/health%2f..%2fapi/cloud/jobs"):
        answer = site.ask(path, WORLD)
        assert answer.status_code in (301, 308, 400, 401, 404)
    assert site.ask("/api/metrics/prometheus", WORLD).status_code == 401


def test_a_sign_in_through_nginx_knows_the_true_address_and_that_it_is_https(site: Site) -> None:
    body = {"username": "boss", "password": PASSWORD}
    answer = site.ask("/api/auth/login", WORLD, "POST", json=body)
    assert answer.is_success, answer.text
    cookie = next(each for each in answer.headers.get_list("set-cookie") if "session" in each)
    assert cookie.startswith("__Host-simpletuner_session=")
    assert "Secure" in cookie
    listed = site.ask("/api/auth/sessions", "127.0.0.1", headers=site.admin).json()["sessions"]
    assert WORLD in [each["address"] for each in listed]


def test_a_foreign_page_that_a_vpn_client_opens_reads_nothing(site: Site) -> None:
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert site.ask(JOBS, VPN, headers=headers).status_code == 403
    rebound = {"Host": "evil.example", "X-Forwarded-Host": "localhost"}
    for side in ("guide_url", "url"):
        assert site.ask(JOBS, VPN, side=side, headers=rebound).status_code == 401


def test_without_nginx_the_addresses_are_those_of_the_connection(site: Site) -> None:
    assert site.ask(JOBS, VPN, side="").status_code == 200
    assert site.ask(JOBS, WORLD, side="").status_code == 401
