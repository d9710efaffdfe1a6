"""`flask st bench`: the speed budget, measured on this machine."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table

from .outcome import ExitCode


@click.command()
@click.argument("names", nargs=-1)
@click.option("--full", is_flag=True, help="The full counts: 100,000 jobs, 500 listeners.")
@click.option("--strict", is_flag=True, help="Exit with code 1 when a target is missed.")
def bench(names: tuple[str, ...], full: bool, strict: bool) -> None:
    """Measure the speed budget, each row beside a bare Flask app in the same run.

    NAMES are groups of rows: http, dispatch, start, streams, start-up, pages; all without any.
    """
    from ..bench import NAMES, measure  # heavy: servers, load and the test kit's fakes

    if unknown := sorted(set(names) - set(NAMES)):
        raise click.BadParameter(f"{unknown[0]!r} is none of {', '.join(NAMES)}")
    table = Table("what", "measured", "yardstick", "ratio", "target", "")
    missed = 0
    for row in measure(list(names), full=full):
        verdict = "[green]met[/]" if row.met else "[red]missed[/]"
        table.add_row(row.what, row.figure, row.yardstick, row.ratio, row.target, verdict)
        missed += not row.met
    Console().print(table)
    if strict and missed:
        raise SystemExit(ExitCode.FAILED)
