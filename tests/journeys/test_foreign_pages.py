"""A page of another origin, in a real browser, next to a server that trusts this machine.

The page may send what browsers let it send. Nothing it sends may change anything, and nothing that
comes back may be readable: not by fetch, image, script, frame, form or event stream, and not under
a name of its own that points to this machine (DNS rebinding).
"""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from st_core.testing.server import ServerProcess
from tests.journeys.training import ENDLESS, Training
from tests.stories import Story

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

#: Everything a page can try, against the server at `target`; returns what it got to know.
ATTACK = """async ({target, job}) => {
  const told = [];
  const tell = (how, what) => told.push(how + ": " + what);
  const act = target + "/api/queue/concurrency", stop = `${target}/api/cloud/jobs/${job}/cancel`;
  const body = '{"max_concurrent": 99}';
  const json = {"Content-Type": "application/json"}, plain = {"Content-Type": "text/plain"};
  const calls = [
    [act, {method: "POST", body, headers: json}],
    [act, {method: "PUT", body, headers: {...json, "X-CSRF-Token": "x"}, credentials: "include"}],
    [act, {method: "POST", body, headers: plain, mode: "no-cors", credentials: "include"}],
    [act, {method: "POST", body: new Blob([body]), mode: "no-cors"}],
    [stop, {method: "POST", mode: "no-cors", credentials: "include"}],
    [stop, {method: "POST", body: new URLSearchParams({a: 1}), mode: "no-cors", keepalive: true}],
    [`${target}/api/cloud/jobs/${job}`, {method: "DELETE"}],
    [target + "/api/cloud/jobs", {credentials: "include"}],
    [target + "/api/cloud/jobs", {mode: "no-cors"}],
    [target + "/", {redirect: "manual"}],
  ];
  for (const [url, options] of calls) {
    const how = `${options.method || "GET"} ${options.mode || "cors"} ${url}`;
    try {
      const answer = await fetch(url, options);
      tell(how, answer.type + (await answer.text()));
    } catch (error) { tell(how, "refused"); }
  }
  tell("beacon", navigator.sendBeacon(stop, new Blob(["{}"], {type: "text/plain"})) && "sent");
  await new Promise(done => {
    const stream = new EventSource(target + "/api/events?last_event_id=0", {withCredentials: true});
    stream.onmessage = message => { tell("stream", message.data); stream.close(); done(); };
    stream.onerror = () => { tell("stream", "refused"); stream.close(); done(); };
  });
  const embed = (tag, address) => new Promise(done => {
    const it = document.createElement(tag);
    it.onload = () => done(tell(tag, "loaded" + (it.naturalWidth || "")));
    it.onerror = () => done(tell(tag, "refused"));
    it.src = address;
    document.body.append(it);
  });
  await embed("img", stop);
  await embed("img", target + "/api/cloud/jobs");
  await embed("script", target + "/api/cloud/jobs");
  await embed("iframe", target + "/jobs");
  const frame = document.querySelector("iframe");
  try { tell("frame", frame.contentDocument ? frame.contentDocument.title : "refused"); }
  catch (error) { tell("frame", "refused"); }
  const sink = document.createElement("iframe");
  sink.name = "sink";
  document.body.append(sink);
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
    for (const action of [act, stop]) {
      const form = document.createElement("form");
      Object.assign(form, {method: "post", enctype: type, action, target: "sink"});
      form.innerHTML = `<input name='{"max_concurrent": 99, "x": "' value='"}'>`;
      document.body.append(form);
      const answered = new Promise(done => { sink.onload = done; });
      form.submit();
      await answered;
    }
  }
  return told;
}"""

