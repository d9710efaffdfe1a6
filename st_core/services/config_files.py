"""Configs as files: read them from JSON, a zip or a folder, and write one as a zip.

The form is SimpleTuner's own, so that its users can bring their folders and take them home: a
*config folder* holds `config.json` and, beside it, what the config refers to (*companions*) and
`.metadata.json`. In our configs the companions travel inside the data, under `COMPANIONS`' keys.
Nothing here touches the database or writes a file.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ..errors import Malformed
from . import config_archives

#: key in our data → (key in SimpleTuner's config that names the file, the file's usual name, type)
COMPANIONS: Mapping[str, tuple[str, str, type]] = {
    "dataloader_config": ("data_backend_config", "multidatabackend.json", list),
    "lycoris_config": ("lycoris_config", "lycoris_config.json", dict),
    "user_prompt_library": ("user_prompt_library", "user_prompt_library.json", dict),
}
#: the trainer of a config that does not say which one it is for
SIMPLETUNER = "simpletuner_trainer"
METADATA = ".metadata.json"
_SIDE_FOLDERS = frozenset({"dataloaders", "webhooks", "templates", "__MACOSX"})
_NOT_CONFIGS = frozenset({"webhook_type", "algo"})


@dataclass(frozen=True)
class ImportedConfig:
    """A config found in files. `notes` says what was left out and what to do about it."""

    name: str
    trainer: str
    data: dict[str, Any]
    description: str = ""
    notes: tuple[str, ...] = ()


def import_upload(content: bytes, filename: str) -> list[ImportedConfig]:
    """Return the configs in an uploaded zip or JSON file; `filename` names what has no name.

    Raises Malformed with the file that is wrong when there is none or one cannot be read.
    """
    name = PurePosixPath(filename.replace("\\", "/")).name or "config.json"
    if zipfile.is_zipfile(io.BytesIO(content)):
        return import_files(config_archives.read_zip(content), PurePosixPath(name).stem)
    config_archives.check_size(name, len(content))
    return [_config(_read(name, content), PurePosixPath(name).stem, {}, "", {})]


def import_files(files: Mapping[str, bytes], name: str) -> list[ImportedConfig]:
    """Return the configs among `files` (path → content); `name` is for one at the top level.

    Raises Malformed when there is no config, or a file that belongs to one is not JSON.
    """
    parsed = {path: _read(path, content) for path, content in files.items()}
    found: dict[str, ImportedConfig] = {}
    for path in sorted(path for path in parsed if _is_config(path, parsed)):
        folder, file = _split(path)
        fallback = PurePosixPath(file).stem
        if file == "config.json":
            fallback = PurePosixPath(folder).name or name
        sidecar = METADATA if file == "config.json" else f"{fallback}.metadata.json"
        config = _config(
            parsed[path], fallback, parsed.get(_joined(folder, sidecar), {}), folder, parsed
        )
        if config.name in found:
            raise Malformed(f"{path}: a second config named {config.name!r}; rename one of them.")
        found[config.name] = config
    if not found:
        raise Malformed(
            "No config was found: expected NAME/config.json or NAME.json with a JSON object. "
            "Configs of the kinds config.env and config.toml must be saved as JSON first."
        )
    return list(found.values())


def export_zip(
    name: str, trainer: str, data: Mapping[str, Any], metadata: Mapping[str, Any] | None = None
) -> bytes:
    """Return one config as a zip with the folder `name`.

    Unpacked in SimpleTuner's own `config/` folder, `simpletuner train env=NAME` finds it.
    """
    folder = PurePosixPath(config_archives.safe_name(name))
    config, files = split_companions(data, PurePosixPath("config") / folder)
    described = {**(metadata or {}), "name": name, "trainer": trainer}
    written = {"config.json": config, **files, METADATA: described}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, content in written.items():
            text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
            archive.writestr(str(folder / file), text + "\n")
    return target.getvalue()


def split_companions(
    data: Mapping[str, Any], folder: PurePosixPath
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the flat config, which refers to its companions in `folder`, and these by file."""
    config, files = dict(data), {}
    for key, (reference, file, kind) in COMPANIONS.items():
        if isinstance(config.get(key), kind):
            files[file] = config.pop(key)
            config[reference] = str(folder / file)
    return config, files


