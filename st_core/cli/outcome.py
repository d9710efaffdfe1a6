"""How a command ends: the exit codes scripts can rely on, in one table, and the errors that carry
them.

Words: an *exit code* is the number the shell sees; a `CliError` is one line for people and one exit
code.
"""

from __future__ import annotations

from enum import IntEnum
from typing import IO, Any, NoReturn

import click


class ExitCode(IntEnum):
    """What the shell gets. The numbers are part of the interface: never renumber, only add."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    NOT_ALLOWED = 4
    UNREACHABLE = 5
    JOB_FAILED = 6
    JOB_CANCELLED = 7
    CONFLICT = 8
    LIMIT = 9
    INTERRUPTED = 130


MEANINGS: dict[ExitCode, str] = {
    ExitCode.OK: "done; with --follow, the job completed",
    ExitCode.FAILED: "the server refused the request, or something failed",
    ExitCode.USAGE: "wrong usage, or the server could not start with this configuration",
    ExitCode.NOT_FOUND: "there is no such job, config or plugin",
    ExitCode.NOT_ALLOWED: "not signed in, or without the permission",
    ExitCode.UNREACHABLE: "no server answers at this address",
    ExitCode.JOB_FAILED: "the followed job failed",
    ExitCode.JOB_CANCELLED: "the followed job was cancelled",
    ExitCode.CONFLICT: "not possible in this state (already ended, changed meanwhile)",
    ExitCode.LIMIT: "a limit is reached, or the server is busy: try later",
    ExitCode.INTERRUPTED: "interrupted with Ctrl-C; a followed job goes on",
}

#: HTTP status of an error answer → exit code; everything else is FAILED.
OF_STATUS: dict[int, ExitCode] = {
    401: ExitCode.NOT_ALLOWED,
    403: ExitCode.NOT_ALLOWED,
    404: ExitCode.NOT_FOUND,
    409: ExitCode.CONFLICT,
    429: ExitCode.LIMIT,
    503: ExitCode.LIMIT,
}

#: State in which a followed job ended → exit code.
OF_JOB: dict[str, ExitCode] = {
    "completed": ExitCode.OK,
    "failed": ExitCode.JOB_FAILED,
    "cancelled": ExitCode.JOB_CANCELLED,
}


class CliError(click.ClickException):
    """A failure told in one line on standard error; `exit_code` is what the shell gets."""

    def __init__(self, message: str, code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(one_line(message))
        self.exit_code = int(code)  # type: ignore[misc] # click sets it on instances, too

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the line to `file`, standard error when none is given."""
        click.echo(f"simpletuner: {self.format_message()}", file=file, err=file is None)


def leave(code: ExitCode | int) -> NoReturn:
    """End the current command with `code`."""
    click.get_current_context().exit(int(code))


def one_line(text: str) -> str:
    """Return `text` with every run of white space, line ends included, as one space."""
    return " ".join(text.split())


def exit_code_help() -> str:
    """Return the table of exit codes as the plain lines shown below `simpletuner --help`."""
    rows = [f"  {code:>3}  {meaning}" for code, meaning in MEANINGS.items()]
    return "\b\nExit codes:\n" + "\n".join(rows)


def exit_code_markdown() -> str:
    """Return the table of exit codes for the documentation."""
    rows = [f"| {int(code)} | {meaning} |" for code, meaning in MEANINGS.items()]
    return "\n".join(["| code | meaning |", "|---|---|", *rows])
