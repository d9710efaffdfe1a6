"""Which devices a job gets, and the sentences for those that must wait."""

from __future__ import annotations

import pytest
from st_local_gpu.allotment import Shortage, Wish, allot, impossible
from st_local_gpu.devices import Device, cpu_slots, kind_of, same_kind


def gpu(number: int, kind: str = "a100-80gb", trouble: str = "", is_mig: bool = False) -> Device:
    return Device(f"GPU-{number}", kind, kind, f"GPU {number}", 80 << 30, trouble, is_mig)


def ids(given: list[Device] | Shortage) -> list[str]:
    assert not isinstance(given, Shortage), given
    return [device.id for device in given]


def scope(given: list[Device] | Shortage) -> str:
    assert isinstance(given, Shortage)
    return given.scope


HAS = "it has 2 a100-80gb, 1 l40s, 2 cpu."
NO_CPU = "This machine runs no jobs without a GPU (local_gpu.cpu_slots is 0)."
MACHINE = [gpu(0), gpu(1), gpu(2, "l40s"), *cpu_slots(2)]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("NVIDIA A100-SXM4-80GB", "a100-80gb"),
        ("NVIDIA A100 80GB PCIe", "a100-80gb"),
        ("NVIDIA H100 80GB HBM3", "h100-80gb"),
        ("NVIDIA H200", "h200"),
        ("NVIDIA L40S", "l40s"),
        ("Tesla V100-SXM2-32GB", "v100-32gb"),
        ("NVIDIA GeForce RTX 4090", "rtx-4090"),
        ("NVIDIA GeForce RTX 4060 Laptop GPU", "rtx-4060-laptop"),
        ("NVIDIA RTX 6000 Ada Generation", "rtx-6000-ada"),
        ("NVIDIA A100-SXM4-40GB MIG 1g.5gb", "a100-40gb-mig-1g.5gb"),
        ("", "gpu"),
    ],
)
def test_kinds_are_named_as_people_ask_for_them(name: str, kind: str) -> None:
    assert kind_of(name) == kind


def test_a_kind_may_be_asked_for_with_gpu_before_it() -> None:
    assert same_kind("gpu-a100-80gb", "a100-80gb")
    assert same_kind("A100-80GB", "a100-80gb")
    assert not same_kind("a100", "a100-80gb")


def test_a_job_gets_what_it_names() -> None:
    assert ids(allot(Wish.of("l40s", 0), MACHINE, {})) == ["GPU-2"]
    assert ids(allot(Wish.of("gpu-a100-80gb", 2), MACHINE, {})) == ["GPU-0", "GPU-1"]


def test_a_job_that_names_nothing_gets_a_cpu_slot_or_any_gpu() -> None:
    assert ids(allot(Wish.of(None, 0), MACHINE, {})) == ["cpu-0"]
    assert ids(allot(Wish.of("cpu", 0), MACHINE, {"cpu-0": 1})) == ["cpu-1"]
    assert ids(allot(Wish.of(None, 1), MACHINE, {"GPU-0": 1, "GPU-1": 1})) == ["GPU-2"]


def test_any_gpu_takes_another_kind() -> None:
    taken = {"GPU-2": 7}
    assert isinstance(allot(Wish.of("l40s", 1), MACHINE, taken), Shortage)
    assert ids(allot(Wish.of("l40s", 1, any_gpu=True), MACHINE, taken)) == ["GPU-0"]


def test_devices_of_one_job_are_of_one_kind() -> None:
    short = allot(Wish.of(None, 2), MACHINE, {"GPU-0": 1})
    assert short == Shortage("No free group of 2 GPUs of one kind: 1 of 3 in use.", "alike", free=1)


def test_the_sentence_says_what_is_in_use_and_what_is_wrong() -> None:
    machine = [gpu(0), gpu(1, trouble="is busy with a process that is not ours (pid 9, user eve)")]
    assert allot(Wish.of("a100-80gb", 1), machine, {"GPU-0": 1}) == Shortage(
        "No free a100-80gb: 1 of 2 in use, 1 not given out: GPU 1 is busy with a process that is "
        "not ours (pid 9, user eve).",
        "provider",
    )


def test_the_scope_is_as_wide_as_the_shortage() -> None:
    """A hold for too many lets jobs behind it start; a hold for too few asks for each of them."""
    some_free = allot(Wish.of("a100-80gb", 2), MACHINE, {"GPU-0": 1})
    none_of_it = allot(Wish.of("l40s", 1), MACHINE, {"GPU-2": 1})
    nothing = allot(Wish.of(None, 0), MACHINE, {device.id: 1 for device in MACHINE})
    no_cpu = allot(Wish.of(None, 0), MACHINE, {"cpu-0": 1, "cpu-1": 1})
    assert scope(some_free) == "alike"
    assert scope(none_of_it) == "hardware"
    assert scope(nothing) == "provider"
    assert scope(no_cpu) == "alike"


def test_a_limit_on_gpus_counts_all_of_them() -> None:
    short = allot(Wish.of("l40s", 1), MACHINE, {"GPU-0": 1, "GPU-1": 1}, most_gpus=2)
    assert short == Shortage("2 of 2 GPUs in use (queue.local_gpu_max_concurrent).", "alike")
    assert ids(allot(Wish.of(None, 0), MACHINE, {"GPU-0": 1}, most_gpus=1)) == ["cpu-0"]


def test_parts_of_a_gpu_are_given_one_at_a_time() -> None:
    """CUDA sees a single MIG instance per process; a second one would lie idle."""
    machine = [gpu(0, "h200-mig-18gb", is_mig=True), gpu(1, "h200-mig-18gb", is_mig=True)]
    assert ids(allot(Wish.of("h200-mig-18gb", 1), machine, {})) == ["GPU-0"]
    assert impossible(Wish.of("h200-mig-18gb", 2), machine) is not None


@pytest.mark.parametrize(
    ("wish", "devices", "sentence"),
    [
        (Wish.of("h100", 1), MACHINE, f"This machine has no h100; {HAS}"),
        (Wish.of(None, 1), cpu_slots(2), "This machine has no GPU; it has 2 cpu."),
        (Wish.of("a100-80gb", 3), MACHINE, f"This machine has no 3 a100-80gb; {HAS}"),
        (Wish.of(None, 0), [gpu(0)], NO_CPU),
        (Wish.of(None, 0), MACHINE, None),
        (
            Wish.of("l40s", 5, any_gpu=True),
            MACHINE,
            f"This machine has no 5 GPUs of one kind; {HAS}",
        ),
    ],
)
def test_what_can_never_be_is_said_at_submission(
    wish: Wish, devices: list[Device], sentence: str | None
) -> None:
    assert impossible(wish, devices) == sentence
