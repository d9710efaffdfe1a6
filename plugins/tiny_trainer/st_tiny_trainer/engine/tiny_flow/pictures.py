"""Sample pictures as PNG files: a *grid* has one column per class and several tries in each.

Small pictures are enlarged by whole pixels, so that each stays a crisp square.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from .layers import Array

COLUMNS_AT_MOST = 10
SHOWN_WIDTH = 48
GAP = 4
GAP_GREY = 96
SLUG_LENGTH = 40

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


def enlarge(flat: Array, sides: tuple[int, int, int]) -> Pixels:
    """Return pictures (values -1 to 1, flattened) as bytes, at least about 48 pixels wide."""
    height, width, channels = sides
    factor = -(-SHOWN_WIDTH // width)
    whole = np.rint((flat + 1) * np.float32(127.5)).astype(np.uint8)
    square = whole.reshape(len(flat), height, width, channels)
    return square.repeat(factor, axis=1).repeat(factor, axis=2)


def grid(pictures: Pixels, columns: int) -> Pixels:
    """Return one picture of all `pictures`, `columns` beside each other, grey lines between."""
    count, height, width, channels = pictures.shape
    rows = count // columns
    size = (rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, channels)
    sheet = np.full(size, GAP_GREY, dtype=np.uint8)
    for number, picture in enumerate(pictures):
        top, left = (number // columns) * (height + GAP), (number % columns) * (width + GAP)
        sheet[top : top + height, left : left + width] = picture
    return sheet


def write_png(path: Path, pixels: Pixels, about: dict[str, Any]) -> None:
    """Write a PNG whole or not at all; `about` goes into its text fields."""
    path.parent.mkdir(parents=True, exist_ok=True)
    info = PngInfo()
    for key, value in about.items():
        info.add_itxt(key, value if isinstance(value, str) else json.dumps(value))
    partial = path.with_name(path.name + ".tmp")
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    image.save(partial, format="PNG", pnginfo=info)
    os.replace(partial, path)


def file_names(captions: Sequence[str]) -> list[str]:
    """Return a short file name for each class: the caption's letters and digits, made unique."""
    slugs = [re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:SLUG_LENGTH] for text in captions]
    return [
        slug if slug and slugs.count(slug) == 1 else f"{slug or 'class'}_{number}"
        for number, slug in enumerate(slugs)
    ]
