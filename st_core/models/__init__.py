"""The core's tables. Importing this package makes all of them known to the metadata."""

from .configs import Config, Revision
from .credentials import ProviderCredential
from .decisions import Decision, PolicyDocument
from .entry import KnownDevice, OneTimeLink, RecoveryCode, Throttle
from .events import Delivery, Event
from .identity import (
    ApiKey,
    AuthProvider,
    ExternalIdentity,
    Level,
    PermissionOverride,
    Session,
    User,
    user_level,
)
from .jobs import Attempt, Job, JobDependency, JobGate, JobLog
from .orgs import Membership, Org, Team
from .shares import ShareUsage
from .states import JobState
from .system import Lease, Lock, StoredSetting

__all__ = [
    "ApiKey",
    "Attempt",
    "AuthProvider",
    "Config",
    "Decision",
    "Delivery",
    "Event",
    "ExternalIdentity",
    "Job",
    "JobDependency",
    "JobGate",
    "JobLog",
    "JobState",
    "KnownDevice",
    "Lease",
    "Level",
    "Lock",
    "Membership",
    "OneTimeLink",
    "Org",
    "PermissionOverride",
    "PolicyDocument",
    "ProviderCredential",
    "RecoveryCode",
    "Revision",
    "Session",
    "ShareUsage",
    "StoredSetting",
    "Team",
    "Throttle",
    "User",
    "user_level",
]
