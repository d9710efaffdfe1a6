"""Each hook is called at the moment its specification names, with what it promises.

A plugin that answers every hook and writes down what it saw is installed for each test.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask

from st_core import boot, hookspecs
from st_core.cli import st
from st_core.errors import NotAllowed, QuotaExceeded
from st_core.testing import work

MakeApp = Callable[..., Flask]

#: Answers every hook; `ANSWERS` (a dict of hook → answer, or a function of its arguments) may be
#: changed by a test, `CALLS` holds (hook, what was given).
RECORDER = """
'''Writes down every call.'''
from types import SimpleNamespace

import click
from flask import Blueprint

from st_core import hookimpl
from st_core.api.routing import route
from st_core.contracts import *
from st_core.db import in_unit_of_work
from pydantic import BaseModel

CALLS, ANSWERS = [], {}
blueprint = Blueprint("recorder", __name__)


def kept(value):
    table = getattr(value, "__table__", None)
    if table is None:
        return value
    return SimpleNamespace(**{each.key: getattr(value, each.key) for each in table.columns})


class Nothing(BaseModel):
    pass


@route(blueprint, "/api/recorder", permission="recorder.look", summary="Look",
       answers={200: Nothing})
def look():
    return Nothing()


@click.command("recorded")
def recorded():
    click.echo("recorded")


ANSWERS.update(
    st_settings=[Setting("recorder.word", str, "yes", "A word.")],
    st_blueprints=[blueprint],
    st_commands=[recorded],
    st_permissions=[Permission("recorder.look", "Look", ("admin",))],
    st_event_types=[EventType("recorder.seen", "Something was seen")],
    st_services=[Service("recorder", lambda: CALLS.append(("service", None)))],
    st_health_checks=[HealthCheck("recorder", lambda: HealthResult("degraded", "Look here."))],
    st_metrics=[Metric("simpletuner_recorded", "gauge", "Calls.", (({}, 1.0),))],
    st_nav_items=[NavItem("Recorder", "/recorder")],
    st_page_sections=[],
)
"""
IMPLEMENTATION = """

@hookimpl
def {name}({arguments}):
    given = dict({pairs})
    seen = {{key: kept(value) for key, value in given.items()}}
    CALLS.append(("{name}", {{**seen, "in_unit_of_work": {inside}}}))
    answer = ANSWERS.get("{name}")
    return answer(**given) if callable(answer) else answer
"""
#: Hooks that are called without an application context.
BARE = {
    "st_settings", "st_configure", "st_blueprints", "st_commands", "st_permissions",
    "st_event_types", "st_services", "st_providers", "st_auth_provider_kinds",
    "st_trainers", "st_health_checks", "st_policies", "st_approval_desk", "st_provider_options",
}  # fmt: skip


class Recorder:
    """What the plugin saw."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def answer(self, hook: str, answer: Any) -> None:
        """Let `hook` answer something else."""
        self._module.ANSWERS[hook] = answer

    def calls(self, hook: str) -> list[dict[str, Any]]:
        """Return what `hook` was given, call by call."""
        return [given for name, given in self._module.CALLS if name == hook]

    def forget(self) -> None:
        """Forget every call so far."""
        self._module.CALLS.clear()

    def order(self) -> list[str]:
        """Return the hooks in the order of their calls."""
        return [name for name, _ in self._module.CALLS]


@pytest.fixture
def recorder(install_plugin: Callable[..., Path]) -> Recorder:
    """Install the recorder and return it."""
    import importlib
    import inspect

    source = RECORDER
    for name in hookspecs.__all__:
        names = list(inspect.signature(getattr(hookspecs, name)).parameters)
        source += IMPLEMENTATION.format(
            name=name,
            arguments=", ".join(names),
            pairs=", ".join(f"{each}={each}" for each in names),
            inside="None" if name in BARE else "in_unit_of_work()",
        )
    install_plugin("recorder", source)
    return Recorder(importlib.import_module("st_recorder"))


@pytest.fixture
def app(recorder: Recorder, make_app: MakeApp) -> Flask:
    plugins = ["recorder", "zoo", "metrics"]
    make_app(plugins=plugins, prepare=False)  # migrates the database that tests get copies of
    recorder.forget()
    return make_app(plugins=plugins)


def test_registrations_are_asked_once_when_the_app_is_made(app: Flask, recorder: Recorder) -> None:
    for hook in sorted(BARE - {"st_commands"}):
        assert len(recorder.calls(hook)) == 1, hook
    order = recorder.order()
    assert order[0] == "st_settings"
    assert order.index("st_configure") < order.index("st_blueprints")
    assert order.index("st_configure") < order.index("st_trainers")


def test_configure_reads_every_declared_setting(app: Flask, recorder: Recorder) -> None:
    (given,) = recorder.calls("st_configure")
    assert given["app"] is app
    assert given["settings"].value("recorder.word") == "yes"
    assert given["settings"].value("server.port")


def test_startup_runs_once_after_the_schema_is_there_and_shutdown_at_the_end(
    app: Flask, recorder: Recorder
) -> None:
    (given,) = recorder.calls("st_startup")
    assert given == {"app": app, "in_unit_of_work": False}
    assert recorder.calls("st_shutdown") == []
    boot.shut_down(app)
    assert len(recorder.calls("st_shutdown")) == 1


def test_a_plugins_route_permission_and_event_type_are_known(
    app: Flask, as_user: Callable[..., Any]
) -> None:
    deployment = app.extensions["st"]
    assert "recorder.look" in deployment.permissions
    assert "recorder.seen" in deployment.event_types
    assert as_user("admin").get("/api/recorder").status_code == 200
    assert as_user("lead").get("/api/recorder").status_code == 403


