"""The options of running jobs on this machine."""

from __future__ import annotations

from decimal import Decimal

from st_core.contracts import Setting

GIB = 1 << 30

SETTINGS = [
    Setting(
        "local_gpu.gpus",
        list[str],
        [],
        "GPUs that jobs may have, by UUID or by index as nvidia-smi shows it. Empty: all of them.",
    ),
    Setting(
        "local_gpu.cpu_slots",
        int | None,
        None,
        "Jobs without a GPU that may run at the same time. Not set: half of the cores, at least 1. "
        "`queue.local_job_max_concurrent` limits GPU and CPU jobs together.",
        unit="slots",
        editable=True,
        minimum=0,
        maximum=256,
    ),
    Setting(
        "local_gpu.busy_memory_bytes",
        int,
        GIB // 2,
        "A GPU on which processes that are not ours hold more memory than this is shown as busy "
        "and not given out.",
        unit="bytes",
        editable=True,
        minimum=0,
    ),
    Setting(
        "local_gpu.cost_per_hour_usd",
        Decimal,
        Decimal("0"),
        "What one hour of one slot (a GPU, or a CPU slot) costs. 0: jobs here have no price.",
        unit="USD per hour",
        editable=True,
        minimum=0,
    ),
    Setting(
        "local_gpu.launch_prefix",
        list[str],
        [],
        "Words put before the trainer's command, to limit or isolate it: `systemd-run --scope …`, "
        "`podman run …`. `{job_id}`, `{workspace}` and `{devices}` (GPU ids between commas) are "
        "filled in.",
    ),
    Setting(
        "local_gpu.pass_environment",
        list[str],
        [],
        "More variables of the server's environment that trainers may see; `*` stands for any "
        "letters. Nothing that is not on the built-in list or on this one reaches a trainer.",
    ),
    Setting(
        "local_gpu.nice",
        int,
        10,
        "How far trainers stand back for other processes of this machine.",
        unit="nice value",
        editable=True,
        minimum=0,
        maximum=19,
    ),
    Setting(
        "local_gpu.disk_warn_bytes",
        int,
        10 * GIB,
        "With less free space than this on the state folder's disk, health is degraded and "
        "submissions carry a warning.",
        unit="bytes",
        editable=True,
        minimum=0,
    ),
    Setting(
        "local_gpu.disk_block_bytes",
        int,
        1 * GIB,
        "With less free space than this on the state folder's disk, no job for this machine is "
        "admitted or started.",
        unit="bytes",
        editable=True,
        minimum=0,
    ),
]
