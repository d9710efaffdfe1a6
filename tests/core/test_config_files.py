"""Configs as files: SimpleTuner's folders in every form, and archives meant to harm."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from st_core.errors import Malformed
from st_core.services.config_archives import read_folder
from st_core.services.config_files import export_zip, import_files, import_upload

CONFIG = {
    "--model_family": "sdxl",
    "--model_type": "lora",
    "--lora_type": "lycoris",
    "--data_backend_config": "config/watercolor/multidatabackend.json",
    "--lycoris_config": "config/watercolor/lycoris_config.json",
    "--user_prompt_library": "config/watercolor/user_prompt_library.json",
    "--max_train_steps": 2400,
    "__active_tab__": "data",
}
DATALOADER = [{"id": "pictures", "type": "local", "instance_data_dir": "/data/pictures"}]
FOLDER: dict[str, Any] = {
    "watercolor/config.json": CONFIG,
    "watercolor/multidatabackend.json": DATALOADER,
    "watercolor/lycoris_config.json": {"algo": "lokr"},
    "watercolor/user_prompt_library.json": {"cat": "a cat"},
    "watercolor/.metadata.json": {"name": "watercolor v1", "description": "soft colours"},
}


def zipped(files: dict[str, Any]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            text = content if isinstance(content, bytes | str) else json.dumps(content)
            archive.writestr(path, text)
    return target.getvalue()


def test_a_folder_of_simpletuner_becomes_one_config_with_its_companions() -> None:
    (config,) = import_upload(zipped(FOLDER), "mine.zip")
    assert (config.name, config.trainer) == ("watercolor v1", "simpletuner_trainer")
    assert config.description == "soft colours"
    assert config.data == {
        "model_family": "sdxl",
        "model_type": "lora",
        "lora_type": "lycoris",
        "max_train_steps": 2400,
        "dataloader_config": DATALOADER,
        "lycoris_config": {"algo": "lokr"},
        "user_prompt_library": {"cat": "a cat"},
    }
    assert len(config.notes) == 1
    assert "__active_tab__" in config.notes[0]


def test_what_was_exported_comes_back_the_same() -> None:
    (config,) = import_upload(zipped(FOLDER), "mine.zip")
    content = export_zip(config.name, config.trainer, config.data, {"description": "soft colours"})
    (again,) = import_upload(content, "other.zip")
    assert (again.name, again.trainer, again.data) == (config.name, config.trainer, config.data)
    assert (again.description, again.notes) == ("soft colours", ())


def test_an_export_lies_as_simpletuner_looks_for_it() -> None:
    content = export_zip(
        "blue", "simpletuner_trainer", {"seed": 1, "dataloader_config": DATALOADER}
    )
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert set(archive.namelist()) == {
            "blue/config.json",
            "blue/multidatabackend.json",
            "blue/.metadata.json",
        }
        config = json.loads(archive.read("blue/config.json"))
        assert config == {"seed": 1, "data_backend_config": "config/blue/multidatabackend.json"}
        assert json.loads(archive.read("blue/multidatabackend.json")) == DATALOADER


def test_a_config_of_another_trainer_keeps_its_trainer() -> None:
    (config,) = import_upload(export_zip("digits", "tiny_trainer", {"steps": 1000}), "x.zip")
    assert (config.name, config.trainer, config.data) == ("digits", "tiny_trainer", {"steps": 1000})


def test_flat_files_wrapped_files_and_shared_dataloaders_are_understood() -> None:
    found = import_files(
        {
            path: json.dumps(content).encode()
            for path, content in {
                "flat.json": {"model_family": "flux", "data_backend_config": "dataloaders/d.json"},
                "flat.metadata.json": {"description": "kept"},
                "old.json": {
                    "_metadata": {"name": "wrapped", "description": "old form"},
                    "config": {"--model_family": "sd3"},
                },
                "dataloaders/d.json": DATALOADER,
                "multidatabackend-other.json": DATALOADER,
                "webhooks/slack.json": {"webhook_type": "raw"},
                "hook.json": {"webhook_type": "raw"},
                "list.json": [1, 2],
            }.items()
        },
        "upload",
    )
    assert {config.name: config.data for config in found} == {
        "flat": {"model_family": "flux", "dataloader_config": DATALOADER},
        "wrapped": {"model_family": "sd3"},
    }
    assert {config.name: config.description for config in found} == {
        "flat": "kept",
        "wrapped": "old form",
    }


def test_a_zip_without_a_folder_is_named_after_its_file() -> None:
    (config,) = import_upload(zipped({"config.json": {"seed": 1}}), "../evil\\nice name.zip")
    assert (config.name, config.data) == ("nice name", {"seed": 1})


def test_a_single_json_file_is_a_config() -> None:
    (config,) = import_upload(b'\xef\xbb\xbf{"--seed": 1}', "mine.json")
    assert (config.name, config.data) == ("mine", {"seed": 1})
    (config,) = import_upload(
        b'{"name": "d", "trainer": "tiny_trainer", "config": {"steps": 3}}', "x.json"
    )
    assert (config.name, config.trainer, config.data) == ("d", "tiny_trainer", {"steps": 3})


def test_a_missing_dataloader_is_told_in_a_note() -> None:
    (config,) = import_upload(
        b'{"data_backend_config": "config/x/multidatabackend.json"}', "a.json"
    )
    assert config.data == {}
    assert "dataloader_config" in config.notes[0]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"{", "line 1"),
        (b'{"a": NaN}', "NaN"),
        (b"[1]", "must be a JSON object"),
        (b"\xff\xfe", "UTF-8"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b'{"seed": 1, "--seed": 2}', "twice"),
        (b" " * (5 << 20), "over 4 MiB"),
        (zipped({"readme.txt": "x"}), "No config was found"),
        (zipped({"a/config.env": "x"}), "config.env"),
        (zipped({"../config.json": {}}), "leads outside"),
        (zipped({"/etc/config.json": {}}), "leads outside"),
        (zipped({"C:\\config.json": {}}), "leads outside"),
        (zipped({"a/config.json": "{"}), "a/config.json, line 1"),
        (zipped({f"{n}.txt": "" for n in range(2001)}), "entries"),
        (zipped({"a/config.json": {}, "b.json": {}, "a/b.json": {}})[:-30], "not JSON"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(content: bytes, text: str) -> None:
    with pytest.raises(Malformed, match=text):
        import_upload(content, "upload.json")


def test_a_link_in_an_archive_is_refused() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        link = zipfile.ZipInfo("a/config.json")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(Malformed, match="is a link"):
        import_upload(target.getvalue(), "a.zip")


def test_a_bomb_is_refused_whatever_its_header_says() -> None:
    bomb = bytearray(zipped({"config.json": "0" * (64 << 20)}))
    assert len(bomb) < 1 << 20
    with pytest.raises(Malformed, match="over 4 MiB"):
        import_upload(bytes(bomb), "a.zip")
    many = zipped({f"{n}/config.json": "0" * (4 << 20) for n in range(10)})
    with pytest.raises(Malformed, match="32 MiB"):
        import_upload(many, "a.zip")


def test_two_configs_of_one_name_are_refused() -> None:
    with pytest.raises(Malformed, match="second config named 'x'"):
        import_upload(zipped({"a/x/config.json": {}, "b/x/config.json": {}}), "a.zip")


def test_a_folder_on_disk_is_read_without_following_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside.json"
    outside.write_text("{}")
    folder = tmp_path / "configs"
    (folder / "mine").mkdir(parents=True)
    (folder / "mine" / "config.json").write_text('{"seed": 1}')
    (folder / "linked.json").symlink_to(outside)
    (folder / "linked").symlink_to(tmp_path)
    assert list(read_folder(folder)) == ["mine/config.json"]
