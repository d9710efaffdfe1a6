"""The environment of a trainer: built from an allow-list, never the server's own with things taken
out.

The server's environment holds database URLs, mail passwords and signing keys, and some trainers
copy variables into their configs and logs. A variable reaches a trainer when its name is on the
list below or in the setting `local_gpu.pass_environment`, and does not look like a secret.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from st_core.contracts import Order

from .shepherd.kin import MARK

ALLOWED = (
    *(
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "LANGUAGE",
        "LC_*",
        "TZ",
        "TMPDIR",
        "XDG_*",
    ),
    *(
        "LD_LIBRARY_PATH",
        "CUDA_*",
        "NCCL_*",
        "NVIDIA_*",
        "GLOO_*",
        "TORCH_*",
        "PYTORCH_*",
        "TRITON_*",
    ),
    *("OMP_*", "MKL_*", "OPENBLAS_*", "NUMEXPR_*", "VECLIB_*"),
    *("HF_*", "HUGGINGFACE_*", "TRANSFORMERS_*", "DIFFUSERS_*"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"),
    *("http_proxy", "https_proxy", "no_proxy", "all_proxy"),
)
SECRET = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|API_?KEY|PRIVATE", re.IGNORECASE)
#: Decided per job, whatever the server's own are.
OURS = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "NVIDIA_VISIBLE_DEVICES")


def allowed(server: Mapping[str, str], extra: Sequence[str] = ()) -> dict[str, str]:
    """Return what of the server's environment a trainer may see. `extra` names are let through even
    if they look secret.
    """
    return {
        name: value
        for name, value in server.items()
        if name not in OURS
        and (_matches(name, extra) or (_matches(name, ALLOWED) and not SECRET.search(name)))
    }


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def for_devices(devices: Sequence[str]) -> dict[str, str]:
    """Return what makes CUDA see exactly these GPUs, by UUID; a CPU job sees none."""
    gpus = [device for device in devices if not device.startswith("cpu-")]
    return {"CUDA_VISIBLE_DEVICES": ",".join(gpus), "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}


def for_job(order: Order, control: str) -> dict[str, str]:
    """Return what the trainer is told about its job; the words of the progress protocol begin with
    TRAINER_.
    """
    told = {
        "TRAINER_JOB_ID": str(order.job_id),
        "TRAINER_ATTEMPT": str(order.attempt),
        "TRAINER_OUTPUT_DIR": str(order.workspace),
        "TRAINER_EVENTS": str(order.workspace / "metrics.jsonl"),
        "TRAINER_CONTROL": control,
        "TRAINER_GPU_COUNT": str(sum(not device.startswith("cpu-") for device in order.devices)),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
        "PYTHONUNBUFFERED": "1",
    }
    if order.resume_from:
        told["TRAINER_RESUME_FROM"] = order.resume_from
    return told


def free_port() -> int:
    """Return a port that is free now, for the processes of one job to meet: two jobs on one port
    would join up.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def build(
    server: Mapping[str, str],
    extra: Sequence[str],
    order: Order,
    control: str,
    granted: Mapping[str, str],
) -> dict[str, str]:
    """Return the whole environment of one attempt. Later wins: server, job, launch, granted
    secrets, devices, mark.
    """
    return {
        **allowed(server, extra),
        **for_job(order, control),
        **order.launch.env,
        **granted,
        **for_devices(order.devices),
        MARK: order.key,
    }
