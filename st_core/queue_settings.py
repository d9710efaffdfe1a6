"""Options of the queue: its limits and its fair share."""

from __future__ import annotations

from .contracts import Setting

QUEUE_SETTINGS = (
    Setting(
        "queue.max_concurrent",
        int,
        5,
        "Jobs that run at the same time, everyone together.",
        unit="jobs",
        editable=True,
        minimum=1,
        maximum=100,
    ),
    Setting(
        "queue.user_max_concurrent",
        int,
        2,
        "Jobs that run at the same time, one person.",
        unit="jobs",
        editable=True,
        minimum=1,
        maximum=20,
    ),
    Setting(
        "queue.team_max_concurrent",
        int,
        10,
        "Jobs that run at the same time, one team.",
        unit="jobs",
        editable=True,
        minimum=1,
        maximum=50,
    ),
    Setting(
        "queue.local_job_max_concurrent",
        int,
        1,
        "Jobs that run at the same time on this machine.",
        unit="jobs",
        editable=True,
        minimum=1,
        maximum=10,
    ),
    Setting(
        "queue.local_gpu_max_concurrent",
        int | None,
        None,
        "GPUs of this machine in use at the same time. Not given: all.",
        unit="GPUs",
        editable=True,
        minimum=1,
    ),
    Setting(
        "queue.enable_fair_share",
        bool,
        False,
        "Within a priority, start first whose organisation, team and person used least GPU-time "
        "lately; priorities grow with waiting. Off: priority, then time.",
        editable=True,
    ),
    Setting(
        "queue.share_half_life_days",
        float,
        7.0,
        "After how many days GPU-time that was used counts half, for the fair share.",
        unit="days",
        editable=True,
        minimum=0.1,
        maximum=365,
    ),
    Setting(
        "queue.shares",
        dict[str, float],
        {},
        "Weights for the fair share: `org-slug: 35`, `org-slug/team-slug: 2`. Whoever is not named "
        "weighs 1 among its siblings.",
        editable=True,
    ),
    Setting(
        "queue.ageing_minutes",
        int,
        60,
        "With the fair share: after each so many minutes of waiting, a job's priority grows by 10, "
        "up to 40; from then on it goes by time alone. 0: never.",
        unit="minutes",
        editable=True,
        minimum=0,
        maximum=10080,
    ),
    Setting("queue.paused", bool, False, "Start nothing new; what runs goes on.", editable=True),
)
