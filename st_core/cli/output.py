"""What commands print: JSON for scripts, tables for people.

The rule: with `--format json` standard output holds one JSON document and nothing else; everything
meant for people goes to standard error. A table on a terminal is drawn; piped it is tab-separated
rows without a heading. `-o job_id,progress.step` selects fields by dotted path in either format.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .outcome import CliError, ExitCode

#: heading → dotted path of the value
Columns = Mapping[str, str]
TIME = re.compile(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z$")
COLOURS = {
    "completed": "green",
    "running": "cyan",
    "starting": "cyan",
    "queued": "yellow",
    "pending_approval": "yellow",
    "failed": "red",
    "cancelled": "bright_black",
}


def console() -> Console:
    """Return a console for people: standard error, so that standard output stays clean."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(message: str) -> None:
    """Tell people one line on standard error."""
    console().print(escape(message))


@dataclass(frozen=True)
class Output:
    """How this command was asked to print: `form` is table or json, `fields` are dotted paths or
    empty.
    """

    form: str = "table"
    fields: tuple[str, ...] = ()

    @property
    def is_json(self) -> bool:
        """Tell whether standard output belongs to one JSON document."""
        return self.form == "json"

    def rows(self, body: Mapping[str, Any], key: str, columns: Columns) -> None:
        """Print the list `body[key]`: its columns as a table, or the whole body as JSON."""
        rows = body.get(key) or []
        if self.is_json:
            selected = [_select(row, self.fields) for row in rows] if self.fields else rows
            print_json({**body, key: selected})
        elif self.fields:
            _table(rows, dict(zip(self.fields, self.fields, strict=True)), text_of)
        else:
            _table(rows, columns, readable)

    def one(self, body: Mapping[str, Any], columns: Columns) -> None:
        """Print one object: heading and value line by line, or the whole object as JSON."""
        if self.is_json:
            print_json(_select(body, self.fields) if self.fields else body)
        elif self.fields:
            click.echo("\t".join(text_of(pick(body, field)) for field in self.fields))
        else:
            _sheet(body, columns)


def _table(rows: Iterable[Mapping[str, Any]], columns: Columns, show: Callable[[Any], str]) -> None:
    cells = [[show(pick(row, path)) for path in columns.values()] for row in rows]
    if not sys.stdout.isatty():
        for line in cells:
            click.echo("\t".join(" ".join(cell.split()) for cell in line))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in columns:
        table.add_column(heading, overflow="fold")
    for line in cells:
        table.add_row(*(_coloured(cell) for cell in line))
    Console(highlight=False).print(table)


def _sheet(body: Mapping[str, Any], columns: Columns) -> None:
    rows = [(heading, readable(pick(body, path))) for heading, path in columns.items()]
    width = max((len(heading) for heading, value in rows if value), default=0)
    for heading, value in rows:
        if value:
            click.echo(f"{heading:<{width}}  {value}")


def _coloured(cell: str) -> str:
    colour = COLOURS.get(cell)
    return f"[{colour}]{cell}[/]" if colour else escape(cell)


def print_json(body: Any) -> None:
    """Write one JSON document to standard output."""
    click.echo(json.dumps(body, indent=2, ensure_ascii=False, default=str))


def pick(body: Any, path: str) -> Any:
    """Return the value at a dotted path, list items by number; None when there is none."""
    for part in path.split("."):
        if isinstance(body, Mapping):
            body = body.get(part)
        elif isinstance(body, Sequence) and not isinstance(body, str) and part.isdigit():
            body = body[int(part)] if int(part) < len(body) else None
        else:
            return None
    return body


def _select(body: Any, fields: Iterable[str]) -> dict[str, Any]:
    return {field: pick(body, field) for field in fields}


def text_of(value: Any) -> str:
    """Return a value as a table cell: nothing for None, yes and no, numbers short, structures as
    JSON.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def readable(value: Any) -> str:
    """Return a value for people: as `text_of`, but a time to the second with a space in it."""
    text = text_of(value)
    return TIME.sub(r"\1 \2Z", text) if isinstance(value, str) else text


def output_options(short: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add `--format` (with `-f` unless the command uses that letter) and `-o`; the command gets
    `out`.
    """
    letters = ("-f",) if short else ()

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @click.option(
            *letters,
            "--format",
            "form",
            type=click.Choice(["table", "json"]),
            default="table",
            show_default=True,
            help="How to print on standard output.",
        )
        @click.option(
            "-o",
            "--output",
            "fields",
            default="",
            metavar="FIELDS",
            help="Fields to print, comma-separated dotted paths (job_id,progress.step).",
        )
        @wraps(command)
        def run(*args: Any, form: str, fields: str, **kwargs: Any) -> Any:
            return command(*args, out=Output(form, split_fields(fields)), **kwargs)

        return run

    return decorate


def split_fields(text: str) -> tuple[str, ...]:
    """Return the dotted paths in `text`. Raises CliError when one is empty."""
    fields = tuple(field.strip() for field in text.split(",")) if text.strip() else ()
    if not all(fields):
        raise CliError(f"-o {text!r} has an empty field; write a,b.c", ExitCode.USAGE)
    return fields


def confirm(question: str, yes: bool) -> None:
    """Ask before what cannot be undone. Raises CliError without a terminal, Abort on no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise CliError(f"{question} Nobody is here to ask; add --force to go ahead", ExitCode.USAGE)
    click.confirm(question, abort=True, err=True)
