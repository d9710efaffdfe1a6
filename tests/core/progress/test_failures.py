"""What a log says about why a run failed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from st_core.progress.failures import explain

CRASH = (
    "Traceback (most recent call last):\n"
    '  File "train.py", line 3, in <module>\n'
    "OSError: model/missing does not appear to have a file named config.json\n"
    "Traceback (most recent call last):\n"
    "subprocess.CalledProcessError: Command '['python', 'train.py']' returned non-zero exit "
    "status 1.\n"
)


@pytest.mark.parametrize(
    ("log", "code", "text"),
    [
        (CRASH, 1, "OSError: model/missing does not appear to have a file named config.json"),
        (
            "usage: train.py [-h]\ntrain.py: error: unrecognized arguments: --x=3\n",
            1,
            "train.py: error: unrecognized arguments: --x=3",
        ),
        (
            "\x1b[31mValueError: bad value\x1b[0m\n\r 10%|█ | 1/10 [00:01<00:09, 1.0it/s]",
            1,
            "ValueError: bad value",
        ),
        (
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB\n",
            1,
            "The GPU's memory did not suffice",
        ),
        ("DefaultCPUAllocator: can't allocate memory\n", 1, "The machine's memory did not suffice"),
        ("step 1\n", -9, "probably because memory ran out"),
        ("step 1\n", 137, "probably because memory ran out"),
        ("step 1\n", -15, "ended by signal 15"),
        ("step 1\n", 3, "exit code 3"),
        ("", None, "without telling how"),
    ],
)
def test_the_reason_is_told_in_one_sentence(
    log: str, code: int | None, text: str, tmp_path: Path
) -> None:
    (tmp_path / "log").write_text(log, newline="")
    assert text in explain(tmp_path, code).text


def test_an_error_of_an_earlier_attempt_is_not_the_reason(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(CRASH + "second attempt\n")
    record = tmp_path / "run" / "2" / "proc.json"
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps({"log_offset": len(CRASH)}))
    assert "probably because memory ran out" in explain(tmp_path, -9).text


def test_a_workspace_without_a_log_gets_an_answer(tmp_path: Path) -> None:
    assert explain(tmp_path, 1).text