def test_a_plugins_command_is_found_under_flask_st(recorder: Recorder, state_dir: Path) -> None:
    enabled = {"plugins": {"enabled": ["recorder"]}}
    (state_dir / "simpletuner-enterprise.json").write_text(json.dumps(enabled))
    done = CliRunner().invoke(st, ["recorded"])
    assert done.output.strip() == "recorded"


def test_a_plugins_service_runs(
    app: Flask, recorder: Recorder, run_services_once: Callable[..., None]
) -> None:
    run_services_once("recorder")
    assert recorder.calls("service") == [None]


def test_one_submission_asks_access_then_limits_and_tells_every_move_inside_its_transaction(
    app: Flask, recorder: Recorder, run_job: Callable[..., str]
) -> None:
    job_id = run_job()
    (access,) = recorder.calls("st_check_access")
    (limits,) = recorder.calls("st_reserve_limits")
    assert access["in_unit_of_work"]
    assert limits["in_unit_of_work"]
    assert access["submission"].provider == "instant"
    assert str(limits["job"].id) == job_id
    moves = recorder.calls("st_job_transition")
    assert [(str(each["old"]), str(each["new"])) for each in moves] == [
        ("new", "queued"),
        ("queued", "starting"),
        ("starting", "running"),
        ("running", "completed"),
    ]
    assert all(each["in_unit_of_work"] for each in moves)


def test_a_denial_refuses_the_submission(
    app: Flask, recorder: Recorder, run_job: Callable[..., str]
) -> None:
    from st_core.contracts import Denial

    recorder.answer("st_check_access", [Denial("rule 7", "Not on Mondays.")])
    with pytest.raises(NotAllowed, match="Not on Mondays"):
        run_job()
    assert recorder.calls("st_reserve_limits") == []


def test_a_blocking_verdict_refuses_the_submission(
    app: Flask, recorder: Recorder, run_job: Callable[..., str]
) -> None:
    from st_core.contracts import Action, Verdict

    full = Verdict("seats", Action.BLOCK, 3, 3, "seats", "All three seats are taken.")
    recorder.answer("st_reserve_limits", [full])
    with pytest.raises(QuotaExceeded, match="All three seats are taken"):
        run_job()


def test_a_hold_keeps_a_job_in_the_queue_until_it_is_lifted(
    app: Flask, recorder: Recorder, clock: Any
) -> None:
    from st_core.contracts import Hold

    recorder.answer("st_hold_job", Hold("The machine is asleep.", retry_after_seconds=1))
    job_id = work.submit_job(app)
    work.run_once(app, ["dispatch"])
    assert str(work.state_of(app, job_id)) == "queued"
    assert recorder.calls("st_hold_job")[0]["in_unit_of_work"]
    recorder.answer("st_hold_job", None)
    clock.advance(minutes=1)
    work.finish_job(app, job_id)
    assert str(work.state_of(app, job_id)) == "completed"


def test_an_environment_is_asked_for_outside_just_before_the_start(
    app: Flask, recorder: Recorder, run_job: Callable[..., str]
) -> None:
    recorder.answer("st_job_environment", {"RECORDER_TOKEN": "a-secret"})
    job_id = run_job()
    (given,) = recorder.calls("st_job_environment")
    assert not given["in_unit_of_work"]
    assert str(given["job"].id) == job_id
    order = recorder.order()
    assert order.index("st_job_environment") < len(order) - 1 - order[::-1].index(
        "st_job_transition"
    )


def test_every_fact_reaches_a_subscriber_once_outside_a_unit_of_work(
    app: Flask, recorder: Recorder, run_job: Callable[..., str], deliver_all: Callable[[], None]
) -> None:
    run_job()
    deliver_all()
    told = recorder.calls("st_on_event")
    names = [each["event"].name for each in told]
    assert {"job.submitted", "job.started", "job.completed"} <= set(names)
    numbers = [each["event"].id for each in told]
    assert len(numbers) == len(set(numbers))
    assert not any(each["in_unit_of_work"] for each in told)


def test_a_subscriber_that_fails_is_told_again_later_and_stops_nobody(
    app: Flask, recorder: Recorder, run_job: Callable[..., str], clock: Any
) -> None:
    def fail(event: Any) -> None:
        raise RuntimeError("not today")

    recorder.answer("st_on_event", fail)
    job_id = run_job()
    assert str(work.state_of(app, job_id)) == "completed"
    first = len(recorder.calls("st_on_event"))
    recorder.answer("st_on_event", None)
    clock.advance(minutes=1)
    work.deliver_all(app)
    assert len(recorder.calls("st_on_event")) == 2 * first


def test_pages_ask_for_links_and_sections(client: Any, recorder: Recorder) -> None:
    page = client.get("/jobs")
    assert page.status_code == 200
    assert b"Recorder" in page.data
    assert recorder.calls("st_nav_items")[0]["viewer"].username
    client.get("/system")
    assert "system" in {each["page"] for each in recorder.calls("st_page_sections")}


def test_a_section_that_cannot_be_drawn_harms_no_other(
    client: Any, recorder: Recorder, run_job: Callable[..., str]
) -> None:
    from st_core.contracts import Section

    recorder.answer("st_page_sections", [Section("recorder/none.html", {}, title="Broken")])
    page = client.get(f"/jobs/{run_job()}")
    assert page.status_code == 200
    assert b"could not be drawn" in page.data


def test_health_and_metrics_show_what_plugins_say(client: Any) -> None:
    health = json.dumps(client.get("/api/cloud/health").get_json())
    assert "Look here." in health
    scraped = client.get("/api/cloud/metrics/prometheus").get_data(as_text=True)
    assert "simpletuner_recorded 1.0" in scraped
