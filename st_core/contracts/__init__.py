"""What crosses the border between the core and plugins: frozen dataclasses and Protocols.

Three kinds of things stand here: *registrations* (data a plugin hands over at start-up), *answers*
to the pipeline's questions, and *Protocols*: objects of which exactly one must answer again and
again (a Provider says where a job runs, a Trainer says what runs).

Times are seconds or UTC datetimes, money is `Decimal` USD in fields that end in `_usd`, sizes are
bytes.
"""

from __future__ import annotations

from ..models.states import JobState
from ..progress.readings import Progress, Source
from .identity import (
    AuthProviderKind,
    ExternalPerson,
    Identity,
    LoginAttempt,
    LoginMethod,
    Rejected,
    SignedIn,
    TestStep,
)
from .policies import Asked, Facts, Finding, Policy
from .protocols import (
    ApprovalDesk,
    Keyed,
    KeyedTrainer,
    Provider,
    ProviderOptions,
    TaskRunner,
    Trainer,
)
from .registrations import (
    EventType,
    HealthCheck,
    HealthResult,
    Metric,
    NavItem,
    Permission,
    Section,
    Service,
    Setting,
    Severity,
)
from .running import (
    Artifact,
    Capability,
    Hardware,
    KeyCheck,
    KeyNeed,
    Launch,
    Order,
    StopStep,
)
from .submissions import (
    Action,
    Checkpoint,
    Demand,
    Denial,
    Estimate,
    Hold,
    Problem,
    Remedy,
    Submission,
    Verdict,
)
from .viewers import Viewer

__all__ = [
    "Action",
    "ApprovalDesk",
    "Artifact",
    "Asked",
    "AuthProviderKind",
    "Capability",
    "Checkpoint",
    "Demand",
    "Denial",
    "Estimate",
    "EventType",
    "ExternalPerson",
    "Facts",
    "Finding",
    "Hardware",
    "HealthCheck",
    "HealthResult",
    "Hold",
    "Identity",
    "JobState",
    "KeyCheck",
    "KeyNeed",
    "Keyed",
    "KeyedTrainer",
    "Launch",
    "LoginAttempt",
    "LoginMethod",
    "Metric",
    "NavItem",
    "Order",
    "Permission",
    "Policy",
    "Problem",
    "Progress",
    "Provider",
    "ProviderOptions",
    "Rejected",
    "Remedy",
    "Section",
    "Service",
    "Setting",
    "Severity",
    "SignedIn",
    "Source",
    "StopStep",
    "Submission",
    "TaskRunner",
    "TestStep",
    "Trainer",
    "Verdict",
    "Viewer",
]
