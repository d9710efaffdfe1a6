"""What plugins hand over once, at start-up, and the panels and links they add to pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How much an event matters, in rising order."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Setting:
    """One declared option. `key` is dotted and starts with the owner's section
    (`local_gpu.cpu_slots`).

    `type` is a Python type (bool, int, float, str, Decimal, list, dict, Path) or any type pydantic
    can validate. `default` is a value of it. `env` names an environment variable that wins over the
    file. `editable` settings can be changed in the UI while running; others only by file or
    environment. `named_by_guide` tells that the key is spelt in the guide's configuration file, and
    so need not begin with its plugin's name.
    """

    key: str
    type: Any
    default: Any
    help: str
    unit: str = ""
    secret: bool = False
    env: str | None = None
    editable: bool = False
    minimum: float | None = None
    maximum: float | None = None
    named_by_guide: bool = False


@dataclass(frozen=True)
class Permission:
    """A right with a name (`job.submit`), the levels that hold it by default, and what it lets
    one do."""

    name: str
    label: str
    levels: tuple[str, ...]


@dataclass(frozen=True)
class EventType:
    """A kind of event. `permission` None means: who may see the subject may see the event;
    otherwise only holders of that permission see it. `audit_name` is its name in the audit log."""

    name: str
    summary: str
    category: str = "job"
    severity: Severity = Severity.INFO
    permission: str | None = None
    audit_name: str | None = None


@dataclass(frozen=True)
class Service:
    """Work that goes on beside requests: `run()` every `every_seconds`, sooner when woken by
    `name`.

    With `forever=True`, `run(stop)` is called once and returns when the `threading.Event` it got is
    set. `exclusive` services run in one process at a time (a lease decides which); others in every
    process. Wake-ups that come within `rest_seconds` after a run lead to one run together.
    """

    name: str
    run: Callable[..., Any]
    every_seconds: float = 60.0
    forever: bool = False
    exclusive: bool = True
    rest_seconds: float = 0.0


@dataclass(frozen=True)
class HealthResult:
    """`status` is healthy, degraded or unhealthy; `message` says what to do when it is not
    healthy."""

    status: str
    message: str = ""


@dataclass(frozen=True)
class HealthCheck:
    """A check behind `GET /api/cloud/health`. A critical one that fails makes the server not
    ready."""

    name: str
    run: Callable[[], HealthResult]
    critical: bool = False
    timeout_seconds: float = 5.0


@dataclass(frozen=True)
class Metric:
    """One Prometheus family, computed when scraped. `kind` is counter or gauge; samples are
    `(labels, value)` pairs with the same label names throughout."""

    name: str
    kind: str
    help: str
    samples: tuple[tuple[Mapping[str, str], float], ...]


@dataclass(frozen=True)
class NavItem:
    """A link in the sidebar. `group` is cloud, work or admin; it shows to holders of
    `permission`."""

    label: str
    url: str
    icon: str = "plug"
    group: str = "work"
    order: int = 100
    permission: str | None = None


@dataclass(frozen=True)
class Section:
    """A panel on a core page. `column` is main or side; `template` is rendered with exactly
    `context`."""

    template: str
    context: Mapping[str, Any]
    title: str
    column: str = "side"
    order: int = 100
