"""Keys of SimpleTuner's config: their spelling, and which of them need a right of their own.

Every key becomes the option `--key=value` of SimpleTuner's command line, and that accepts the
beginning of an option's name for the whole: `trust_remote` is `trust_remote_code`. A key is
therefore *guarded* when it begins, or is, a guarded name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

#: Keys with which the trainer runs code that the config brings.
RUNS_CODE = frozenset(
    {
        "accelerate_config",
        "accelerate_extra_args",
        "custom_tracker",
        "deepspeed_config",
        "post_checkpoint_script",
        "post_upload_script",
        "trust_remote_code",
        "validation_external_script",
    }
)
#: Keys with which the trainer sends results or reports to somewhere else.
SENDS_OUT = frozenset(
    {
        "hub_model_id",
        "publishing_config",
        "push_checkpoints_to_hub",
        "push_to_hub",
        "push_to_hub_background",
        "webhook_config",
    }
)
#: Keys of the launcher or of another server; SimpleTuner itself would refuse them.
LAUNCHER = frozenset(
    {
        "accelerate_config",
        "accelerate_extra_args",
        "accelerate_strategy",
        "accelerate_visible_devices",
        "config_backend",
        "dynamo_backend",
        "dynamo_dynamic",
        "dynamo_fullgraph",
        "dynamo_mode",
        "dynamo_use_regional_compilation",
        "env",
        "job_id",
        "machine_rank",
        "main_process_ip",
        "main_process_port",
        "num_machines",
        "num_processes",
        "same_network",
        "upload_id",
    }
)
#: Keys that hold words and never a path: whole names only, for a shortened one may mean another.
PROSE = frozenset(
    {
        "caption",
        "instance_prompt",
        "model_card_note",
        "validation_negative_prompt",
        "validation_prompt",
    }
)
#: Where metrics may go without leaving the workspace.
LOCAL_REPORTS = frozenset({"", "none", "simpletuner", "tensorboard"})
#: Kinds of data backend that write their caches to a place outside this machine.
REMOTE_BACKENDS = frozenset({"aws", "s3"})

_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*")
_PLACEHOLDER = re.compile(r"\{env:[^}]*\}")


def bare(key: str) -> str:
    """Return `key` without the leading dashes that SimpleTuner's own files may have."""
    return key.strip().lstrip("-")


def is_name(key: str) -> bool:
    """Tell whether `key` can be an option: anything else could smuggle one in."""
    return bool(_NAME.fullmatch(key))


def guarded(config: Mapping[str, Any], names: frozenset[str]) -> list[str]:
    """Return the keys of `config` that are switched on and mean one of `names`."""
    return sorted(
        key
        for key, value in config.items()
        if not is_off(value) and any(name.startswith(key) for name in names)
    )


def is_off(value: Any) -> bool:
    """Tell whether SimpleTuner would leave an option with this value out."""
    return value in (None, False, "") or (
        isinstance(value, str) and value.strip().lower() in ("", "false")
    )


def pushes_to_hub(config: Mapping[str, Any]) -> bool:
    """Tell whether the config asks for an upload to the Hugging Face Hub."""
    return bool(guarded(config, frozenset({"push_to_hub", "push_checkpoints_to_hub"})))


def remote_reports(config: Mapping[str, Any]) -> list[str]:
    """Return the places outside this machine that `report_to` names."""
    named = str(config.get("report_to") or "").split(",")
    return sorted({name.strip() for name in named} - LOCAL_REPORTS)


def placeholders(value: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Yield (dotted key, placeholder) for every `{env:NAME}` in `value`, in keys as in texts.

    SimpleTuner fills them in from its environment, and what is in there would end up in names,
    logs and uploads.
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from placeholders(str(key), at)
            yield from placeholders(item, f"{at}.{key}".lstrip("."))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from placeholders(item, f"{at}.{number}".lstrip("."))
    elif isinstance(value, str) and (found := _PLACEHOLDER.search(value)):
        yield at, found[0]
