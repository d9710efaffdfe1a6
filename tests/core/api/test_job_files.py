"""What a job wrote, over HTTP: its log in parts and as it grows; curves; files; checkpoints."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask


@pytest.fixture
def workspace(app: Flask, run_job: Callable[..., str]) -> Path:
    """The folder of job 1, which is completed, filled as a trainer would."""
    from st_core.db import db
    from st_core.models import Job
    from st_core.services import workspaces

    run_job()
    with app.app_context():
        folder = workspaces.of(db.session.get_one(Job, 1))
    (folder / "log").write_text("first line\nzweite Zeile: äöü\n\rbar 50%\rbar 100%\nlast line\n")
    lines = [{"type": "progress", "step": n, "metrics": {"loss": 1 / n}} for n in range(1, 9)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "step-5.json").write_text('{"step": 5}')
    (folder / "samples").mkdir()
    (folder / "samples" / "step 1.png").write_bytes(b"\x89PNG" + bytes(range(96)))
    (folder / "notes.html").write_text("<script>alert(1)</script>")
    (folder / "run" / "1").mkdir(parents=True)
    (folder / "run" / "1" / "launch.json").write_text("{}")
    return folder


ROOT = "/api/cloud/jobs/1"


def test_the_log_is_read_in_parts_that_join_without_gap_or_double(
    client: Any, workspace: Path
) -> None:
    text, after, parts = "", 0, 0
    while True:
        part = client.get(f"{ROOT}/logs?after={after}&limit=16").json
        assert part["start"] == after
        text, after, parts = text + part["logs"], part["next"], parts + 1
        if part["is_complete"]:
            break
    assert text.encode() == (workspace / "log").read_bytes()
    assert after == part["size_bytes"] == (workspace / "log").stat().st_size
    assert parts > 2


def test_the_end_of_the_log_alone(client: Any, workspace: Path) -> None:
    assert client.get(f"{ROOT}/logs?tail=16").json["logs"].endswith("last line\n")
    assert client.get(f"{ROOT}/logs?after=99999").json["logs"] == ""


def test_a_character_that_is_half_written_is_left_for_the_next_part(
    app: Flask, client: Any, submit: Callable[..., Any], run_services_once: Callable[..., None]
) -> None:
    from st_core.db import db
    from st_core.models import Job
    from st_core.services import workspaces

    number = submit()["job_id"]
    run_services_once("dispatch")
    with app.app_context():
        log = workspaces.of(db.session.get_one(Job, int(number))) / "log"
    log.write_bytes(b"\xc3")
    part = client.get(f"/api/cloud/jobs/{number}/logs").json
    assert (part["logs"], part["next"], part["is_complete"]) == ("", 0, False)
    log.write_bytes("ä".encode())
    assert client.get(f"/api/cloud/jobs/{number}/logs?after=0").json["logs"] == "ä"


def test_the_log_as_a_stream_ends_with_done(client: Any, workspace: Path) -> None:
    answer = client.get(f"{ROOT}/logs/stream?follow=false")
    assert answer.mimetype == "text/event-stream"
    assert answer.headers["X-Accel-Buffering"] == "no"
    text = answer.get_data(as_text=True)
    assert "data: zweite Zeile: äöü\n" in text
    assert text.endswith("event: done\ndata: {}\n\n")
    size = (workspace / "log").stat().st_size
    assert f"id: {size}\n" in text
    again = client.get(f"{ROOT}/logs/stream?follow=false", headers={"Last-Event-ID": str(size)})
    assert again.get_data(as_text=True) == "event: done\ndata: {}\n\n"


def test_one_line_tells_how_a_job_is(client: Any, workspace: Path) -> None:
    told = client.get(f"{ROOT}/inline-progress").json
    assert (told["job_id"], told["status"], told["last_log"]) == ("1", "completed", "last line")
    (workspace / "log").write_text("x" * 500)
    assert len(client.get(f"{ROOT}/inline-progress").json["last_log"]) == 80


def test_curves_come_as_json_and_as_csv(client: Any, workspace: Path) -> None:
    series = client.get(f"{ROOT}/metrics").json["series"]
    assert series["loss"][0] == {"step": 1.0, "value": 1.0}
    assert [point["value"] for point in series["loss"]] == [1 / n for n in range(1, 9)]
    assert client.get(f"{ROOT}/metrics?names=nothing").json["series"] == {}
    assert len(client.get(f"{ROOT}/metrics?names=loss&max_points=4").json["series"]["loss"]) == 4
    table = client.get(f"{ROOT}/metrics?format=csv&names=loss")
    assert table.mimetype == "text/csv"
    assert table.get_data(as_text=True).splitlines()[:3] == [
        "metric,step,value",
        "loss,1,1.0",
        "loss,2,0.5",
    ]


def test_files_are_listed_with_kind_and_address_and_private_ones_are_not(
    client: Any, workspace: Path
) -> None:
    told = client.get(f"{ROOT}/artifacts").json
    kinds = {item["path"]: item["kind"] for item in told["artifacts"]}
    assert kinds["samples/step 1.png"] == "sample"
    assert kinds["checkpoints/step-5.json"] == "checkpoint"
    assert kinds["log"] == "log"
    assert not [path for path in kinds if path.startswith("run") or path == "config.json"]
    assert [item["step"] for item in told["checkpoints"]] == [5]
    for item in told["artifacts"] + told["checkpoints"]:
        assert client.get(item["url"]).status_code == 200


def test_a_picture_is_shown_and_anything_that_could_run_is_only_saved(
    client: Any, workspace: Path
) -> None:
    picture = client.get(f"{ROOT}/artifacts/samples/step%201.png")
    assert picture.mimetype == "image/png"
    assert "attachment" not in picture.headers.get("Content-Disposition", "")
    page = client.get(f"{ROOT}/artifacts/notes.html")
    assert page.mimetype == "application/octet-stream"
    assert page.headers["Content-Disposition"].startswith("attachment")
    for answer in (picture, page):
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert "script-src" not in answer.headers["Content-Security-Policy"]
    saved = client.get(f"{ROOT}/artifacts/samples/step%201.png?download=true")
    assert saved.headers["Content-Disposition"].startswith("attachment")


def test_a_file_comes_in_the_ranges_that_were_asked_for(client: Any, workspace: Path) -> None:
    path = f"{ROOT}/artifacts/samples/step%201.png"
    part = client.get(path, headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.data) == (206, bytes(range(4)))
    assert part.headers["Content-Range"] == "bytes 4-7/100"
    assert client.get(path, headers={"Range": "bytes=500-"}).status_code == 416
    whole = client.get(path)
    again = client.get(path, headers={"If-None-Match": whole.headers["ETag"]})
    assert again.status_code == 304


PATHS_OUT = (
    "../2-other/log",
    "%2e%2e/%2e%2e/app.db",
    "samples/../../../app.db",
    "/etc/passwd",
    "//etc/passwd",
    "config.json",
    "run/1/launch.json",
    "samples/../run/1/launch.json",
    "samples",
    "nothing",
    "link",
    "x" * 5000,
)


def test_no_path_leads_out_of_the_workspace_or_to_private_files(
    client: Any, workspace: Path
) -> None:
    (workspace / "link").symlink_to("/etc/passwd")
    for path in PATHS_OUT:
        answer = client.get(f"{ROOT}/artifacts/{path}")
        assert answer.status_code in (404, 308), path
        assert b"root:" not in answer.data


def test_a_checkpoint_comes_as_one_archive(client: Any, workspace: Path) -> None:
    answer = client.get(f"{ROOT}/checkpoints/checkpoints/step-5.json")
    assert answer.mimetype == "application/zip"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["step-5.json"]
    assert client.get(f"{ROOT}/checkpoints/checkpoints").status_code == 404
    assert client.get(f"{ROOT}/checkpoints/../app.db").status_code == 404


def test_an_archive_of_many_files_is_whole(tmp_path: Path) -> None:
    from st_core.api import archives

    folder = tmp_path / "checkpoint-7"
    (folder / "deep").mkdir(parents=True)
    content = {"weights.bin": bytes(3 << 20), "deep/state.json": b"{}", "empty": b""}
    for name, data in content.items():
        (folder / name).write_bytes(data)
    pieces = list(archives.stream(folder, [folder / name for name in content]))
    assert len(pieces) > 3
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert {name: archive.read(f"checkpoint-7/{name}") for name in content} == content
