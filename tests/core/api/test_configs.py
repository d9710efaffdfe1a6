"""Configs over HTTP: made, changed by revisions, compared, restored, brought in and taken home."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest


def make(client: Any, name: str = "mine", **body: Any) -> Any:
    asked = {"name": name, "trainer": "fake_trainer", "data": {"steps": 3}} | body
    return client.post("/api/configs", json=asked)


def test_a_config_is_made_changed_and_every_save_is_a_revision(client: Any) -> None:
    made = make(client, description="for a test", note="first")
    assert made.status_code == 201
    assert (made.json["revision"], made.json["note"]) == (1, "first")
    saved = client.put("/api/configs/mine", json={"data": {"steps": 4}, "note": "longer"})
    assert (saved.json["revision"], saved.json["data"]) == (2, {"steps": 4})
    again = client.put("/api/configs/mine", json={"data": {"steps": 4}})
    assert again.json["revision"] == 2
    told = client.get("/api/configs/mine/revisions").json["revisions"]
    assert [(row["number"], row["note"]) for row in told] == [(2, "longer"), (1, "first")]
    assert client.get("/api/configs/mine/revisions/1").json["data"] == {"steps": 3}
    assert client.get("/api/configs/mine/revisions/9").status_code == 404


def test_two_revisions_are_compared_and_the_old_one_brought_back(client: Any) -> None:
    make(client)
    client.put("/api/configs/mine", json={"data": {"steps": 4, "note": "x"}})
    told = client.get("/api/configs/mine/diff").json
    assert (told["from"], told["to"]) == (1, 2)
    assert [(row["path"], row["kind"]) for row in told["changes"]] == [
        ("note", "added"),
        ("steps", "changed"),
    ]
    assert client.get("/api/configs/mine/diff?from=2&to=2").json["changes"] == []
    back = client.post("/api/configs/mine/revisions/1/restore", json={"note": "as it was"})
    assert (back.json["number"], back.json["data"]) == (3, {"steps": 3})
    assert back.json["note"] == "as it was"


def test_somebody_elses_save_is_not_overwritten(client: Any) -> None:
    make(client)
    client.put("/api/configs/mine", json={"data": {"steps": 4}, "expected_revision": 1})
    late = client.put("/api/configs/mine", json={"data": {"steps": 5}, "expected_revision": 1})
    assert (late.status_code, late.json["code"]) == (409, "conflict")
    assert client.get("/api/configs/mine").json["data"] == {"steps": 4}


def test_what_is_wrong_is_told_at_its_field_and_nothing_is_stored(client: Any) -> None:
    wrong = make(client, data={"steps": 0, "unknown": 1})
    assert wrong.status_code == 400
    assert {error["path"] for error in wrong.json["errors"]} == {"steps", "unknown"}
    assert client.get("/api/configs/mine").status_code == 404
    make(client)
    assert client.put("/api/configs/mine", json={"data": {"steps": 0}}).status_code == 400
    assert make(client).json["code"] == "duplicate"
    assert make(client, name="../etc").status_code == 422
    assert make(client, name="other", trainer="none").status_code == 404


def test_data_is_checked_without_being_stored(client: Any) -> None:
    make(client)
    fine = client.post("/api/configs/mine/validate").json
    assert (fine["valid"], fine["errors"], fine["steps"]) == (True, [], 3)
    assert fine["data"]["save_every"] == 5
    wrong = client.post("/api/configs/mine/validate", json={"data": {"steps": "many"}}).json
    assert (wrong["valid"], wrong["errors"][0]["path"]) == (False, "steps")
    path = "/api/trainers/fake_trainer/validate"
    assert client.post(path, json={"data": {"steps": 1}}).json["valid"] is True
    assert client.post("/api/trainers/none/validate", json={"data": {}}).status_code == 404


def test_configs_are_listed_by_name_in_pages_and_searched(client: Any) -> None:
    for name in ("delta", "alpha", "charlie", "bravo"):
        make(client, name=name, description="lora" if name == "bravo" else "")
    first = client.get("/api/configs?limit=3").json
    assert [row["name"] for row in first["configs"]] == ["alpha", "bravo", "charlie"]
    assert (first["total"], first["total_is_exact"]) == (4, True)
    rest = client.get(f"/api/configs?limit=3&cursor={first['next']}").json
    assert ([row["name"] for row in rest["configs"]], rest["next"]) == (["delta"], None)
    found = client.get("/api/configs?q=LoRA").json
    assert ([row["name"] for row in found["configs"]], found["total"]) == (["bravo"], 1)
    assert first["configs"][0]["owner"] == client.get("/api/auth/me").json["username"]
    assert client.get("/api/configs?trainer=none").json["configs"] == []
    assert client.get("/api/configs?cursor=%21").status_code == 422


def test_a_config_gets_another_name_and_then_is_gone(client: Any) -> None:
    make(client)
    make(client, name="taken")
    assert client.patch("/api/configs/mine", json={"name": "taken"}).status_code == 409
    renamed = client.patch("/api/configs/mine", json={"name": "yours", "description": "new"})
    assert (renamed.json["name"], renamed.json["description"]) == ("yours", "new")
    assert client.get("/api/configs/mine").status_code == 404
    assert client.delete("/api/configs/yours").json == {"success": True}
    assert client.get("/api/configs/yours").status_code == 404


def test_people_change_their_own_configs_and_read_all(as_user: Callable[..., Any]) -> None:
    rita, rob, viewer = as_user("researcher"), as_user("researcher"), as_user("viewer")
    make(rita)
    assert rob.get("/api/configs/mine").status_code == 200
    assert viewer.get("/api/configs/mine").status_code == 200
    for method, path, body in (
        ("PUT", "/api/configs/mine", {"data": {"steps": 1}}),
        ("PATCH", "/api/configs/mine", {"name": "stolen"}),
        ("DELETE", "/api/configs/mine", {}),
        ("POST", "/api/configs/mine/revisions/1/restore", {}),
    ):
        assert rob.open(path, method=method, json=body).status_code == 403
    assert make(viewer, name="no").status_code == 403


def test_a_zip_goes_out_and_comes_back_the_same(client: Any) -> None:
    make(client, data={"steps": 7, "note": "travels"})
    packed = client.get("/api/configs/mine/export")
    assert packed.mimetype == "application/zip"
    client.delete("/api/configs/mine")
    answer = client.post("/api/configs/import", data=packed.data, content_type="application/zip")
    assert answer.status_code == 201, answer.json
    assert [row["name"] for row in answer.json["configs"]] == ["mine"]
    assert client.get("/api/configs/mine").json["data"] == {"steps": 7, "note": "travels"}


def test_a_file_is_brought_in_and_a_name_is_overwritten_only_when_asked(client: Any) -> None:
    def upload(**query: str) -> Any:
        content = io.BytesIO(json.dumps({"--steps": 9}).encode())
        return client.post(
            "/api/configs/import",
            data={"file": (content, "mine.json")},
            query_string={"trainer": "fake_trainer", **query},
        )

    assert upload().status_code == 201
    assert (upload().status_code, upload().json["code"]) == (409, "duplicate")
    assert upload(overwrite="true").status_code == 201
    assert client.get("/api/configs/mine").json["data"] == {"steps": 9}


def test_json_is_brought_in_as_a_body(client: Any) -> None:
    body = {"name": "mine", "trainer": "fake_trainer", "data": {"steps": 2}}
    assert client.post("/api/configs/import", json=body).status_code == 201
    del body["name"]
    assert client.post("/api/configs/import", json=body).status_code == 422


@pytest.mark.parametrize("content", [b"", b"no zip", b"[]", b'{"steps": NaN}'])
def test_a_broken_upload_is_refused(client: Any, content: bytes) -> None:
    answer = client.post("/api/configs/import", data=content, content_type="application/zip")
    assert answer.status_code == 422
    answer = client.post(
        "/api/configs/import", data={"other": "x"}, content_type="multipart/form-data"
    )
    assert answer.status_code == 422


def test_of_several_configs_all_are_stored_or_none(client: Any) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("good/config.json", '{"steps": 1}')
        archive.writestr("bad/config.json", '{"steps": 0}')
    answer = client.post(
        "/api/configs/import?trainer=fake_trainer",
        data=packed.getvalue(),
        content_type="application/zip",
    )
    assert answer.status_code == 400
    assert client.get("/api/configs").json["configs"] == []


def test_trainers_show_the_schema_their_forms_are_drawn_from(client: Any) -> None:
    told = client.get("/api/trainers").json["trainers"]
    assert [trainer["name"] for trainer in told] == ["fake_trainer"]
    assert told[0]["config_schema"]["properties"]["steps"]["minimum"] == 1
    assert client.get("/api/trainers/fake_trainer").json == told[0]
    assert client.get("/api/trainers/none").json["code"] == "trainer_not_found"
