"""`simpletuner jobs submit`: hand over a stored config or a file, ask first with `--dry-run`,
follow with `--follow`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import click
import yaml

from .client import Client, with_client
from .following import ended, follow
from .outcome import CliError, ExitCode, leave
from .output import Output, output_options, say

#: What older clients call a place → the provider that is that place.
PROVIDER_OF_TARGET = {
    "local": "local_gpu",
    "worker": "gpu_workers",
    "kubeflow": "kubeflow",
    "auto": None,
}
SUFFIXES = (".json", ".yaml", ".yml")
SUBMITTED = {"job": "job_id", "status": "status", "position": "queue_position"}
GATES = {"gate": "name", "result": "result", "verdict": "verdict", "why": "text"}


@click.command()
@click.argument("config")
@click.option("-n", "--dry-run", is_flag=True, help="Ask every gate, admit nothing.")
@click.option("--follow", "following", is_flag=True, help="Show its progress until it ends.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change a parameter.")
@click.option("-p", "--provider", help="Where to run.")
@click.option(
    "-t",
    "--target",
    type=click.Choice(list(PROVIDER_OF_TARGET)),
    default="auto",
    show_default=True,
    help="Where to run, by the older name.",
)
@click.option("--trainer", help="What runs it, when CONFIG is a file.")
@click.option("--name", help="A name for the job.")
@click.option("--team-id", type=click.IntRange(1), help="Which of your teams it is for.")
@click.option("--hardware-profile", help="The kind of machine.")
@click.option("--priority", type=click.IntRange(0, 50), help="Instead of your level's own.")
@click.option("--time-limit", "time_limit_seconds", type=click.IntRange(1), help="In seconds.")
@click.option("--start-from", "start_from_job_id", metavar="JOB", help="Begin with its weights.")
@click.option("--idempotency-key", help="The same key within 24 h gives the same job.")
@click.option("--no-wait", is_flag=True, help="Be refused rather than wait in the queue.")
@click.option("--any-gpu", is_flag=True, help="Take other GPUs than configured.")
@click.option("--for-approval", is_flag=True, help="Ask for approval even if no rule does.")
@output_options()
@with_client
def submit(
    client: Client,
    config: str,
    dry_run: bool,
    following: bool,
    changes: tuple[str, ...],
    target: str,
    provider: str | None,
    out: Output,
    **asked: Any,
) -> None:
    """Submit CONFIG: the name of a stored config, or a JSON or YAML file."""
    body = draft(client, config, changes)
    given = {name: value for name, value in asked.items() if value not in (None, False)}
    body |= {**given, "provider": provider or PROVIDER_OF_TARGET[target]}
    body = {name: value for name, value in body.items() if value is not None}
    if dry_run:
        _show_gates(client.post("/api/cloud/jobs/submit", body, dry_run=True), out)
    answer = client.post("/api/cloud/jobs/submit", body)
    for warning in [*answer.get("quota_warnings", ()), *answer.get("warnings", ())]:
        say(f"note: {warning}")
    if not following:
        out.one(answer, SUBMITTED)
        return
    say(f"job {answer['job_id']} {answer['status']}")
    job = follow(client, answer["job_id"])
    out.one({**answer, **job}, SUBMITTED)
    leave(ended(job))


def draft(client: Client, config: str, changes: tuple[str, ...]) -> dict[str, Any]:
    """Return the part of a submission that says what to train.

    Raises CliError for a file that cannot be read or a change that is not KEY=VALUE.
    """
    path = Path(config)
    if path.suffix in SUFFIXES:
        return {"config": with_changes(read_config(path), changes), "config_name": path.stem}
    if not changes:
        return {"config_name_to_load": config}
    stored = client.get(f"/api/configs/{config}")
    return {
        "config": with_changes(stored["data"], changes),
        "config_name": config,
        "trainer": stored["trainer"],
    }


def read_config(path: Path) -> dict[str, Any]:
    """Return the parameters in a JSON or YAML file. Raises CliError when it holds none."""
    try:
        text = path.read_text(encoding="utf-8")
        data = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except FileNotFoundError as error:
        raise CliError(f"there is no file {path}", ExitCode.NOT_FOUND) from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise CliError(f"{path} cannot be read: {error}", ExitCode.USAGE) from error
    if not isinstance(data, dict):
        raise CliError(f"{path} must hold a mapping of parameters", ExitCode.USAGE)
    return data


def with_changes(config: Mapping[str, Any], changes: tuple[str, ...]) -> dict[str, Any]:
    """Return `config` with each `key=value` set; values are read as YAML, dotted keys go into
    mappings.
    """
    result = json.loads(json.dumps(config))
    for change in changes:
        key, equals, value = change.partition("=")
        if not (key and equals):
            raise CliError(f"{change!r} is not KEY=VALUE", ExitCode.USAGE)
        *parents, last = key.split(".")
        inner = result
        for parent in parents:
            inner = inner.setdefault(parent, {})
            if not isinstance(inner, dict):
                raise CliError(f"{key}: {parent} is a value, not a mapping", ExitCode.USAGE)
        inner[last] = yaml.safe_load(value)
    assert isinstance(result, dict)
    return result


def _show_gates(answer: dict[str, Any], out: Output) -> NoReturn:
    """Print what each gate said, and end: the exit code tells whether it would be admitted."""
    if out.is_json and not out.fields:
        out.one(answer, {})
    else:
        out.rows(answer, "gates", GATES)
    for error in answer.get("errors") or ():
        say(f"{error['path']}: {error['message']}")
    say(str(answer["status"]).replace("_", " "))
    leave(ExitCode.OK if answer["valid"] else ExitCode.FAILED)
