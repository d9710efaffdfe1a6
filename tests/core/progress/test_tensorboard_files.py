"""TensorBoard's event files; without the optional extra they are passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from st_core.progress import tensorboard_files
from st_core.progress.reader import Reader
from st_core.progress.tensorboard_files import tensorboard_folder

extra = pytest.mark.skipif(
    not tensorboard_files.is_available(), reason="needs the extra `tensorboard`"
)


@pytest.mark.skipif(tensorboard_files.is_available(), reason="the extra is installed")
def test_without_the_extra_event_files_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/events.out.tfevents.1.host").write_bytes(b"\x48\x00")
    reader = Reader(tmp_path, [tensorboard_folder("logs")])
    reader.advance()
    assert reader.series() == {}


@extra
@pytest.mark.filterwarnings("ignore")
def test_event_files_are_followed_under_our_names(tmp_path: Path) -> None:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    reader = Reader(tmp_path, [tensorboard_folder("logs")])
    reader.advance()
    writer = EventFileWriter(str(tmp_path / "logs" / "run"))
    for step in (1, 2, 3):
        value = Summary.Value(tag="train/loss", simple_value=step / 2)
        event = Event(step=step, wall_time=1000.0 + step, summary=Summary(value=[value]))
        writer.add_event(event)
        writer.flush()
        reader.advance()
    writer.close()
    assert reader.series(["loss"])["loss"] == [(1, 0.5), (2, 1.0), (3, 1.5)]
    assert reader.latest.step == 3
