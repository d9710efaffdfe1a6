"""`simpletuner completion SHELL`: the script that makes the shell complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from .outcome import CliError


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script for shell completion.

    \b
    bash: simpletuner completion bash > ~/.local/share/bash-completion/completions/simpletuner
    zsh:  simpletuner completion zsh > "${fpath[1]}/_simpletuner"
    fish: simpletuner completion fish > ~/.config/fish/completions/simpletuner.fish
    """
    maker = get_completion_class(shell)
    if maker is None:
        raise CliError(f"this version of click knows no completion for {shell}")
    root = ctx.find_root()
    script = maker(root.command, {}, root.info_name or "simpletuner", "_SIMPLETUNER_COMPLETE")
    click.echo(script.source())
