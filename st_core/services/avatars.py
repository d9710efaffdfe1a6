"""Pictures of people: taken in as a data URL, checked and drawn anew, kept as files of the state
folder.

Whatever was uploaded, only pixels are kept: the picture is decoded, made small and written as WebP
under a name of its own, so that nothing hidden in a file is ever served.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import re
import warnings
from pathlib import Path

from flask import current_app
from PIL import Image, ImageOps, UnidentifiedImageError

from ..contracts import Viewer
from ..db import unit_of_work
from ..errors import NotFound, SetTimeRule
from . import events, profiles, users

MOST_BYTES = 512 * 1024
#: Longest side of what is kept, in pixels; of what is taken in, to bound the work of decoding.
KEPT_SIDE, LARGEST_SIDE = 256, 8192
FORMATS = {"png": "PNG", "jpeg": "JPEG", "jpg": "JPEG", "gif": "GIF", "webp": "WEBP"}
MEDIA_TYPE = "image/webp"
ROOT = "/api/users/avatars/"
_DATA_URL = re.compile(r"data:image/(png|jpe?g|gif|webp);base64,([A-Za-z0-9+/=\s]+)", re.ASCII)
_NAME = re.compile(r"\d{1,19}-[0-9a-f]{16}\.webp", re.ASCII)


def upload(viewer: Viewer, data_url: str) -> str:
    """Command: take `data_url` as the viewer's picture and return its address.

    Raises SetTimeRule when it is no PNG, JPEG, GIF or WebP of at most 512 KB.
    """
    profiles.require_person(viewer)
    content = _redrawn(*_decoded(data_url))
    name = f"{viewer.user_id}-{hashlib.sha256(content).hexdigest()[:16]}.webp"
    path = _folder() / name
    path.write_bytes(content)
    _set(viewer, ROOT + name)
    return ROOT + name


def remove(viewer: Viewer) -> None:
    """Command: let the viewer have no picture."""
    profiles.require_person(viewer)
    _set(viewer, None)


def file_of(name: str) -> Path:
    """Return the file of a picture. Raises NotFound."""
    path = _folder() / name
    if not _NAME.fullmatch(name) or not path.is_file():
        raise NotFound("there is no such picture")
    return path


def discard(address: str | None) -> None:
    """Delete the file behind a picture's address; one that is not ours, or gone, is left alone."""
    if address is None or not address.startswith(ROOT):
        return
    name = address.removeprefix(ROOT)
    if _NAME.fullmatch(name):
        (_folder() / name).unlink(missing_ok=True)


def _set(viewer: Viewer, address: str | None) -> None:
    with unit_of_work():
        user = users.lock(viewer.user_id)
        before = user.avatar_url
        if before == address:
            return
        user.avatar_url = address
        events.emit(
            "user.updated",
            subject=("user", user.id),
            owner_id=user.id,
            before={"avatar_url": before},
            after={"avatar_url": address},
            message=f"{user.username} changed their picture",
        )
    discard(before)


def _decoded(data_url: str) -> tuple[str, bytes]:
    """Return the format a data URL claims, and its bytes."""
    found = _DATA_URL.fullmatch(data_url.strip())
    if found is None:
        raise _wrong("it must be a data URL: data:image/png;base64,… (png, jpeg, gif or webp)")
    try:
        content = base64.b64decode("".join(found[2].split()), validate=True)
    except binascii.Error as error:
        raise _wrong(f"its base64 is damaged ({error})") from error
    if len(content) > MOST_BYTES:
        raise _wrong(f"it has {len(content)} bytes, at most {MOST_BYTES} are taken")
    return FORMATS[found[1]], content


def _redrawn(claimed: str, content: bytes) -> bytes:
    """Return the picture as a small WebP file, after checking that it is what it claims to be."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=[claimed]) as picture:
                if max(picture.size) > LARGEST_SIDE:
                    raise _wrong(f"a side has more than {LARGEST_SIDE} pixels")
                upright = ImageOps.exif_transpose(picture).convert("RGBA")
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise _wrong(f"it is not a picture of the format {claimed} that can be read") from error
    except (OSError, SyntaxError, ValueError, Warning) as error:
        raise _wrong(f"it cannot be decoded ({error})") from error
    upright.thumbnail((KEPT_SIDE, KEPT_SIDE))
    written = io.BytesIO()
    upright.save(written, "WEBP", quality=85)
    return written.getvalue()


def _folder() -> Path:
    folder: Path = current_app.extensions["st"].state_dir / "avatars"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _wrong(what: str) -> SetTimeRule:
    return SetTimeRule(
        f"This picture cannot be used: {what}.",
        code="invalid_picture",
        fields=[{"path": "data_url", "message": what}],
    )
