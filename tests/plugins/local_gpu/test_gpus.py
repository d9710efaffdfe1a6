"""The GPU inventory: the real nvidia-ml-py against a stand-in for the driver's library."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence, Set

import psutil
import pynvml
import pytest
from st_local_gpu.devices import Device
from st_local_gpu.gpus import Nvml
from st_local_gpu.inventory import Watch, devices
from st_local_gpu.shepherd.kin import MARK

from tests.plugins.local_gpu.bench import until
from tests.plugins.local_gpu.nvml import Inventory, card

BUSY_BYTES = 512 << 20
PARENT = """
import subprocess, sys, time
child = [sys.executable, "-c", "import time; time.sleep(99)"]
subprocess.Popen(child, env={})
time.sleep(99)
"""


def given_out(
    watch: Watch, own_keys: Set[str] = frozenset(), offered: Sequence[str] = ()
) -> list[Device]:
    """Return the devices of a fresh look, without CPU slots."""
    return devices(watch.look(set(own_keys)), offered, BUSY_BYTES, 0)


@pytest.fixture
def watch(gpus: Inventory) -> Watch:
    """A watch of its own on the inventory of the test."""
    return Watch()


def test_a_gpu_is_read_with_all_that_its_driver_tells(gpus: Inventory) -> None:
    gpus.show(card(0, used=1024, throttle="48", processes="4242:900,4243:124"))
    reading = Nvml().read()
    (gpu,) = reading.gpus
    assert reading.driver == "570.00.fake"
    assert (gpu.uuid, gpu.index, gpu.name) == ("GPU-0", 0, "NVIDIA A100-SXM4-80GB")
    assert gpu.figures == {
        "utilization_percent": 37.0,
        "memory_used_bytes": 1024 << 20,
        "memory_total_bytes": 81920 << 20,
        "temperature_celsius": 41,
        "power_watts": 120.0,
    }
    assert gpu.slowdowns == ("hardware slowdown", "too warm (hardware limit)")
    assert gpu.processes == ((4242, 900 << 20), (4243, 124 << 20))
    assert (gpu.bus_id, gpu.compute_capability) == ("00000000:01:00.0", "9.0")


def test_what_a_card_does_not_tell_is_unknown_and_never_zero(gpus: Inventory) -> None:
    gpus.show("NVIDIA GeForce GTX 1050|GPU-0|4096|-|-|-|-|ok|77:-||-")
    (gpu,) = Nvml().read().gpus
    assert set(gpu.figures.values()) == {None}
    assert (gpu.power_limit_watts, gpu.uncorrected_errors, gpu.slowdowns) == (None, None, ())
    assert gpu.processes == ((77, None),)


def test_the_inventory_changes_while_the_server_runs(gpus: Inventory, watch: Watch) -> None:
    gpus.show(card(0))
    assert len(given_out(watch)) == 1
    gpus.show(card(0), card(1))
    assert [device.id for device in given_out(watch)] == ["GPU-0", "GPU-1"]


def test_a_gpu_in_use_by_others_is_shown_and_not_given_out(gpus: Inventory, watch: Watch) -> None:
    gpus.show(card(0, used=2048, processes=f"{os.getpid()}:2000"), card(1))
    busy, free = given_out(watch)
    assert f"is busy with a process that is not ours (pid {os.getpid()}, user " in busy.trouble
    assert free.trouble == ""


def test_a_little_memory_of_others_does_not_make_a_gpu_busy(gpus: Inventory, watch: Watch) -> None:
    gpus.show(card(0, used=300, processes=f"{os.getpid()}:300"))
    assert given_out(watch)[0].trouble == ""


def test_a_process_of_unknown_memory_counts_as_all_that_is_in_use(
    gpus: Inventory, watch: Watch
) -> None:
    gpus.show(card(0, used=2048, processes=f"{os.getpid()}:-"))
    assert given_out(watch)[0].trouble.startswith("is busy")


def test_our_own_trainings_and_their_children_are_not_others(gpus: Inventory, watch: Watch) -> None:
    trainer = subprocess.Popen([sys.executable, "-c", PARENT], env={MARK: "job-1"})
    try:
        (child,) = until(lambda: psutil.Process(trainer.pid).children())
        gpus.show(card(0, used=4096, processes=f"{trainer.pid}:2000,{child.pid}:2000"))
        assert given_out(watch, {"job-1"})[0].trouble == ""
        assert given_out(watch, {"job-2"})[0].trouble.startswith("is busy")
        child.kill()
    finally:
        trainer.kill()
        trainer.wait()


def test_a_lost_gpu_keeps_its_name_and_is_not_given_out(gpus: Inventory, watch: Watch) -> None:
    gpus.show(card(0), card(1))
    given_out(watch)
    gpus.show(card(0), card(1, state="lost"))
    fine, lost = given_out(watch)
    assert (fine.trouble, lost.id, lost.kind) == ("", "GPU-1", "a100-80gb")
    assert "does not answer any more" in lost.trouble
    gpus.show(card(0), card(1))
    assert given_out(watch)[1].trouble == ""


def test_a_gpu_that_was_never_seen_well_is_still_shown(gpus: Inventory, watch: Watch) -> None:
    gpus.show(card(0, state="lost"))
    assert [device.id for device in given_out(watch)] == ["unknown-0"]


def test_a_gpu_in_mig_mode_is_given_out_in_parts(gpus: Inventory, watch: Watch) -> None:
    gpus.show(card(0, parts="MIG-a:18432,MIG-b:18432:4242"), card(1))
    parts = given_out(watch)
    assert [(part.id, part.kind, part.label) for part in parts] == [
        ("MIG-a", "a100-80gb-mig-18gb", "GPU 0, part 0"),
        ("MIG-b", "a100-80gb-mig-18gb", "GPU 0, part 1"),
        ("GPU-1", "a100-80gb", "GPU 1"),
    ]
    assert [part.is_mig for part in parts] == [True, True, False]


def test_only_the_offered_gpus_are_given_out(gpus: Inventory, watch: Watch) -> None:
    gpus.show(card(0), card(1), card(2, parts="MIG-a:18432"))
    assert [device.id for device in given_out(watch, offered=("1",))] == ["GPU-1"]
    assert [device.id for device in given_out(watch, offered=("GPU-0",))] == ["GPU-0"]
    assert [device.id for device in given_out(watch, offered=("GPU-2",))] == ["MIG-a"]


def test_a_driver_that_is_not_loaded_is_no_gpu_and_no_problem(
    gpus: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_NVML", "/no/such/file")
    reading = Nvml().read()
    assert (reading.gpus, reading.problem) == ((), None)


def test_a_driver_that_fails_is_a_problem_with_words(gpus: Inventory) -> None:
    gpus.show("!init 999")
    library = Nvml()
    reading = library.read()
    assert reading.gpus == ()
    assert reading.problem is not None
    assert "nvidia-smi" in reading.problem
    gpus.show(card(0))
    assert len(library.read().gpus) == 1


def test_a_machine_without_the_library_has_no_gpus() -> None:
    """In a process of its own, because this one may have the stand-in loaded."""
    script = "from st_local_gpu.gpus import Nvml; r = Nvml().read(); print(r.gpus, r.problem)"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "() None\n"


def test_a_driver_that_was_reloaded_is_opened_again(gpus: Inventory, watch: Watch) -> None:
    gpus.show(card(0))
    assert len(given_out(watch)) == 1
    pynvml.nvmlShutdown()  # what a reload looks like from here: every call says Uninitialized
    watch.look(set())
    assert len(given_out(watch)) == 1
