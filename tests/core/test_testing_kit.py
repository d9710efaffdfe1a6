"""The shipped test kit itself: its guards fail what they must, its fakes keep their promises."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from st_core import clock as product_clock
from st_core.contracts import JobState
from st_core.db import db, unit_of_work
from st_core.models import User
from st_core.testing import work
from st_core.testing.guards import Breach, guarded
from st_core.testing.provider_kit import ProviderContract
from st_core.testing.trainer_kit import TrainerContract

#: The zoo's providers whose attempts end well when nobody interferes.
SOUND = ("instant", "slow")


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(plugins=["zoo"], jobs__max_attempts=2)


class TestFakeTrainer(TrainerContract):
    plugin, trainer, config = "zoo", "fake_trainer", {"steps": 6, "save_every": 2}
    wrong, wrong_path = {"steps": 0}, "steps"
    runs = True


class TestInstant(ProviderContract):
    plugin, provider, runs = "zoo", "instant", False


class TestSlow(ProviderContract):
    plugin, provider, runs = "zoo", "slow", False


def test_a_connection_beyond_loopback_is_refused() -> None:
    with pytest.raises(Breach, match=r"192\.0\.2\.1"), guarded():
        socket.create_connection(("192.0.2.1", 80), timeout=0.1)


def test_a_refusal_that_somebody_swallowed_is_told_at_the_end() -> None:
    def swallow() -> None:
        with pytest.raises(Breach):
            socket.getaddrinfo("example.org", 80)

    with pytest.raises(Breach, match=r"example\.org"), guarded():
        swallow()


def test_loopback_may_be_reached() -> None:
    with (
        guarded(),
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()),
    ):
        pass


def test_no_connection_may_be_opened_inside_a_unit_of_work(app: Flask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with (
            app.app_context(),
            pytest.raises(Breach, match="inside a unit of work"),
            guarded(),
            unit_of_work(),
        ):
            socket.create_connection(address)


def test_only_a_unit_of_work_may_commit(app: Flask) -> None:
    with app.app_context():
        db.session.add(User(username="mallory", email="mallory@example.org"))
        with pytest.raises(Breach, match=r"commit\(\)"), guarded():
            db.session.commit()


def test_a_client_inside_an_application_context_is_refused(client: Any, app: Flask) -> None:
    with app.app_context(), pytest.raises(AssertionError, match="leave the application context"):
        client.get("/health")


def test_two_clients_act_as_two_people(as_user: Callable[..., Any]) -> None:
    alice, bob = as_user("lead", "alice"), as_user("viewer", "bob")
    names = [each.get("/api/users/me").get_json()["username"] for each in (alice, bob, alice)]
    assert names == ["alice", "bob", "alice"]


def test_the_clock_moves_and_comes_back(clock: Any) -> None:
    before = product_clock.now()
    clock.advance(hours=2)
    assert (product_clock.now() - before).total_seconds() >= 7200


@pytest.mark.parametrize("provider", SOUND)
def test_a_sound_provider_of_the_zoo_completes_a_job(
    provider: str, app: Flask, run_job: Callable[..., str]
) -> None:
    assert work.state_of(app, run_job(provider=provider)) is JobState.COMPLETED


@pytest.mark.parametrize("provider", ["failing", "crashing", "vanishing"])
def test_a_broken_provider_of_the_zoo_fails_a_job(
    provider: str, app: Flask, run_job: Callable[..., str]
) -> None:
    assert work.state_of(app, run_job(provider=provider)) is JobState.FAILED


def test_a_lost_answer_loses_no_job_and_starts_nothing_twice(app: Flask, clock: Any) -> None:
    job_id = work.submit_job(app, provider="losing")
    work.run_once(app, ["dispatch"])
    clock.advance(minutes=5)
    work.finish_job(app, job_id)
    assert work.state_of(app, job_id) is JobState.COMPLETED
    (starts,) = (app.extensions["st"].state_dir / "jobs").glob("*/starts")
    assert len(starts.read_text().splitlines()) == 1


def test_a_fresh_database_is_empty_whatever_an_earlier_test_wrote(
    make_app: Callable[..., Flask], database: Any
) -> None:
    for _ in range(2):
        app = make_app(plugins=[])
        with app.app_context():
            assert db.session.query(User).count() == 0
            with unit_of_work() as session:
                session.add(User(username="alice", email="alice@example.org"))
