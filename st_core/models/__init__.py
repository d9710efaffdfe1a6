"""The core's tables. Importing this package makes all of them known to the metadata."""

from .configs import Config, Revision
from .credentials import ProviderCredential
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
from .jobs import Attempt, Job, JobGate, JobLog
from .orgs import Membership, Org, Team
from .states import JobState
from .system import Lease, Lock, StoredSetting

__all__ = [
    "ApiKey",
    "Attempt",
    "AuthProvider",
    "Config",
    "Delivery",
    "Event",
    "ExternalIdentity",
    "Job",
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
    "ProviderCredential",
    "RecoveryCode",
    "Revision",
    "Session",
    "StoredSetting",
    "Team",
    "Throttle",
    "User",
    "user_level",
]
