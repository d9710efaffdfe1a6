"""Where templates are found, and what plugins may add to pages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from st_core.errors import PluginError

from .test_pages import BROWSER, read, wrong_with

ODD = '''"""A plugin whose panels are odd."""

from st_core import hookimpl
from st_core.contracts import NavItem, Section


@hookimpl
def st_page_sections(page, viewer, subject):
    return [
        Section("odd/well.html", {"word": "<b>bold</b>"}, "A panel that works", "main"),
        Section("odd/missing.html", {}, "A panel without a template"),
        Section("odd/greedy.html", {}, "A panel that wants more than it declared"),
    ]


@hookimpl
def st_nav_items(viewer):
    return [
        NavItem("Odd place", "/jobs?q=odd", permission="job.view.own"),
        NavItem("Secret place", "/jobs?q=secret", permission="admin.config"),
    ]
'''


@pytest.fixture
def odd(install_plugin: Callable[..., Path], make_app: Callable[..., Flask]) -> Flask:
    """An app with the odd plugin."""
    templates = install_plugin("odd", ODD) / "templates" / "odd"
    templates.mkdir(parents=True)
    (templates / "well.html").write_text("<p class='panel-body'>{{ word }}</p>")
    (templates / "greedy.html").write_text("{{ viewer.username }}")
    return make_app(["odd", "tiny_trainer"])


def test_a_section_that_cannot_be_drawn_says_so_and_harms_no_other(odd: Flask) -> None:
    page = read(odd.test_client(), "/system")
    assert wrong_with(page) == []
    assert "&lt;b&gt;bold&lt;/b&gt;" in page.text
    assert page.text.count("This section could not be drawn.") == 2
    assert "from odd" in page.text


def test_a_plugins_link_shows_to_those_who_may_follow_it(odd: Flask) -> None:
    from st_core.testing import people

    assert "Secret place" in read(odd.test_client(), "/jobs").text
    viewer = people.client_of(odd, people.make_user(odd, "viewer"))
    page = read(viewer, "/jobs")
    assert "Odd place" in page.text
    assert "Secret place" not in page.text


def test_templates_outside_the_plugins_own_folder_stop_the_start(
    install_plugin: Callable[..., Path], make_app: Callable[..., Flask]
) -> None:
    folder = install_plugin("odd", ODD) / "templates"
    folder.mkdir()
    (folder / "base.html").write_text("mine now")
    with pytest.raises(PluginError, match=r"base\.html"):
        make_app(["odd"])


def test_a_site_may_put_its_own_words_around_a_page_of_ours(
    state_dir: Path, make_app: Callable[..., Flask]
) -> None:
    own = state_dir / "templates" / "jobs"
    own.mkdir(parents=True)
    (own / "list.html").write_text(
        '{% extends "core:jobs/list.html" %}'
        "{% block content %}<p>Maintenance on Sunday.</p>{{ super() }}{% endblock %}"
    )
    text = read(make_app().test_client(), "/jobs").text
    assert "Maintenance on Sunday." in text
    assert "No jobs yet" in text


def test_a_page_of_a_provider_and_trainer_that_are_gone_can_still_be_read(
    make_app: Callable[..., Flask],
    run_job: Callable[..., str],
    find_zoo: Callable[..., None],
    tmp_path: Path,
) -> None:
    find_zoo(["zoo"])
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    job = run_job(app=make_app(["zoo", "tiny_trainer"], database_url=url))
    client = make_app(["tiny_trainer"], database_url=url).test_client()
    page = read(client, f"/jobs/{job}")
    assert "not enabled" in page.text
    assert wrong_with(page) == []
    assert client.get("/queue", headers=BROWSER).status_code == 200


def test_nobody_elses_answer_is_needed_for_an_error_page(client: Any) -> None:
    answer = client.get("/jobs?cursor=not-ours", headers=BROWSER)
    assert answer.status_code == 422
    assert "not made by this server" in answer.text
