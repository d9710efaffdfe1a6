"""The command line's own reference: every command with its options, as text or as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

import click

from .outcome import exit_code_markdown


@click.command("help")
@click.option("--markdown", is_flag=True, help="Print Markdown, as the documentation holds it.")
@click.pass_context
def help_command(ctx: click.Context, markdown: bool) -> None:
    """Print the help of every command at once."""
    root = ctx.find_root()
    if markdown:
        click.echo(commands_markdown())
        click.echo(f"\n### Exit codes\n\n{exit_code_markdown()}")
        return
    for inner in walk(root.command, root.info_name or "simpletuner"):
        click.echo(f"{inner.get_help()}\n")


def walk(
    command: click.Command, name: str, parent: click.Context | None = None
) -> Iterator[click.Context]:
    """Yield a context for `command` and for each command below it, hidden ones left out."""
    ctx = click.Context(command, info_name=name, parent=parent, resilient_parsing=True)
    yield ctx
    if isinstance(command, click.Group):
        for below in command.list_commands(ctx):
            found = command.get_command(ctx, below)
            if found is not None and not found.hidden:
                yield from walk(found, below, ctx)


def commands_markdown() -> str:
    """Return a section for `simpletuner` and for each of its commands that does something."""
    from . import cli  # this module is one of its commands

    root, *below = walk(cli, "simpletuner")
    leaves = [ctx for ctx in below if not isinstance(ctx.command, click.Group)]
    return "\n\n".join(_section(ctx) for ctx in [root, *leaves])


def _section(ctx: click.Context) -> str:
    command = ctx.command
    usage = " ".join([ctx.command_path, *command.collect_usage_pieces(ctx)])
    text = (command.help or "").replace("\b\n", "").strip()
    rows = [row for row in _options(ctx) if not row[0].endswith("--help")]
    table = "\n".join(f"| `{names}` | {meaning} |" for names, meaning in rows)
    head = f"#### `{usage}`\n\n{text}"
    return f"{head}\n\n| option | meaning |\n|---|---|\n{table}" if rows else head


def _options(ctx: click.Context) -> Iterator[tuple[str, str]]:
    for param in ctx.command.get_params(ctx):
        record = param.get_help_record(ctx)
        if record is not None:
            yield record[0].replace("|", "\\|"), " ".join(record[1].replace("|", "\\|").split())
