"""Writes the file a command reads. Every value is quoted by the format's own rules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml


def write(form: str, values: Mapping[str, Any]) -> str:
    """Return `values` as `form`: json, yaml, toml, or args (one `--key=value` per line)."""
    if form == "json":
        return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if form == "yaml":
        return yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True)
    if form == "toml":
        return _toml(values, ())
    return "".join(f"--{key}={_plain(value)}\n" for key, value in values.items())


def _toml(values: Mapping[str, Any], table: tuple[str, ...]) -> str:
    """Return one TOML table, its plain values before the tables in it."""
    tables = {key: value for key, value in values.items() if isinstance(value, Mapping)}
    heading = f"[{'.'.join(map(_key, table))}]\n" if table else ""
    plain = [f"{_key(k)} = {_toml_value(v)}\n" for k, v in values.items() if k not in tables]
    inner = [f"\n{_toml(value, (*table, key))}" for key, value in tables.items()]
    return heading + "".join(plain) + "".join(inner)


def _toml_value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(k)} = {_toml_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _key(key: str) -> str:
    return json.dumps(key, ensure_ascii=False)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
