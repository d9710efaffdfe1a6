"""`simpletuner cloud jobs …`: the same commands as `jobs`, by the names older scripts use."""

from __future__ import annotations

import click

from .cloud_money import config, cost_limit
from .jobs import cancel, delete, get, list_jobs, logs, retry, submit


@click.group()
def cloud() -> None:
    """Jobs at a provider, by the older commands' names."""


@cloud.group()
def jobs() -> None:
    """The same commands as `simpletuner jobs`."""


for command in (submit, list_jobs, cancel, delete, retry, logs, get):
    jobs.add_command(command)
for group in (cost_limit, config):
    cloud.add_command(group)