def _config(
    content: Any, fallback: str, sidecar: Any, folder: str, parsed: Mapping[str, Any]
) -> ImportedConfig:
    """Return the config that `content` spells, with its companions from `parsed` put inside."""
    if not isinstance(content, dict):
        raise Malformed(f"{fallback}: a config must be a JSON object, not a list or a bare value.")
    metadata = dict(sidecar) if isinstance(sidecar, dict) else {}
    if isinstance(content.get("config"), dict) and ("_metadata" in content or "trainer" in content):
        wrapping = content.get("_metadata") or content
        metadata |= {key: wrapping[key] for key in _DESCRIBED if key in wrapping}
        content = content["config"]
    data, notes = _unprefixed(content)
    notes += _take_companions(data, folder, parsed)
    return ImportedConfig(
        name=config_archives.safe_name(str(metadata.get("name") or fallback)),
        trainer=str(metadata.get("trainer") or SIMPLETUNER),
        data=data,
        description=str(metadata.get("description") or metadata.get("note") or ""),
        notes=tuple(notes),
    )


_DESCRIBED = ("name", "trainer", "description", "note")


def _unprefixed(content: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the config without leading dashes and without private keys, and what was left out."""
    data: dict[str, Any] = {}
    private = []
    for key, value in content.items():
        bare = key.strip().lstrip("-")
        if not bare or bare.startswith("_"):
            private.append(key)
        elif bare in data and data[bare] != value:
            raise Malformed(f"the config gives {bare!r} twice, with and without dashes: keep one.")
        else:
            data[bare] = value
    notes = (
        [f"Left out keys that belong to another server: {', '.join(private)}."] if private else []
    )
    return data, notes


def _take_companions(data: dict[str, Any], folder: str, parsed: Mapping[str, Any]) -> list[str]:
    """Put companions into `data` in place of references to them; return notes on missing ones."""
    notes = []
    for key, (reference, file, kind) in COMPANIONS.items():
        named = data.get(reference)
        if not isinstance(named, str) or not named:
            usual = parsed.get(_joined(folder, file)) if key == "dataloader_config" else None
            if isinstance(usual, kind) and key not in data:
                data[key] = usual
            continue
        content = _referred(named, folder, file, parsed)
        if isinstance(content, kind):
            data.pop(reference)
            data[key] = content
        elif key == "dataloader_config":
            data.pop(reference)
            notes.append(
                f"The dataloader file {named} was not among the files: add it as dataloader_config."
            )
        else:
            notes.append(f"{reference} names {named}, which was not among the files.")
    return notes


def _referred(named: str, folder: str, usual: str, parsed: Mapping[str, Any]) -> Any:
    """Return the file a config refers to: by its path, its name beside the config, or as usual."""
    path = PurePosixPath(named.replace("\\", "/"))
    tails = ["/".join(path.parts[start:]) for start in range(len(path.parts))]
    candidates = [*tails, _joined(folder, path.name), f"dataloaders/{path.name}"]
    candidates.append(_joined(folder, usual))
    return next((parsed[place] for place in candidates if place in parsed), None)


def _is_config(path: str, parsed: Mapping[str, Any]) -> bool:
    folder, file = _split(path)
    if set(PurePosixPath(folder).parts) & _SIDE_FOLDERS or not file.endswith(".json"):
        return False
    if file == "config.json":
        return True
    known = {usual for _, usual, _ in COMPANIONS.values()}
    beside = _joined(folder, "config.json") in parsed
    content = parsed[path]
    return not (
        beside
        or file in known
        or file.startswith("multidatabackend")
        or file.endswith(".metadata.json")
        or not isinstance(content, dict)
        or _NOT_CONFIGS & content.keys()
    )


def _read(path: str, content: bytes) -> Any:
    """Return the JSON in one file. Raises Malformed naming the file and the line."""
    try:
        return json.loads(content.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise Malformed(f"{path}, line {error.lineno}: {error.msg}.") from error
    except RecursionError as error:
        raise Malformed(f"{path} is nested too deeply.") from error
    except ValueError as error:
        raise Malformed(f"{path} is not JSON in UTF-8: {error}.") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _split(path: str) -> tuple[str, str]:
    folder, _, file = path.rpartition("/")
    return folder, file


def _joined(folder: str, file: str) -> str:
    return f"{folder}/{file}" if folder else file
