"""The trainer's environment: an allow-list, the job's own variables, and the devices it may see."""

from __future__ import annotations

from pathlib import Path

from st_local_gpu import environment

from st_core.contracts import Launch, Order

SERVER = {
    "PATH": "/usr/bin",
    "HOME": "/home/x",
    "LC_ALL": "C",
    "HF_HOME": "/data/hf",
    "HF_TOKEN": "hf_secret",
    "HUGGING_FACE_HUB_TOKEN": "hf_secret",
    "CUDA_HOME": "/usr/local/cuda",
    "CUDA_VISIBLE_DEVICES": "3",
    "SIMPLETUNER_DATABASE_URL": "postgresql://u:p@db/x",
    "SMTP_PASSWORD": "x",
    "WANDB_MODE": "offline",
    "AWS_SECRET_ACCESS_KEY": "x",
}


def order(tmp_path: Path, **options: object) -> Order:
    given: dict[str, object] = {"launch": Launch(argv=("/bin/true",)), **options}
    return Order(
        key="abc-2",
        job_id=17,
        job_key="abc",
        attempt=2,
        workspace=tmp_path,
        trainer="t",
        config={},
        **given,  # type: ignore[arg-type]
    )


def test_only_what_is_on_the_list_passes_and_nothing_that_looks_secret() -> None:
    assert environment.allowed(SERVER) == {
        "PATH": "/usr/bin",
        "HOME": "/home/x",
        "LC_ALL": "C",
        "HF_HOME": "/data/hf",
        "CUDA_HOME": "/usr/local/cuda",
    }


def test_an_admin_can_let_more_pass() -> None:
    passed = environment.allowed(SERVER, ["WANDB_*", "HF_TOKEN"])
    assert passed["WANDB_MODE"] == "offline"
    assert passed["HF_TOKEN"] == "hf_secret"
    assert "SMTP_PASSWORD" not in passed


def test_a_job_sees_its_gpus_by_uuid_and_no_others(tmp_path: Path) -> None:
    given = order(tmp_path, devices=("GPU-a", "GPU-b"))
    built = environment.build(SERVER, [], given, "/control", {})
    assert built["CUDA_VISIBLE_DEVICES"] == "GPU-a,GPU-b"
    assert built["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    assert built["TRAINER_GPU_COUNT"] == "2"


def test_a_cpu_job_sees_no_gpu(tmp_path: Path) -> None:
    built = environment.build(SERVER, [], order(tmp_path, devices=("cpu-0",)), "/control", {})
    assert (built["CUDA_VISIBLE_DEVICES"], built["TRAINER_GPU_COUNT"]) == ("", "0")


def test_a_job_is_told_where_to_write_and_who_it_is(tmp_path: Path) -> None:
    built = environment.build(SERVER, [], order(tmp_path, resume_from="c/5"), "/control", {})
    assert built["TRAINER_EVENTS"] == str(tmp_path / "metrics.jsonl")
    assert built["TRAINER_CONTROL"] == "/control"
    assert (built["TRAINER_JOB_ID"], built["TRAINER_RESUME_FROM"]) == ("17", "c/5")
    assert built["ST_JOB_KEY"] == "abc-2"
    assert built["MASTER_PORT"].isdecimal()


def test_a_launch_overrides_what_it_is_told_but_not_its_devices_or_its_mark(tmp_path: Path) -> None:
    wants = {"TRAINER_CONTROL": "/mine", "CUDA_VISIBLE_DEVICES": "0", "ST_JOB_KEY": "forged"}
    given = order(tmp_path, launch=Launch(argv=("/bin/true",), env=wants), devices=("GPU-a",))
    built = environment.build(SERVER, [], given, "/control", {"HF_TOKEN": "granted"})
    assert built["TRAINER_CONTROL"] == "/mine"
    assert built["CUDA_VISIBLE_DEVICES"] == "GPU-a"
    assert built["ST_JOB_KEY"] == "abc-2"
    assert built["HF_TOKEN"] == "granted"
