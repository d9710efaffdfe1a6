"""What is learnt from: the shipped digits, or a folder of pictures with a caption beside each.

A *caption* names a class: pictures with the same caption belong together. `x.png` has its caption
in `x.txt`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from .config import DIGITS, BadConfig, Config
from .layers import Array, Labels

DIGITS_FILE = Path(__file__).resolve().parents[2] / "data" / "digits.npz"
ENDINGS = (".png", ".jpg", ".jpeg", ".webp")
NAMED_AT_MOST = 5


@dataclass(frozen=True)
class Dataset:
    """Pictures as whole numbers from 0 to `top`, flattened; `labels` count into `captions`.

    `sides` is height, width and channels; `sha256` changes whenever a picture or a caption does.
    """

    name: str
    pixels: np.ndarray[Any, np.dtype[np.uint8]]
    top: int
    labels: Labels
    captions: tuple[str, ...]
    sides: tuple[int, int, int]
    sha256: str

    def batch(self, chosen: np.ndarray[Any, Any]) -> Array:
        """Return the pictures with these numbers, values from -1 to 1."""
        return self.pixels[chosen] * np.float32(2 / self.top) - np.float32(1)


def load(config: Config, roots: Sequence[str] | None = None) -> Dataset:
    """Return the pictures that `config.data` names, read below `roots` only unless that is None.

    Raises BadConfig when the folder is outside of them, or its pictures or captions cannot be used.
    """
    if config.data == DIGITS:
        return _digits()
    return _folder(Path(config.data), config.resolution, roots)


def _digits() -> Dataset:
    with np.load(DIGITS_FILE) as file:
        images, labels = file["images"], file["labels"].astype(np.int64)
    captions = tuple(str(digit) for digit in range(10))
    return _dataset(DIGITS, images, 16, labels, captions)


def _folder(folder: Path, resolution: int, roots: Sequence[str] | None) -> Dataset:
    if not folder.is_absolute() or not folder.is_dir():
        raise BadConfig(f"data: {folder} is neither {DIGITS!r} nor the absolute path of a folder")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS)
    if not files:
        raise BadConfig(f"data: {folder} holds no picture ({', '.join(ENDINGS)})")
    for path in files:
        _confine(path, roots)
    bare = [path.name for path in files if not path.with_suffix(".txt").is_file()]
    if bare:
        names = ", ".join(bare[:NAMED_AT_MOST]) + (", …" if len(bare) > NAMED_AT_MOST else "")
        raise BadConfig(f"data: {len(bare)} pictures have no caption (x.png needs x.txt): {names}")
    texts = [_caption(path.with_suffix(".txt"), roots) for path in files]
    captions = tuple(sorted(set(texts)))
    images = np.stack([_picture(path, resolution) for path in files])
    labels = np.array([captions.index(text) for text in texts], dtype=np.int64)
    return _dataset(str(folder), images, 255, labels, captions)


def _confine(path: Path, roots: Sequence[str] | None) -> None:
    """Refuse a path that leads outside of `roots`, by a link too."""
    if roots is None:
        return
    real = Path(os.path.realpath(path))
    if not any(real.is_relative_to(os.path.realpath(root)) for root in roots):
        raise BadConfig(
            f"data: {path} leads outside of the folders that may be read ({', '.join(roots)})"
        )


def _caption(path: Path, roots: Sequence[str] | None) -> str:
    _confine(path, roots)
    try:
        return " ".join(path.read_text(encoding="utf-8").split())
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"data: the caption {path} cannot be read as UTF-8: {error}") from error


def _picture(path: Path, resolution: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return the middle square of a picture as RGB, `resolution` pixels wide."""
    try:
        with Image.open(path) as image:
            side = min(image.size)
            left, upper = (image.width - side) // 2, (image.height - side) // 2
            square = image.convert("RGB").crop((left, upper, left + side, upper + side))
            return np.asarray(square.resize((resolution, resolution), Image.Resampling.LANCZOS))
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise BadConfig(f"data: {path} cannot be read as a picture: {error}") from error


def _dataset(
    name: str,
    images: np.ndarray[Any, np.dtype[np.uint8]],
    top: int,
    labels: Labels,
    captions: tuple[str, ...],
) -> Dataset:
    digest = hashlib.sha256()
    for part in (repr(images.shape).encode(), images.tobytes(), labels.tobytes()):
        digest.update(part)
    digest.update("\0".join(captions).encode())
    height, width, channels = (*images.shape[1:], 1)[:3]
    flat = images.reshape(len(images), -1)
    return Dataset(name, flat, top, labels, captions, (height, width, channels), digest.hexdigest())