#: What a page may notice without knowing anything: that it was refused, that something was sent.
HARMLESS = ("refused", "opaque", "opaqueredirect", "sent", "loaded")


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[int]:
    """The port of another web server on this machine, whose pages are not ours."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>elsewhere</title><body>")

        def log_message(self, *_arguments: Any) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        yield other.server_port
        other.shutdown()


@pytest.fixture(scope="module")
def visitor(browser: Browser, workshop: ServerProcess) -> Iterator[Page]:
    """A browser that has used the server before, and so holds whatever cookie it gives."""
    context = browser.new_context()
    page = context.new_page()
    for host in ("127.0.0.1", "localhost"):
        page.goto(f"http://{host}:{workshop.port}/jobs", wait_until="commit")
    assert context.cookies(), "the server's own pages come with a cookie"
    yield page
    context.close()


@pytest.fixture(scope="module")
def running(workshop: ServerProcess) -> Iterator[Training]:
    """A job that a foreign page would love to end."""
    with Story(workshop) as story:
        number = story.submit("local_gpu", "tiny_trainer", config=ENDLESS)
        training = Training(workshop, number)
        training.is_at(1)
        yield training
        story.post(f"/api/cloud/jobs/{number}/cancel")
        story.wait(number)


def standing(story: Story) -> Any:
    """Return what would show that somebody did something."""
    return (
        story.doings(),
        story.read("/api/queue/concurrency"),
        story.read("/api/queue/stats")["paused"],
    )


@pytest.mark.parametrize("target", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("origin", ["127.0.0.1", "localhost", "evil.test", "evil.localhost"])
def test_a_page_of_another_origin_can_neither_act_nor_read(
    story: Story, visitor: Page, running: Training, elsewhere: int, origin: str, target: str
) -> None:
    before = standing(story)
    visitor.goto(f"http://{origin}:{elsewhere}/")
    url = f"http://{target}:{running.server.port}"
    told = visitor.evaluate(ATTACK, {"target": url, "job": running.number})
    assert [each for each in told if each.rpartition(": ")[2] not in HARMLESS] == []
    assert standing(story) == before
    assert story.job(running.number)["status"] == "running"


def test_a_foreign_name_that_points_to_this_machine_gets_nothing(
    story: Story, visitor: Page, running: Training
) -> None:
    before = standing(story)
    here = f"http://evil.test:{running.server.port}"
    visitor.goto(f"{here}/jobs")  # whatever runs in this page now is of the same origin
    answers = visitor.evaluate(
        """async paths => {
          const answers = [];
          for (const [method, path] of paths) {
            const headers = {"Content-Type": "application/json", "X-CSRF-Token": "x"};
            const body = method === "GET" ? undefined : "{}";
            const answer = await fetch(path, {method, headers, body});
            answers.push([answer.status, await answer.text()]);
          }
          return answers;
        }""",
        [
            ["GET", "/api/cloud/jobs"],
            ["GET", "/jobs"],
            ["GET", "/api/events?last_event_id=0"],
            ["POST", f"/api/cloud/jobs/{running.number}/cancel"],
            ["POST", "/api/queue/pause"],
        ],
    )
    assert [status for status, _ in answers] == [403] * 5
    refusals = ("not set up yet", "csrf_failed", "cross_origin")
    assert all(any(words in text for words in refusals) for _, text in answers)
    assert {each["name"] for each in visitor.context.cookies(here)} <= {"csrf_token"}
    assert standing(story) == before


def test_a_link_from_elsewhere_may_open_a_page_but_not_act(
    story: Story, visitor: Page, running: Training, elsewhere: int
) -> None:
    before = standing(story)
    visitor.goto(f"http://evil.test:{elsewhere}/")
    url = running.server.base_url
    with visitor.expect_navigation():
        visitor.evaluate("address => { location.href = address }", f"{url}/jobs")
    assert visitor.title() != "elsewhere"
    assert visitor.evaluate("() => document.cookie").startswith("csrf_token=")
    visitor.goto(f"http://evil.test:{elsewhere}/")
    with visitor.expect_navigation() as gone:
        visitor.evaluate(
            """address => {
              const form = document.createElement("form");
              Object.assign(form, {method: "post", action: address, enctype: "text/plain"});
              document.body.append(form);
              form.submit();
            }""",
            f"{url}/api/cloud/jobs/{running.number}/cancel",
        )
    assert gone.value is not None
    assert gone.value.status == 403
    assert standing(story) == before
