"""`flask st bench`: the speed budget as a table, one row as soon as it is measured."""

from __future__ import annotations

from dataclasses import asdict

import click

from ..bench import NAMES, measure
from .outcome import CliError
from .output import Output, output_options, say

COLUMNS = {
    "what": "what",
    "ours": "figure",
    "yardstick": "yardstick",
    "ratio": "ratio",
    "target": "target",
    "met": "met",
}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(NAMES))
@click.option("--full", is_flag=True, help="The full counts: minutes instead of one or two.")
@click.option("--strict", is_flag=True, help="Exit code 1 when a target is missed.")
@output_options()
def bench(names: tuple[str, ...], full: bool, strict: bool, out: Output) -> None:
    """Measure NAMES of the speed budget, all of it when none is named.

    Figures are ratios to a bare Flask app measured in the same run, because machines differ.
    """
    rows = []
    for row in measure(list(names), full=full):
        say(f"{row.what}: {row.figure} {row.ratio} (target {row.target})")
        rows.append(asdict(row))
    out.rows({"rows": rows}, "rows", COLUMNS)
    missed = [row["what"] for row in rows if not row["met"]]
    if missed and strict:
        raise CliError(f"missed: {'; '.join(missed)}")
