"""The deployment's configuration: where the file is, what it says, and the typed value of every
declared setting.

Precedence: environment, file, stored (changed in the UI), declared default. A *section* is the
first part of a key and belongs to the core or to one plugin.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from platformdirs import user_data_dir
from pydantic import TypeAdapter, ValidationError

from .contracts import Setting
from .errors import ConfigError
from .plugins import did_you_mean

log = logging.getLogger(__name__)
NAMES = ("simpletuner-enterprise.yaml", "simpletuner-enterprise.json")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def search_paths() -> list[Path]:
    """Return where the configuration file is looked for, in order (guide section 1); each also
    as .json."""
    named = os.environ.get("SIMPLETUNER_ENTERPRISE_CONFIG")
    if named:
        return [Path(named)]
    places = [Path.cwd() / "simpletuner-enterprise.yaml"]
    places += [
        Path.home() / ".config/simpletuner/enterprise.yaml",
        Path("/etc/simpletuner/enterprise.yaml"),
    ]
    return [path for place in places for path in (place, place.with_suffix(".json"))]


def read_file() -> tuple[Path | None, dict[str, Any]]:
    """Return the first configuration file there is, with `${VAR}` filled in.

    Raises ConfigError when the named file is missing, is not YAML or JSON, or uses an unset
    variable.
    """
    for path in search_paths():
        if path.is_file():
            return path, parse(path)
    if named := os.environ.get("SIMPLETUNER_ENTERPRISE_CONFIG"):
        raise ConfigError(f"SIMPLETUNER_ENTERPRISE_CONFIG names {named}, which does not exist.")
    return None, {}


def parse(path: Path) -> dict[str, Any]:
    """Return the content of one configuration file. Raises ConfigError with the line that is
    wrong."""
    try:
        text = path.read_text(encoding="utf-8")
        data = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}, line {error.lineno}: {error.msg}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}{where}: {getattr(error, 'problem', None) or error}") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(
            f"{path}: the top level must be a mapping of sections, not {type(data).__name__}."
        )
    filled: dict[str, Any] = _fill(data, path, "")
    return filled


def _fill(value: Any, path: Path, at: str) -> Any:
    """Replace `${VAR}` in every string of `value`."""
    if isinstance(value, dict):
        return {key: _fill(item, path, f"{at}.{key}".lstrip(".")) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, path, f"{at}[{number}]") for number, item in enumerate(value)]
    if not isinstance(value, str):
        return value

    def put(match: re.Match[str]) -> str:
        name = match[1]
        if name not in os.environ:
            raise ConfigError(
                f"{path}: {at} uses ${{{name}}}, which is not set in the environment."
            )
        return os.environ[name]

    return _VARIABLE.sub(put, value)


def state_dir() -> Path:
    """Return the folder for database, keys and workspaces, made if it is not there.

    `SIMPLETUNER_STATE_DIR` names it; else `instance/` in a checkout, the user's data folder in a
    wheel. Raises ConfigError when it cannot be written.
    """
    named = os.environ.get("SIMPLETUNER_STATE_DIR")
    checkout = Path(__file__).resolve().parent.parent
    if named:
        folder = Path(named).expanduser().resolve()
    elif (checkout / "pyproject.toml").is_file() and (checkout / "plugins").is_dir():
        folder = checkout / "instance"
    else:
        folder = Path(user_data_dir("simpletuner"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".write-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise ConfigError(
            f"the state folder {folder} cannot be written ({error.strerror}). Choose another with "
            "--state-dir or SIMPLETUNER_STATE_DIR.",
            code="state_dir_unwritable",
        ) from error
    return folder


def resource_dir(name: str) -> Path:
    """Return the folder `templates` or `migrations`: beside this package in a wheel, above it in
    a checkout."""
    here = Path(__file__).resolve().parent
    inside = here / name
    return inside if inside.is_dir() else here.parent / name


@dataclass
class Settings:
    """Every declared setting with its value and where the value is from.

    `fixed` holds values of environment and file; `stored` those changed in the UI (loaded at boot
    and renewed when another process changes one). Tests may pass `overrides`, which win over
    everything.
    """

    declared: dict[str, Setting] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    fixed: dict[str, tuple[str, Any]] = field(default_factory=dict)
    stored: dict[str, Any] = field(default_factory=dict)
    file: Path | None = None

    def value(self, key: str) -> Any:
        """Return the value of `key`, typed. Raises ConfigError for a key nobody declared."""
        if key in self.fixed:
            return self.fixed[key][1]
        if key in self.stored:
            return self.stored[key]
        return self._setting(key).default

    def source(self, key: str) -> str:
        """Return environment, file, stored or default."""
        if key in self.fixed:
            return self.fixed[key][0]
        return "stored" if key in self.stored else "default"

    def _setting(self, key: str) -> Setting:
        try:
            return self.declared[key]
        except KeyError:
            raise ConfigError(
                f"no setting is named {key!r}.{did_you_mean(key, self.declared)}",
                code="unknown_setting",
            ) from None

    def check(self, key: str, raw: Any) -> Any:
        """Return `raw` as the type of `key`. Raises ConfigError with what was wrong and what
        would be right."""
        setting = self._setting(key)
        try:
            value = TypeAdapter(setting.type).validate_python(raw)
        except ValidationError as error:
            first = error.errors()[0]
            shown = "the given value" if setting.secret else repr(raw)
            raise ConfigError(
                f"{key}: {shown} is not valid. {first['msg']}.", code="invalid_setting"
            ) from None
        for bound, wrong in (("minimum", lambda v, b: v < b), ("maximum", lambda v, b: v > b)):
            limit = getattr(setting, bound)
            if limit is not None and value is not None and wrong(value, limit):
                raise ConfigError(
                    f"{key}: {value} is beyond the {bound} of "
                    f"{limit:g}{' ' + setting.unit if setting.unit else ''}.",
                    code="invalid_setting",
                )
        return value


def load(
    settings: Iterable[tuple[str, Setting]],
    switched_off: Iterable[str],
    data: Mapping[str, Any],
    path: Path | None,
    overrides: Mapping[str, Any],
) -> Settings:
    """Give every declared setting its fixed value, if it has one.

    Raises ConfigError for an unknown key. A section of an installed plugin that is switched off is
    only noted.
    """
    view = Settings(file=path)
    for owner, setting in settings:
        if setting.key in view.declared:
            raise ConfigError(
                f"{owner} and {view.owners[setting.key]} both declare {setting.key!r}"
            )
        view.declared[setting.key], view.owners[setting.key] = setting, owner
    for key, raw in _flat(data, view.declared, ""):
        if key not in view.declared:
            section = key.split(".")[0]
            if section in switched_off:
                log.warning("%s: section %s is ignored, the plugin is not enabled", path, section)
                continue
            raise ConfigError(
                f"{path}: unknown setting {key!r}.{did_you_mean(key, view.declared)}",
                code="unknown_setting",
            )
        view.fixed[key] = ("file", view.check(key, raw))
    for key, setting in view.declared.items():
        if setting.env and (raw := os.environ.get(setting.env)) not in (None, ""):
            view.fixed[key] = ("environment", view.check(key, _from_env(setting, raw)))
    for key, raw in overrides.items():
        view.fixed[key] = ("environment", view.check(key, raw))
    return view


def _flat(
    data: Mapping[str, Any], declared: Mapping[str, Setting], prefix: str
) -> Iterable[tuple[str, Any]]:
    """Walk nested sections down to declared keys; what is not declared comes out at its deepest
    name."""
    for name, value in data.items():
        key = f"{prefix}{name}"
        deeper = isinstance(value, dict) and any(known.startswith(f"{key}.") for known in declared)
        if key not in declared and (deeper or (isinstance(value, dict) and value)):
            yield from _flat(value, declared, f"{key}.")
        else:
            yield key, value


def _from_env(setting: Setting, raw: str | None) -> Any:
    """Read lists and mappings in an environment variable as JSON, or as words between commas."""
    if setting.type in (list, dict) or getattr(setting.type, "__origin__", None) in (list, dict):
        try:
            return json.loads(raw or "null")
        except json.JSONDecodeError:
            return [word.strip() for word in (raw or "").split(",") if word.strip()]
    return raw


def fail(error: Exception) -> None:
    """Print one line about what stops the start and end the process with code 2."""
    print(f"simpletuner: {getattr(error, 'detail', error)}", file=sys.stderr)
    raise SystemExit(2)
