"""The nursery: an answer belongs to its question, and no death is without a reason."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.core.processes import Died, Nursery


@pytest.fixture
def script(state_dir: Path) -> Any:
    """Write a script: `script("print(1)")`."""

    def write(text: str) -> Path:
        path = state_dir / "script.py"
        path.write_text("from tests.core.processes import crew, report\n" + textwrap.dedent(text))
        return path

    return write


def test_a_failure_meanwhile_ends_the_process_and_spoils_no_later_answer(
    script: Any, processes: Nursery
) -> None:
    def fail() -> None:
        raise ValueError("meanwhile")

    with pytest.raises(ValueError, match="meanwhile"):
        processes.run(script("import time; time.sleep(600)"), url="", meanwhile=fail)
    assert processes.run(script("report('mine')"), url="") == "mine"


def test_a_process_that_cannot_write_its_log_still_tells_its_error(
    script: Any, processes: Nursery
) -> None:
    full = "import os; full = os.open('/dev/full', os.O_WRONLY); os.dup2(full, 1); os.dup2(full, 2)"
    with pytest.raises(Died, match=r"(?s)ended with 1:.*ZeroDivisionError.*MB free"):
        processes.run(script(f"{full}; print(1 / 0)"), url="")


def test_a_process_that_never_began_still_tells_its_error(
    script: Any, processes: Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = script("report(1)")
    monkeypatch.setenv("SIMPLETUNER_STATE_DIR", "/nowhere")
    with pytest.raises(Died, match=r"FileNotFoundError.*/nowhere"):
        processes.run(path, url="")


def test_a_command_ends_with_its_own_exit_code_and_words(
    processes: Nursery, state_dir: Path
) -> None:
    code, told = processes.command("simpletuner", "no-such", env=os.environ, cwd=state_dir)
    assert code == 2
    assert "no-such" in told


def test_the_error_of_one_of_a_crew_is_told(script: Any, processes: Nursery) -> None:
    full = """
    import os
    full = os.open('/dev/full', os.O_WRONLY)
    os.dup2(full, 1)
    os.dup2(full, 2)
    crew(2, lambda number: 1 / number)
    """
    with pytest.raises(Died, match=r"(?s)ZeroDivisionError.*member 1 of the crew"):
        processes.run(script(full), url="")
