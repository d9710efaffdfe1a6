"""What commands print, without a server: selection of fields, exit codes, completion, help."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from st_core.cli import cli
from st_core.cli.outcome import MEANINGS, CliError
from st_core.cli.output import pick, split_fields, text_of
from st_core.cli.submitting import with_changes

from .conftest import command

#: A port nobody listens on: the discard service is not installed anywhere any more.
NOBODY = {"SIMPLETUNER_PORT": "9"}
CLIENT_COMMANDS = (
    ["jobs", "list"],
    ["jobs", "submit", "digits"],
    ["jobs", "logs", "1"],
    ["configs", "show", "digits"],
    ["queue", "stats"],
    ["plugins", "list"],
    ["status"],
)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("job_id", "17"),
        ("progress.step", 3),
        ("attempts.1.outcome", "failed"),
        ("attempts.7.outcome", None),
        ("progress.nothing", None),
        ("job_id.more", None),
    ],
)
def test_a_dotted_path_picks_one_value_and_nothing_where_there_is_none(
    path: str, value: object
) -> None:
    body = {"job_id": "17", "progress": {"step": 3}, "attempts": [{}, {"outcome": "failed"}]}
    assert pick(body, path) == value


def test_an_empty_field_is_a_usage_error() -> None:
    with pytest.raises(CliError, match="empty field"):
        split_fields("job_id,,status")


def test_cells_are_short_and_never_python() -> None:
    cells = [text_of(value) for value in (None, True, False, 0.123456789, {"a": 1}, "x")]
    assert cells == ["", "yes", "no", "0.123457", '{"a": 1}', "x"]


def test_changes_are_read_as_yaml_and_reach_into_mappings() -> None:
    changed = with_changes({"a": {"b": 1}, "c": 2}, ("a.b=3", "c=no", "d.e=[1, 2]", "f=text"))
    assert changed == {"a": {"b": 3}, "c": False, "d": {"e": [1, 2]}, "f": "text"}


@pytest.mark.parametrize("change", ["steps", "=5"])
def test_a_change_that_is_not_key_value_is_a_usage_error(change: str) -> None:
    with pytest.raises(CliError, match="KEY=VALUE"):
        with_changes({}, (change,))


@pytest.mark.parametrize("words", CLIENT_COMMANDS, ids=" ".join)
def test_an_absent_server_is_one_line_that_says_how_to_start_one(words: list[str]) -> None:
    ended = CliRunner().invoke(cli, words, env=NOBODY)
    assert ended.exit_code == 5
    assert ended.stdout == ""
    assert ended.stderr.startswith("simpletuner: no server answers at http://127.0.0.1:9")
    assert "`simpletuner server`" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_commands_that_talk_to_a_server_never_import_the_application() -> None:
    program = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from st_core.cli import cli\n"
        f"for words in {CLIENT_COMMANDS!r}:\n"
        "    CliRunner().invoke(cli, words)\n"
        "heavy = {'st_core.app', 'st_core.db', 'flask', 'sqlalchemy', 'flask_sqlalchemy'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={"SIMPLETUNER_PORT": "9", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == "[]\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_names_the_command_and_its_variable(shell: str) -> None:
    ended = CliRunner().invoke(cli, ["completion", shell], prog_name="simpletuner")
    assert ended.exit_code == 0
    assert "_SIMPLETUNER_COMPLETE" in ended.stdout


def test_the_shell_completes_commands_options_and_choices() -> None:
    def complete(line: str) -> set[str]:
        env = {"_SIMPLETUNER_COMPLETE": "bash_complete", "COMP_WORDS": line, "PATH": ""}
        env["COMP_CWORD"] = str(len(line.split(" ")) - 1)
        ended = subprocess.run(command(), env=env, capture_output=True, text=True, check=True)
        return {word.partition(",")[2] for word in ended.stdout.split()}

    assert complete("simpletuner qu") == {"queue", "quickstart", "quota"}
    assert "--dry-run" in complete("simpletuner jobs submit --d")
    assert complete("simpletuner completion z") == {"zsh"}


def test_help_tells_every_exit_code() -> None:
    ended = CliRunner().invoke(cli, ["--help"])
    assert ended.exit_code == 0
    for code, meaning in MEANINGS.items():
        assert f"{int(code)}  {meaning}" in " ".join(ended.stdout.split("\n")).replace("   ", " ")


@pytest.mark.parametrize("words", [["jobs", "sumbit"], ["jobs", "list", "--limit", "0"], ["x"]])
def test_wrong_usage_ends_with_code_2(words: list[str]) -> None:
    ended = CliRunner().invoke(cli, words)
    assert ended.exit_code == 2


def test_the_reference_has_every_command_and_option() -> None:
    ended = CliRunner().invoke(cli, ["help", "--markdown"], prog_name="simpletuner")
    for words in ("jobs submit", "jobs logs", "configs diff", "queue priority", "quickstart"):
        assert f"#### `simpletuner {words} " in ended.stdout
    assert "--idempotency-key" in ended.stdout
    assert "| 130 |" in ended.stdout


@pytest.mark.parametrize("option", ["--ssl", "--ssl-key=k", "--ssl-cert=c", "--ssl-no-verify"])
def test_tls_options_of_the_server_answer_with_how_to_put_nginx_in_front(option: str) -> None:
    ended = CliRunner().invoke(cli, ["server", option])
    assert ended.exit_code == 2
    assert "proxy_pass http://127.0.0.1:8080" in ended.stderr


def test_deleting_without_a_person_to_ask_needs_force() -> None:
    ended = CliRunner().invoke(cli, ["jobs", "delete", "1"], env=NOBODY)
    assert ended.exit_code == 2
    assert "--force" in ended.stderr
