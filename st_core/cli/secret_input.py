"""Passwords and keys that commands take: asked for on a terminal, read from standard input
otherwise; never an argument, which every process of the machine could read."""

from __future__ import annotations

import sys
from typing import Any

import click

from .outcome import CliError, ExitCode


def ask(what: str, *, new: bool = False) -> str:
    """Return a secret: typed without being shown, twice when it is `new`, or the first line of
    standard input. Raises CliError when it is empty."""
    if sys.stdin.isatty():
        found: str = click.prompt(what, hide_input=True, confirmation_prompt=new, err=True)
    else:
        found = sys.stdin.readline().rstrip("\r\n")
    if not found:
        raise CliError(f"no {what.lower()} was given on standard input", ExitCode.USAGE)
    return found


def password_option(required: bool = False) -> Any:
    """Add the flag that asks for a password."""
    words = "Ask for a password" + (" (always done)" if required else "")
    return click.option(
        "-p", "--password", is_flag=True, help=f"{words}; without a terminal, read a line of stdin."
    )
