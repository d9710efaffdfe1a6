"""Devices that jobs are given: GPUs, MIG instances and CPU slots, and how their kinds are named.

A *kind* is what a submitter asks for (`a100-80gb`, `rtx-4090`, `cpu`); devices of one kind are
interchangeable.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

CPU = "cpu"
#: Maker, product line and form factor say nothing that two cards of one kind differ in.
NOISE = re.compile(
    r"\b(nvidia|geforce|tesla|quadro|generation|graphics|gpu|sxm\d?|pcie?|hbm\d\w?)\b"
)


@dataclass(frozen=True)
class Device:
    """One thing that one job at a time may have. `trouble` says why it is not given out, empty when
    it may be.
    """

    id: str
    kind: str
    name: str
    label: str
    memory_bytes: int | None = None
    trouble: str = ""
    is_mig: bool = False

    @property
    def is_gpu(self) -> bool:
        """Tell whether this is a GPU or a part of one."""
        return self.kind != CPU


def kind_of(name: str) -> str:
    """Return the kind for a GPU's name as its driver tells it: `NVIDIA A100-SXM4-80GB` is
    `a100-80gb`.
    """
    words = re.sub(r"[^a-z0-9.]+", " ", name.lower())
    words = re.sub(r"(\d+) gb\b", r"\1gb", NOISE.sub(" ", words))
    return "-".join(words.split()) or "gpu"


def cpu_slots(count: int) -> list[Device]:
    """Return `count` CPU slots."""
    return [Device(f"cpu-{n}", CPU, "CPU slot", f"CPU {n}") for n in range(count)]


def same_kind(asked: str, kind: str) -> bool:
    """Tell whether `asked` names this kind; `gpu-a100-80gb` and `a100-80gb` are the same (guide
    section 8).
    """
    return asked.lower().removeprefix("gpu-") == kind
