"""The server's log: a line per event with its request's id, and never a secret."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from flask import Flask, g

from st_core import access_log, logs
from st_core.errors import ConfigError

log = logging.getLogger("tests.logs")


@pytest.fixture(autouse=True)
def _keep_root() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_json_lines_carry_level_logger_message_and_extras(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure("json", "info")
    log.warning("job %s waits", 17, extra={"job_id": 17})
    line = json.loads(capsys.readouterr().err)
    assert line["level"] == "warning"
    assert line["logger"] == "tests.logs"
    assert line["message"] == "job 17 waits"
    assert line["job_id"] == 17
    assert line["time"].endswith("Z")


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_line_names_the_request_it_belongs_to(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(form, "info")
    with Flask("any").app_context():
        g.st_request_id = "abc123"
        log.info("inside")
    log.info("outside")
    inside, outside = capsys.readouterr().err.splitlines()
    assert "abc123" in inside
    assert "abc123" not in outside


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize(
    ("message", "secret"),
    [
        ("Authorization: Bearer st_AbCdEfGhIjKlMnOpQrStUvWxYz012345", "AbCdEfGh"),
        ("key st_AbCdEfGhIjKlMnOpQrStUvWxYz012345 was used", "AbCdEfGh"),
        ("postgresql://app:hunter22@db/app is down", "hunter22"),
        ("smtp password=hunter22 refused", "hunter22"),
        ('{"client_secret": "hunter22"}', "hunter22"),
        ("hf_AbCdEfGhIjKlMnOpQr could not push", "AbCdEfGh"),
    ],
)
def test_secrets_never_reach_a_line(
    form: str, message: str, secret: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(form, "info")
    log.info("%s", message)
    try:
        raise ValueError(message)
    except ValueError:
        log.exception("failed")
    written = capsys.readouterr().err
    assert secret not in written
    assert logs.HIDDEN in written


@pytest.mark.parametrize("sign", ["\n", "\r", "\x1b", "\x9b", "\u2028", "\x00"])
def test_what_a_caller_sends_cannot_begin_a_line_of_its_own(
    sign: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("text", "info")
    log.info("GET %s 404", f"/a{sign}2026-01-01 ERROR forged")
    written = capsys.readouterr().err
    assert sign not in written.rstrip("\n")
    assert len(written.splitlines()) == 1


def test_configuring_twice_writes_each_line_once(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("text", "info")
    logs.configure("text", "info")
    log.info("once")
    assert capsys.readouterr().err.count("once") == 1


def test_lines_below_the_level_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("text", "warning")
    log.info("quiet")
    assert capsys.readouterr().err == ""


def test_the_environment_chooses_the_form(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIMPLETUNER_LOG_FORMAT", "json")
    logs.configure()
    log.warning("hello")
    assert json.loads(capsys.readouterr().err)["message"] == "hello"


def test_a_request_is_one_line_without_its_query(capsys: pytest.CaptureFixture[str]) -> None:
    app = Flask("any")
    app.add_url_rule("/jobs", "jobs", lambda: "fine", methods=["GET", "POST"])
    access_log.init_app(app)
    logs.configure("json", "info")
    app.test_client().post("/jobs?token=hunter22")
    app.test_client().get("/jobs")
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert (told["method"], told["path"], told["status"]) == ("POST", "/jobs", 200)
    assert "hunter22" not in line


@pytest.mark.parametrize(("form", "level"), [("xml", "info"), ("text", "loud")])
def test_an_unknown_form_or_level_is_refused_with_those_there_are(form: str, level: str) -> None:
    with pytest.raises(ConfigError, match="use"):
        logs.configure(form, level)
