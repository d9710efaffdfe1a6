"""From outside, with real components: nginx on the same machine, and a page of another origin."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

ATTACK = """<!doctype html><title>elsewhere</title>
<form id="form" method="post" enctype="text/plain" action="SERVER/api/queue/concurrency">
<input name='{"max_concurrent": 99, "x": "' value='"}'></form><iframe name="sink"></iframe>
<img src="SERVER/api/queue/pause"><script src="SERVER/api/cloud/jobs"></script>"""
ASK = """async server => {
  const body = JSON.stringify({max_concurrent: 99});
  const tries = [
    {mode: "no-cors", headers: {"Content-Type": "text/plain"}},
    {mode: "cors", headers: {"Content-Type": "application/json"}},
    {mode: "cors", headers: {"Content-Type": "text/plain"}, credentials: "include"},
  ];
  const seen = [];
  for (const options of tries) {
    try {
      const url = server + "/api/queue/concurrency";
      const answer = await fetch(url, {method: "POST", body, ...options});
      seen.push(answer.type + " " + (await answer.text()).length);
    } catch (error) { seen.push("refused"); }
  }
  try { seen.push((await (await fetch(server + "/api/cloud/jobs")).text())); }
  catch (error) { seen.push("refused"); }
  return seen;
}"""


@pytest.fixture
def elsewhere() -> Iterator[Callable[[str], str]]:
    """Serve a page on another port of this machine; gives its address."""
    servers: list[http.server.ThreadingHTTPServer] = []

    def serve(page: str) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(page.encode())

            def log_message(self, *_arguments: Any) -> None:
                """Say nothing."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("side", ["url", "bare_url"])
def test_a_fresh_server_behind_nginx_on_the_same_machine_is_not_open(
    server: Callable[..., Any], nginx: Callable[[int], Any], side: str
) -> None:
    running = server(plugins=["zoo"]).start()
    assert running.client().get("/api/auth/me").json()["is_admin"] is True
    proxy = nginx(running.port)
    with httpx.Client(base_url=getattr(proxy, side), verify=False, trust_env=False) as outside:  # noqa: S501 - its own certificate
        for path in ("/api/auth/me", "/api/cloud/jobs", "/api/settings"):
            answer = outside.get(path)
            assert (answer.status_code, answer.json()["code"]) == (403, "setup_required")
        made = outside.post("/api/queue/pause")
        assert made.status_code == 403
        page = outside.get("/", headers={"Accept": "text/html"})
        assert (page.status_code, page.headers["Location"]) == (302, "/first-run")
        assert outside.get("/api/cloud/health/live").status_code == 200


def test_a_page_of_another_origin_can_neither_act_nor_read(
    server: Callable[..., Any], browser: Browser, elsewhere: Callable[[str], str]
) -> None:
    running = server(plugins=["zoo"]).start()
    here = running.base_url
    page = browser.new_page()
    page.goto(f"{here}/api/version")  # the victim has looked at the server before
    page.goto(elsewhere(ATTACK.replace("SERVER", here)))
    seen = page.evaluate(ASK, here)
    assert seen[0] in ("opaque 0", "refused")
    assert seen[1:] == ["refused", "refused", "refused"]
    page.evaluate("document.forms.form.target = 'sink'; document.forms.form.submit()")
    page.wait_for_timeout(500)
    page.close()
    told = running.client().get("/api/queue/stats").json()
    assert (told["max_concurrent"], told["paused"]) == (5, False)


def test_our_own_page_acts_with_its_token(server: Callable[..., Any], browser: Browser) -> None:
    running = server(plugins=["zoo"]).start()
    page = browser.new_page()
    page.goto(f"{running.base_url}/jobs")
    status = page.evaluate(
        """async () => {
          const token = document.cookie.split("csrf_token=")[1].split(";")[0];
          const send = headers => fetch("/api/queue/pause", {method: "POST", headers});
          return [(await send({})).status, (await send({"X-CSRF-Token": token})).status];
        }"""
    )
    page.close()
    assert status == [403, 200]
