"""The events of the core. `name` is what notifications and streams call a fact, `audit_name` what
the audit log calls it; one fact is one event."""

from __future__ import annotations

from .contracts import EventType, Severity

#: A limit's own events are declared here as well, because the pipeline itself emits them.
CORE_EVENTS = (
    EventType("job.submitted", "A job was admitted", audit_name="job.submitted"),
    EventType("job.refused", "A submission was refused", severity=Severity.WARNING),
    EventType("job.queued", "A job entered the queue"),
    EventType("job.started", "A job's trainer started"),
    EventType("job.requeued", "A job goes on in a new attempt", severity=Severity.WARNING),
    EventType("job.completed", "A job completed"),
    EventType("job.failed", "A job failed", severity=Severity.ERROR),
    EventType("job.cancelled", "A job was cancelled", audit_name="job.cancelled"),
    EventType("job.amended", "A waiting job was edited"),
    EventType("job.cancel_requested", "Somebody asked a running job to end"),
    EventType("job.approved", "A waiting job was released", audit_name="job.approved"),
    EventType("job.rejected", "A waiting job was rejected", audit_name="job.rejected"),
    EventType("job.deleted", "A job's record was deleted"),
    EventType("job.priority_changed", "A job's priority was changed"),
    EventType("job.went_ahead", "A job started before one that stood before it in the queue"),
    EventType("job.bypass_used", "A right to skip a gate was used", severity=Severity.WARNING),
    EventType("quota.warning", "A limit is nearly reached", "quota", Severity.WARNING),
    EventType(
        "quota.notified",
        "A limit that tells the administrators is reached",
        "quota",
        Severity.WARNING,
        permission="quota.view",
    ),
    EventType("quota.exceeded", "A limit refused a submission", "quota", Severity.WARNING),
    EventType("config.created", "A config was created", "config", permission="config.view"),
    EventType("config.saved", "A revision was saved", "config", permission="config.view"),
    EventType("config.deleted", "A config was deleted", "config", permission="config.view"),
    EventType(
        "queue.paused", "The queue was paused", "queue", Severity.WARNING, permission="queue.view"
    ),
    EventType("queue.resumed", "The queue goes on", "queue", permission="queue.view"),
    EventType(
        "admin.config_changed",
        "Settings were changed",
        "admin",
        permission="admin.config",
        audit_name="config.changed",
    ),
    EventType(
        "policy.applied",
        "Policy files were put in force",
        "admin",
        permission="admin.config",
    ),
    EventType(
        "admin.user_created",
        "A user was created",
        "admin",
        permission="admin.users",
        audit_name="user.created",
    ),
    EventType(
        "api_key.created",
        "An API key was made",
        "auth",
        permission="api.keys.all",
        audit_name="api_key.created",
    ),
    EventType(
        "system.provider_error",
        "A provider fails",
        "system",
        Severity.ERROR,
        permission="admin.config",
    ),
    EventType(
        "system.subscriber_dead",
        "A plugin gave up on an event",
        "system",
        Severity.ERROR,
        permission="admin.config",
    ),
)

#: Who came in, who did not, and what people may: for administrators, and about oneself.
IDENTITY_EVENTS = (
    EventType("auth.login", "Somebody signed in", "auth", audit_name="auth.login.success"),
    EventType(
        "auth.login_failure",
        "A sign-in failed",
        "auth",
        Severity.WARNING,
        permission="admin.audit",
        audit_name="auth.login.failed",
    ),
    EventType("auth.logout", "Somebody signed out", "auth"),
    EventType("auth.new_device", "A sign-in from a device not seen before", "auth"),
    EventType(
        "auth.session_expiry", "A session expired", "auth", audit_name="auth.session.expired"
    ),
    EventType("auth.session_ended", "A session was ended", "auth"),
    EventType("auth.password_reset", "A password was reset by a link", "auth", Severity.WARNING),
    EventType("auth.second_factor_changed", "A second factor was changed", "auth"),
    EventType(
        "auth.link_created",
        "An invitation or reset link was made",
        "auth",
        permission="admin.users",
    ),
    EventType(
        "auth.link_withdrawn", "An invitation was withdrawn", "auth", permission="admin.users"
    ),
    EventType("user.updated", "A user was changed", "admin", permission="admin.users"),
    EventType("user.deleted", "A user was deleted", "admin", permission="admin.users"),
    EventType(
        "user.password_changed",
        "A password was changed",
        "auth",
        audit_name="user.password.changed",
    ),
    EventType(
        "admin.role_changed",
        "Somebody's levels changed",
        "admin",
        permission="admin.users",
        audit_name="user.level.changed",
    ),
    EventType(
        "user.permission_changed",
        "A permission override changed",
        "admin",
        permission="admin.users",
        audit_name="user.permission.changed",
    ),
    EventType("level.created", "A level was created", "admin", permission="admin.levels"),
    EventType("level.updated", "A level was changed", "admin", permission="admin.levels"),
    EventType("level.deleted", "A level was deleted", "admin", permission="admin.levels"),
    EventType("api_key.revoked", "An API key was revoked", "auth", permission="api.keys.all"),
    EventType("credential.created", "A credential was stored", "auth", permission="admin.users"),
    EventType(
        "credential.rotated",
        "A new value of a credential was asked for",
        "auth",
        permission="admin.users",
    ),
    EventType(
        "credential.proven",
        "A new value of a credential works and is in force",
        "auth",
        permission="admin.users",
    ),
    EventType(
        "credential.refused",
        "A new value of a credential was refused, the old one stays",
        "auth",
        Severity.WARNING,
        permission="admin.users",
    ),
    EventType("credential.deleted", "A credential was deleted", "auth", permission="admin.users"),
    EventType(
        "provider.configured", "A sign-in provider was changed", "admin", permission="admin.config"
    ),
    EventType("org.created", "An organisation was created", "admin", permission="org.view"),
    EventType("org.updated", "An organisation was changed", "admin", permission="org.view"),
    EventType("org.deleted", "An organisation was deleted", "admin", permission="org.view"),
    EventType("team.created", "A team was created", "admin", permission="team.view"),
    EventType("team.updated", "A team was changed", "admin", permission="team.view"),
    EventType("team.deleted", "A team was deleted", "admin", permission="team.view"),
    EventType("member.added", "Somebody joined", "admin", permission="org.view"),
    EventType("member.changed", "A member's role changed", "admin", permission="org.view"),
    EventType("member.removed", "A member left", "admin", permission="org.view"),
    EventType(
        "secrets.rotated",
        "The key of stored secrets was rotated",
        "admin",
        Severity.WARNING,
        permission="admin.config",
    ),
    EventType(
        "security.permission_denied",
        "A permission was missing",
        "auth",
        Severity.WARNING,
        permission="admin.audit",
    ),
    EventType(
        "security.rate_limited",
        "Too many requests",
        "auth",
        Severity.WARNING,
        permission="admin.audit",
    ),
    EventType(
        "security.suspicious",
        "A request that looks like an attack",
        "auth",
        Severity.ERROR,
        permission="admin.audit",
    ),
)
