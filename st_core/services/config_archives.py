"""Reads the JSON files of a zip or a folder; refuses what could harm: traversal, links, bombs."""

from __future__ import annotations

import io
import os
import re
import stat
import zipfile
from pathlib import Path, PurePosixPath

from ..errors import Malformed

MAX_ARCHIVE_BYTES = 16 << 20
MAX_FILE_BYTES = 4 << 20
MAX_TOTAL_BYTES = 32 << 20
MAX_ENTRIES = 2000
_UNFIT = re.compile(r"[^\w.+@ -]+")


def read_zip(content: bytes) -> dict[str, bytes]:
    """Return the JSON files of a zip by path; other files are passed over unread.

    Raises Malformed when it is broken or encrypted, holds a link or a path that leads outside, or
    is over 16 MiB packed, 32 MiB unpacked, 4 MiB in one file, or 2000 entries.
    """
    if len(content) > MAX_ARCHIVE_BYTES:
        raise Malformed(f"The archive is over {MAX_ARCHIVE_BYTES >> 20} MiB.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _read_entries(archive)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise Malformed(f"The archive cannot be read: {error}.") from error


def _read_entries(archive: zipfile.ZipFile) -> dict[str, bytes]:
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise Malformed(f"The archive has {len(entries)} entries; {MAX_ENTRIES} are allowed.")
    files: dict[str, bytes] = {}
    left = MAX_TOTAL_BYTES
    for entry in entries:
        path = _safe_path(entry.filename)
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise Malformed(f"{path} is a link; pack the file itself.")
        if entry.is_dir() or not path.endswith(".json"):
            continue
        if entry.flag_bits & 1:
            raise Malformed(f"{path} is encrypted; pack it without a password.")
        if path in files:
            raise Malformed(f"{path} is in the archive twice.")
        with archive.open(entry) as file:  # what the header says about sizes is not believed
            files[path] = file.read(min(MAX_FILE_BYTES, left) + 1)
        check_size(path, len(files[path]))
        left -= len(files[path])
        if left < 0:
            raise Malformed(f"The archive holds over {MAX_TOTAL_BYTES >> 20} MiB of JSON.")
    return files


def read_folder(folder: Path) -> dict[str, bytes]:
    """Return the JSON files below `folder` by path relative to it; links are passed over.

    Raises Malformed under the same limits as `read_zip`.
    """
    files: dict[str, bytes] = {}
    for root, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(root, name)
            if not name.endswith(".json") or path.is_symlink() or not path.is_file():
                continue
            relative = path.relative_to(folder).as_posix()
            check_size(relative, path.stat().st_size)
            files[relative] = path.read_bytes()
            if len(files) > MAX_ENTRIES or sum(map(len, files.values())) > MAX_TOTAL_BYTES:
                raise Malformed(f"{folder} holds more JSON than a config folder can.")
    return files


def check_size(path: str, size_bytes: int) -> None:
    """Pass a file of at most 4 MiB. Raises Malformed naming it otherwise."""
    if size_bytes > MAX_FILE_BYTES:
        raise Malformed(f"{path} is over {MAX_FILE_BYTES >> 20} MiB; no config is that large.")


def safe_name(name: str) -> str:
    """Return `name` as a config and a folder may be called: 1 to 100 characters, no path in it."""
    kept = _UNFIT.sub("-", name).strip(" .-")[:100].rstrip(" .-")
    return kept or "config"


def _safe_path(name: str) -> str:
    """Return a path inside the archive. Raises Malformed when it leads outside."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", name) or "\0" in name:
        raise Malformed(f"The archive holds the path {name!r}, which leads outside of it.")
    return path.as_posix()
