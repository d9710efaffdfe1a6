"""Writing and reading checkpoints: a crash at any moment leaves the old or the new one, whole.

A checkpoint is written beside its final name, forced to disk, and renamed: a folder named
`checkpoint-N` is complete by construction.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.numpy import load, save

from .config import BadConfig
from .folders import CHECKPOINTS, STATE_FILE, Found, checkpoints
from .layers import Array
from .network import Weights

PARTIAL, REPLACED = "-tmp", "-replaced"


def write(
    workspace: Path, step: int, parts: Mapping[str, Mapping[str, Array]], state: dict[str, Any]
) -> Path:
    """Save `parts` (file stem → named tensors) and `state` as a checkpoint; return its folder."""
    folder = workspace / CHECKPOINTS / f"checkpoint-{step}"
    partial = folder.with_name(folder.name + PARTIAL)
    partial.mkdir(parents=True)
    contents = {f"{stem}.safetensors": save(dict(tensors)) for stem, tensors in parts.items()}
    sizes = {name: len(content) for name, content in contents.items()}
    contents[STATE_FILE] = json.dumps({**state, "files": sizes}, indent=1).encode()
    for name, content in contents.items():
        _write_through(partial / name, content)
    _sync_folder(partial)
    _replace(partial, folder)
    return folder


def tidy(workspace: Path, keep: int) -> None:
    """Delete what a crash left half done, and all but the newest `keep` complete checkpoints."""
    for suffix in (PARTIAL, REPLACED):
        for leftover in (workspace / CHECKPOINTS).glob(f"checkpoint-*{suffix}"):
            shutil.rmtree(leftover)
    for found in checkpoints(workspace)[:-keep]:
        shutil.rmtree(found.folder)


def read(found: Found, stem: str, into: Weights, prefix: str = "") -> None:
    """Fill `into` with the tensors of one file whose names begin with `prefix`.

    Raises BadConfig when the file is damaged or its tensors have other names or shapes.
    """
    try:
        tensors = load((found.folder / f"{stem}.safetensors").read_bytes())
        for name, view in into.items():
            if tensors[prefix + name].shape != view.shape:
                raise ValueError(f"{prefix + name} has the shape {tensors[prefix + name].shape}")
            view[...] = tensors[prefix + name]
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise BadConfig(
            f"the checkpoint {found.folder} is damaged ({stem}: {error}); take an earlier one"
        ) from error


def _write_through(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _replace(partial: Path, folder: Path) -> None:
    """Give `partial` its final name; an earlier checkpoint of the same step makes way."""
    old = folder.with_name(folder.name + REPLACED)
    if folder.exists():
        os.replace(folder, old)
    os.replace(partial, folder)
    _sync_folder(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def _sync_folder(folder: Path) -> None:
    """Force the folder's own entries to disk; Windows has no way to ask for that."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
