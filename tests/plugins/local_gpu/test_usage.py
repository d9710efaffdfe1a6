"""What a run uses: measured from outside, kept in a bounded file in its workspace."""

from __future__ import annotations

import json
from pathlib import Path

from st_local_gpu import usage
from st_local_gpu.inventory import Sample, Watch
from st_local_gpu.runs import Run

from tests.plugins.local_gpu.bench import Bench, ended, stop, until
from tests.plugins.local_gpu.nvml import Inventory, card


def line(at: float, **gpu: float | None) -> dict[str, object]:
    """Return a sample with one GPU."""
    figures = dict.fromkeys(usage.FIGURES) | {"index": 0} | gpu
    return {
        "at": at,
        "processes": 1,
        "cpu_percent": 50.0,
        "memory_bytes": 1000 + int(at),
        "gpus": [figures],
    }


def test_memory_and_cpu_of_all_processes_are_measured(bench: Bench) -> None:
    run = bench.running(bench.order("elastic", 2))
    until(lambda: len(list(run.workspace.glob("worker-*"))) == 2)
    first = usage.sample(run, ["cpu-0"], Sample())
    second = usage.sample(run, ["cpu-0"], Sample())
    assert first is not None
    assert second is not None
    assert (first["processes"], first["cpu_percent"], first["gpus"]) == (3, None, [])
    assert first["memory_bytes"] > 3_000_000
    assert second["cpu_percent"] >= 0
    stop(run)
    assert usage.sample(run, ["cpu-0"], Sample()) is None
    assert [each["processes"] for each in usage.series(run)] == [3, 3]


def test_the_gpus_a_job_has_are_measured_and_no_others(bench: Bench, gpus: Inventory) -> None:
    gpus.show(card(0, used=1024, util=97), card(1))
    run = bench.running(bench.order("counts", 1000, 0.05))
    usage.sample(run, ["GPU-0"], Watch().look(set()))
    (only,) = usage.series(run)[0]["gpus"]
    assert (only["index"], only["utilization_percent"]) == (0, 97.0)
    assert usage.lately(run)["gpu_percent"] == 97.0
    assert usage.lately(run)["gpu_memory_bytes"] == 1024 << 20
    stop(run)


def test_the_file_is_bounded_and_keeps_the_whole_span(tmp_path: Path) -> None:
    path = tmp_path / usage.FILE
    for at in range(8000):
        usage.append(path, line(float(at)))
    assert path.stat().st_size <= usage.MOST_BYTES + 1000
    moments = [json.loads(text)["at"] for text in path.read_text().splitlines()]
    assert moments == sorted(moments)
    assert (moments[0], moments[-1]) == (0.0, 7999.0)


def test_figures_nobody_told_are_left_out(tmp_path: Path) -> None:
    run = Run(tmp_path, "k-1")
    run.make()
    for at in range(3):
        usage.append(run.folder / usage.FILE, line(float(at), temperature_celsius=60.0 + at))
    told = usage.lately(run)
    assert told["gpu_temperature_celsius"] == 62.0
    assert "gpu_percent" not in told
    assert told["history"]["memory_bytes"] == [1000, 1001, 1002]
    assert told["memory_total_bytes"] > 1 << 28


def test_a_torn_line_and_no_file_are_nothing(tmp_path: Path) -> None:
    run = Run(tmp_path, "k-1")
    assert (usage.series(run), usage.lately(run)) == ([], {})
    run.make()
    (run.folder / usage.FILE).write_text(json.dumps(line(1.0)) + '\n{"at": 2.0, "gp')
    assert [each["at"] for each in usage.series(run)] == [1.0]
    assert usage.lately(run)["cpu_percent"] == 50.0


def test_a_run_that_ended_has_no_members_to_measure(bench: Bench) -> None:
    run = bench.start(bench.order("counts", 1, 0))
    ended(run)
    assert usage.sample(run, [], Sample()) is None
    assert not (run.folder / usage.FILE).exists()
