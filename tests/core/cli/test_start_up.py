"""What stops a start is one clear line; what runs ends in order."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from st_core.testing.server import ServerProcess
from tests.core.processes import Nursery

pytestmark = pytest.mark.slow
Spawn = Callable[..., "subprocess.Popen[str]"]
START = ("server", "--port", "0", "--state-dir")


def refusal(process: subprocess.Popen[str]) -> str:
    """Return the one line with which a start was refused."""
    out, told = process.communicate(timeout=60)
    assert process.returncode == 2, told
    assert out == ""
    assert len(told.splitlines()) == 1, told
    assert told.startswith("simpletuner: ")
    return told


@pytest.fixture
def refused(processes: Nursery, tmp_path: Path) -> Callable[..., str]:
    """Return the one line of a refused start in a process that has imported the server already."""

    def start(*words: str, **env: str) -> str:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("SIMPLETUNER_", "FLASK_"))}
        env = kept | {"HOME": str(tmp_path)} | env
        code, told = processes.command("simpletuner", *words, env=env, cwd=tmp_path)
        assert code == 2, told
        assert len(told.splitlines()) == 1, told
        assert told.startswith("simpletuner: ")
        return told

    return start


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plugins: [", "simpletuner-enterprise.yaml, line"),
        ("server: {host: '${NOT_SET_ANYWHERE}'}", "NOT_SET_ANYWHERE"),
        ("server: {prot: 1}", "Did you mean 'server.port'"),
        ("nonsense: {a: 1}", "unknown setting"),
        ("plugins: {enabled: [tiny_trainr]}", "Did you mean 'tiny_trainer'"),
        ("auth: {mode: open}", "auth.mode"),
        ("- a list", "top level"),
    ],
    ids=["syntax", "variable", "setting", "section", "plugin", "choice", "shape"],
)
def test_a_wrong_configuration_file_is_one_line(
    refused: Callable[..., str], tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "simpletuner-enterprise.yaml").write_text(text)
    assert said in refused(*START, str(tmp_path / "state"))


def test_several_processes_tell_what_is_wrong_once(spawn: Spawn, tmp_path: Path) -> None:
    (tmp_path / "simpletuner-enterprise.yaml").write_text("plugins: {enabled: [tiny_trainr]}")
    words = (*START, str(tmp_path / "state"), "--processes", "3")
    assert "Did you mean 'tiny_trainer'" in refusal(spawn(*words))


def test_a_port_in_use_is_one_line(spawn: Spawn, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        words = ("server", "--port", port, "--host", "127.0.0.1", "--state-dir", str(tmp_path))
        assert f"port {port} on 127.0.0.1 is in use" in refusal(spawn(*words))


def test_a_host_of_another_machine_is_one_line(spawn: Spawn, tmp_path: Path) -> None:
    words = (*START, str(tmp_path), "--host", "192.0.2.1")
    assert "192.0.2.1" in refusal(spawn(*words))


def test_a_state_folder_that_cannot_be_written_is_one_line(spawn: Spawn, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    assert "--state-dir" in refusal(spawn(*START, str(tmp_path / "file" / "state")))


@pytest.mark.parametrize("form", ["xml"])
def test_an_unknown_log_format_is_one_line(
    refused: Callable[..., str], tmp_path: Path, form: str
) -> None:
    told = refused(*START, str(tmp_path), SIMPLETUNER_LOG_FORMAT=form)
    assert "SIMPLETUNER_LOG_FORMAT" in told


def test_a_database_that_does_not_answer_is_one_line_without_its_password(
    spawn: Spawn, tmp_path: Path
) -> None:
    url = "postgresql+psycopg://app:hunter22@127.0.0.1:9/app"
    told = refusal(spawn(*START, str(tmp_path), SIMPLETUNER_DATABASE_URL=url))
    assert "database" in told
    assert "hunter22" not in told


def test_a_pending_migration_is_one_line_with_the_command(
    refused: Callable[..., str], tmp_path: Path, postgres_url: str
) -> None:
    told = refused(*START, str(tmp_path), SIMPLETUNER_DATABASE_URL=postgres_url)
    assert "flask st migrate" in told


def test_the_port_of_the_configuration_file_is_used(spawn: Spawn, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "simpletuner-enterprise.yaml").write_text(f"server: {{port: {port}}}")
        assert str(port) in refusal(spawn("server", "--state-dir", str(tmp_path / "state")))


def test_the_address_is_printed_when_it_answers_and_sigterm_ends_it_with_code_0(
    spawn: Spawn, tmp_path: Path
) -> None:
    process = spawn(*START, str(tmp_path / "state"))
    assert process.stderr is not None
    while "ready at http://127.0.0.1:" not in (line := process.stderr.readline()):
        assert line, "it ended by itself"
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


def test_a_stream_that_is_being_read_does_not_hold_up_the_end(
    server: Callable[..., ServerProcess],
) -> None:
    running = server().start()
    with running.client(timeout=30) as client, client.stream("GET", "/api/events") as stream:
        assert stream.status_code == 200
        lines = stream.iter_lines()
        next(lines)
        assert running.end() == 0
        list(lines)


def test_processes_share_the_port_are_replaced_and_end_together(
    server: Callable[..., ServerProcess],
) -> None:
    running = server("--processes", "2").start()
    parent = psutil.Process(running.pid)
    first = _two_children(parent)
    first[0].kill()
    replaced = _two_children(parent, without=first[0])
    assert first[1] in replaced
    with running.client(timeout=60) as client:
        assert all(client.get("/health").is_success for _ in range(20))
    assert running.end() == 0
    _, alive = psutil.wait_procs(replaced, timeout=30)
    assert alive == []


def test_processes_end_when_their_parent_is_killed(server: Callable[..., ServerProcess]) -> None:
    running = server("--processes", "2").start()
    parent = psutil.Process(running.pid)
    children = _two_children(parent)
    parent.kill()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []


def test_ending_under_load_drops_no_request(server: Callable[..., ServerProcess]) -> None:
    running = server("--processes", "2").start()
    told: Counter[str] = Counter()

    def ask_until_refused() -> None:
        while True:
            try:
                connection = socket.create_connection(("127.0.0.1", running.port), timeout=30)
            except ConnectionRefusedError:
                return
            with connection:
                try:
                    connection.sendall(b"GET /health HTTP/1.0\r\n\r\n")
                    told[connection.recv(4096)[:12].decode()[-3:]] += 1
                except ConnectionError:
                    told["reset"] += 1

    with ThreadPoolExecutor(16) as pool:
        asking = [pool.submit(ask_until_refused) for _ in range(16)]
        while told.total() < 100 and not any(each.done() for each in asking):
            time.sleep(0.01)
        assert running.end() == 0
        for each in asking:
            each.result(60)
    # What the kernel takes in the instant in which a port closes is reset: two at most, not 16.
    assert told.pop("reset", 0) <= 2
    assert set(told) == {"200"}


def _two_children(
    parent: psutil.Process, without: psutil.Process | None = None
) -> list[psutil.Process]:
    """Return the two server processes, once there are two that are not `without`."""
    for _ in range(600):
        found = [each for each in parent.children() if each != without]
        if len(found) == 2:
            return found
        try:
            parent.wait(0.1)
        except psutil.TimeoutExpired:
            continue
    raise AssertionError("there are not two server processes")
