"""Training on a folder of one's own captioned pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.plugins.tiny_trainer.trainings import SMALL, Training

COLOURS = {"a red circle": (220, 20, 20), "a blue circle": (20, 40, 220)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two wide drawings with captions, one as PNG, one as JPEG in capitals."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, (caption, colour) in enumerate(COLOURS.items()):
        image = Image.new("RGB", (96, 64), "white")
        ImageDraw.Draw(image).ellipse((28, 12, 68, 52), fill=colour)
        image.save(folder / ("0.png" if number == 0 else "1.JPG"), quality=95)
        (folder / f"{number}.txt").write_text(f"  {caption}\n")
    return folder


def training(tmp_path: Path, folder: Path, **config: object) -> Training:
    told = {**SMALL, "data": str(folder), "resolution": 8, "steps": 5, **config}
    return Training(tmp_path / "w", told)


def test_it_learns_what_the_captions_say(tmp_path: Path, folder: Path) -> None:
    run = training(tmp_path, folder, steps=250, width=64, sample_steps=10, final_samples=6)
    assert run.run() == 0
    for caption, colour in COLOURS.items():
        name = caption.replace(" ", "-")
        files = sorted((run.workspace / "samples/final").glob(f"{name}-*.png"))
        assert len(files) == 3
        for file in files:
            image = np.asarray(Image.open(file).convert("RGB")).astype(int)
            middle = image[len(image) // 2, len(image) // 2]
            assert np.abs(middle - colour).max() < 60, f"{file}: {middle}"
    assert run.events("sample")[-1]["metrics"]["label_accuracy"] == 1.0
    assert run.events("sample")[-1]["columns"] == sorted(COLOURS)


def test_pictures_without_a_caption_are_named(tmp_path: Path, folder: Path) -> None:
    (folder / "0.txt").unlink()
    run = training(tmp_path, folder)
    assert run.run() == 2
    assert "1 pictures have no caption (x.png needs x.txt): 0.png" in run.log


def test_a_file_that_is_no_picture_is_named(tmp_path: Path, folder: Path) -> None:
    (folder / "0.png").write_text("not a picture")
    run = training(tmp_path, folder)
    assert run.run() == 2
    assert "0.png cannot be read as a picture" in run.events("error")[0]["message"]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    run = training(tmp_path, tmp_path / "pictures")
    assert run.run() == 2
    assert "holds no picture" in run.log


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    run = training(tmp_path, tmp_path / "nowhere")
    assert run.run() == 2
    assert "nowhere is neither 'digits' nor the absolute path of a folder" in run.log


@pytest.mark.parametrize("linked", ["folder", "picture", "caption"])
def test_a_link_out_of_the_allowed_roots_is_refused(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, folder: Path, linked: str
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    target = {"folder": folder, "picture": folder / "0.png", "caption": folder / "0.txt"}[linked]
    moved = target.rename(outside / target.name)
    target.symlink_to(moved)
    run = training(tmp_path, folder)
    assert run.run() == 2
    assert "leads outside of the folders that may be read" in run.log
