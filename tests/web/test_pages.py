"""Every page, as any browser gets it: small, whole, within the policy, and with links that lead
somewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from st_core.db import db

from .conftest import Jobs
from .html import Document
from .places import PLACES, url

MOST_BYTES = 60_000
MOST_STATEMENTS = 10
TABS = ("", "/metrics", "/samples", "/log", "/files", "/config", "/events")
BROWSER = {"Accept": "text/html,application/xhtml+xml", "Sec-Fetch-Site": "none"}


def read(client: Any, path: str, status: int = 200) -> Document:
    answer = client.get(path, headers=BROWSER)
    assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text[:300]}"
    assert answer.mimetype == "text/html"
    return Document(answer.text)


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """Collect the SQL that is sent meanwhile."""
    seen: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def wrong_with(page: Document) -> list[str]:
    """Return what no page may be."""
    found = [f"refused by the policy: {one}" for one in page.refused_by_policy]
    found += [f"not closed: {one}" for one in page.unclosed]
    found += [f"id used twice: {one}" for one in page.doubled_ids]
    if (size := len(page.text.encode())) > MOST_BYTES:
        found.append(f"{size:,} bytes")
    if len(page.all("h1")) != 1 or not page.all("main"):
        found.append("not exactly one h1 and a main")
    return found


def test_every_page_is_whole_small_and_within_the_policy(client: Any, jobs: Jobs) -> None:
    names = [name for name in PLACES if name != "nothing"]
    pages = {name: read(client, url(name, jobs.completed)) for name in names}
    wrong = {name: found for name, page in pages.items() if (found := wrong_with(page))}
    assert wrong == {}


def test_the_pages_of_a_job_can_be_read_in_every_state(client: Any, jobs: Jobs) -> None:
    wrong: dict[str, list[str]] = {}
    for state, job_id in vars(jobs).items():
        for tab in TABS:
            page = read(client, f"/jobs/{job_id}{tab}")
            classes = {one.attributes.get("class", "") for one in page.all("span")}
            shown = [] if f"pill s-{state}" in classes else ["does not show its state"]
            if found := wrong_with(page) + shown:
                wrong[f"{state}{tab}"] = found
    assert wrong == {}


def test_every_link_of_every_page_leads_somewhere(client: Any, jobs: Jobs) -> None:
    links = {link for name in PLACES for link in _links(client, url(name, jobs.completed))}
    links |= _links(client, f"/jobs/{jobs.failed}")
    wrong = {}
    for link in sorted(links):
        answer = client.get(link, headers=BROWSER)
        if answer.status_code >= 400:
            wrong[link] = answer.status_code
        answer.close()
    assert wrong == {}
    assert len(links) > 60


def _links(client: Any, path: str) -> set[str]:
    answer = client.get(path, headers=BROWSER)
    return Document(answer.text).links - {"/api/events"}


@pytest.mark.parametrize("path", ["/jobs", "/queue", "/configs", "/jobs?status=failed&q=nowhere"])
def test_a_list_costs_ten_statements_whatever_its_length(
    app: Flask, client: Any, submit: Callable[..., str], path: str
) -> None:
    assert client.post("/api/queue/pause").status_code == 200
    client.get(path, headers=BROWSER)
    for _ in range(30):
        submit()
    with statements(app) as seen:
        page = read(client, path)
    assert len(seen) <= MOST_STATEMENTS, "\n".join(seen)
    assert len(page.text.encode()) <= MOST_BYTES


def test_the_first_job_list_says_what_a_job_is_and_offers_the_sample(client: Any) -> None:
    page = read(client, "/jobs")
    assert "No jobs yet" in page.text
    assert "simpletuner jobs submit digits --follow" in page.text
    assert page.all("button", **{"data-act": "/api/cloud/jobs/submit"})


def test_a_filter_that_finds_nothing_says_which_one_to_drop(client: Any, jobs: Jobs) -> None:
    page = read(client, "/jobs?status=failed&q=nowhere")
    assert "Nothing with status Failed, that fits “nowhere”." in page.text
    assert "Without the words there is 1." in page.text
    assert page.all("a", href="/jobs")


def test_a_wrong_filter_is_answered_with_what_would_be_right(client: Any) -> None:
    page = read(client, "/jobs?since=yesterday", 422)
    assert "such as 2026-11-01" in page.text


def test_the_list_can_be_sorted_and_turned_over(client: Any, jobs: Jobs) -> None:
    page = read(client, "/jobs?sort=name")
    head = next(one for one in page.all("th") if one.attributes.get("aria-sort"))
    assert head.attributes["aria-sort"] == "ascending"
    assert any("sort=-name" in one.attributes["href"] for one in page.all("a"))


def test_a_viewer_sees_no_place_that_is_not_theirs(as_user: Callable[..., Any]) -> None:
    client = as_user("viewer")
    page = read(client, "/jobs")
    assert "/admin/settings" not in page.links
    assert "/jobs/new" not in page.links
    refusal = read(client, "/admin/settings", 403)
    assert "admin.config" in refusal.text


def test_a_researcher_may_read_a_foreign_config_and_is_told_why_not_change_it(
    client: Any, as_user: Callable[..., Any]
) -> None:
    page = read(as_user("researcher"), "/configs/digits")
    assert "config.edit.all" in page.text
    assert not page.all("button", **{"data-saves": ""})


def test_an_unknown_page_says_so_with_a_request_id(client: Any) -> None:
    page = read(client, "/no-such-page", 404)
    assert "There is no such page" in page.text
    assert "Request" in page.text
    assert page.refused_by_policy == []


def test_somebody_elses_job_is_not_there(client: Any, jobs: Jobs, as_user: Any) -> None:
    read(as_user("researcher"), f"/jobs/{jobs.completed}", 404)


def test_a_stranger_meets_a_server_that_is_not_set_up(client: Any) -> None:
    forwarded = {**BROWSER, "X-Forwarded-For": "203.0.113.9"}
    answer = client.get("/jobs", headers=forwarded)
    assert (answer.status_code, answer.location) == (302, "/first-run")
    page = Document(client.get("/first-run", headers=forwarded).text)
    assert "one-time code" in page.text
    assert page.refused_by_policy == []
    assert page.all("link", rel="stylesheet")


def test_the_stranger_gets_the_style_of_that_page_too(client: Any) -> None:
    forwarded = {**BROWSER, "X-Forwarded-For": "203.0.113.9"}
    page = Document(client.get("/first-run", headers=forwarded).text)
    for one in page.all("link", rel="stylesheet"):
        answer = client.get(one.attributes["href"], headers=forwarded)
        assert answer.status_code == 200
        answer.close()


def test_static_files_are_kept_for_a_year_under_a_name_that_changes_with_them(client: Any) -> None:
    sheet = next(iter(read(client, "/jobs").all("link", rel="stylesheet"))).attributes["href"]
    answer = client.get(sheet)
    assert "immutable" in answer.headers["Cache-Control"]
    answer.close()
    older = client.get("/static/core/older/theme.css")
    assert "immutable" not in older.headers["Cache-Control"]
    older.close()


def test_no_other_file_of_the_wheel_is_handed_out(client: Any) -> None:
    assert client.get("/static/core/x/vendor/icons/bootstrap-icons.svg").status_code == 404
    assert client.get("/static/core/x/../../app.db").status_code == 404
