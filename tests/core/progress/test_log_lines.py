"""Bars and dicts in logs, with the bytes that real trainers wrote."""

from __future__ import annotations

import re

import pytest

from st_core.progress.log_lines import LogLines
from st_core.progress.readings import Reading

SIMPLETUNER = "Epoch 1/2, Steps:  12%|█▎        | 1/8 [00:06<00:47,  6.81s/it]\x1b[0m"
SIMPLETUNER_LATER = (
    "Epoch 2/2, Steps:  62%|██████▎   | 5/8 [00:09<00:03,  1.10s/it, lr=0.001, step_loss=1.15]"
)
KOHYA = "steps:  12%|█▎        | 200/1600 [01:40<11:40,  2.00it/s, avr_loss=0.0912]"
DIFFUSERS = "Steps:   1%|▏         | 5/500 [00:10<16:40,  2.02s/it, loss=0.102, lr=0.0001]"
HF_BAR = " 25%|██▌       | 3/12 [00:01<00:04,  1.81it/s]"
HF_5 = "{'loss': '4.17', 'grad_norm': '1.079', 'learning_rate': '4.583e-05', 'epoch': '0.25'}"
HF_4 = "{'loss': 4.17, 'grad_norm': 1.079, 'learning_rate': 4.583e-05, 'epoch': 0.25}"


def readings(*lines: str, parser: LogLines | None = None) -> list[Reading]:
    parser = parser or LogLines()
    return [reading for line in lines if (reading := parser(line)) is not None]


def test_simpletuners_bar_tells_step_epoch_pace_and_loss() -> None:
    first, later = readings(SIMPLETUNER, SIMPLETUNER_LATER)
    assert (first.step, first.total, first.epoch, first.epochs) == (1, 8, 1, 2)
    assert first.eta_seconds == 47
    assert first.metrics == pytest.approx({"steps_per_second": 1 / 6.81}, rel=1e-4)
    assert (later.step, later.epoch) == (5, 2)
    assert later.metrics["loss"] == 1.15
    assert later.metrics["learning_rate"] == 0.001


def test_kohyas_bar_tells_its_average_loss_as_loss() -> None:
    (reading,) = readings(KOHYA)
    assert (reading.step, reading.total, reading.eta_seconds) == (200, 1600, 700)
    assert reading.metrics == {"steps_per_second": 2.0, "loss": 0.0912}


def test_diffusers_bar_tells_loss_and_learning_rate() -> None:
    (reading,) = readings(DIFFUSERS)
    assert (reading.step, reading.total) == (5, 500)
    assert reading.metrics["loss"] == 0.102
    assert reading.metrics["learning_rate"] == 0.0001


@pytest.mark.parametrize("line", [HF_4, HF_5])
def test_dict_lines_are_read_with_numbers_and_with_strings(line: str) -> None:
    (reading,) = readings(line)
    assert reading.metrics == {"loss": 4.17, "grad_norm": 1.079, "learning_rate": 4.583e-05}
    assert reading.epoch == 0.25


def test_a_dict_line_belongs_to_the_step_of_the_bar_drawn_right_after_it() -> None:
    found = readings(HF_BAR, HF_5, " 33%|███▎      | 4/12 [00:02<00:04,  1.81it/s]")
    assert found[1].step is None
    assert (found[2].step, found[2].metrics["loss"]) == (4, 4.17)


def test_a_dict_behind_a_bar_on_the_same_line_is_read_too() -> None:
    (reading,) = readings(HF_BAR + HF_4)
    assert (reading.step, reading.metrics["loss"]) == (3, 4.17)


def test_the_summary_of_a_run_is_no_point_of_its_curve() -> None:
    summary = (
        "{'train_runtime': 61.2, 'train_loss': 2.5, 'train_steps_per_second': 9.1, 'epoch': 2}"
    )
    assert all("loss" not in reading.metrics for reading in readings(summary))


def test_a_loss_that_is_not_a_number_is_left_out_and_the_rest_is_kept() -> None:
    (reading,) = readings("{'loss': nan, 'learning_rate': 1e-05, 'epoch': 1.0}")
    assert reading.metrics == {"learning_rate": 1e-05}


@pytest.mark.parametrize(
    "line",
    [
        "Loading tokenizer 1: CLIPTokenizer with args: {'subfolder': 'tokenizer', 'size': 1}",
        "Optimizer arguments={'lr': 0.001, 'betas': (0.9, 0.999), 'weight_decay': 0.01}",
        "Statistics: {'total_processed': 0, 'skipped': {'already_exists': 8, 'too_small': 0}}",
        "{'__import__': 'os'}",
        "{'loss': open('/etc/passwd')}",
    ],
)
def test_other_dicts_in_a_log_are_no_metrics(line: str) -> None:
    assert readings(line) == []


@pytest.mark.parametrize(
    ("line", "stage"),
    [
        (
            "Loading checkpoint shards:  50%|█████     | 1/2 [00:03<00:03,  3.10s/it]",
            "Loading checkpoint shards 50 %",
        ),
        ("Map: 100%|██████████| 1797/1797 [00:00<00:00, 9541.22 examples/s]", "Map 100 %"),
        (
            "Downloading: 35%|███▌ | 1.2G/3.4G [00:30<00:55, 40.1MB/s]",
            "Downloading 35 %",
        ),
        ("caching latents:  10%|█ | 5/50 [00:01<00:09,  5.00it/s]", "caching latents 10 %"),
    ],
)
def test_bars_that_are_not_training_become_a_stage(line: str, stage: str) -> None:
    (reading,) = readings(line)
    assert (reading.stage, reading.step, reading.metrics) == (stage, None, {})


def test_a_nameless_bar_before_the_training_does_not_hide_it() -> None:
    found = readings(
        "100%|██████████| 5000/5000 [00:05<00:00, 1000.0it/s]",
        "steps:   1%|          | 1/1600 [00:01<10:40,  2.00it/s, avr_loss=0.2]",
        "100%|██████████| 9000/9000 [00:05<00:00, 1000.0it/s]",
    )
    assert [(reading.step, reading.total) for reading in found] == [(5000, 5000), (1, 1600)]


def test_an_evaluation_after_the_training_does_not_take_its_place() -> None:
    found = readings(
        "  8%|▊         | 1/12 [00:01<00:11,  1.00it/s]",
        HF_4,
        "100%|██████████| 12/12 [00:12<00:00,  1.00it/s]",
        "100%|██████████| 4/4 [00:01<00:00,  4.00it/s]",
    )
    assert [reading.step for reading in found] == [1, None, 12]


def test_a_bar_at_zero_announces_its_total_but_no_step() -> None:
    (reading,) = readings("  0%|          | 0/12 [00:00<?, ?it/s]")
    assert (reading.step, reading.total, reading.metrics) == (None, 12, {})


def test_bars_per_epoch_are_counted_through() -> None:
    found = readings(
        "Epoch 0:  50%|█████     | 50/100 [00:10<00:10,  5.00it/s, loss=0.5]",
        "Epoch 1:  10%|█         | 10/100 [00:02<00:18,  5.00it/s, loss=0.4]",
    )
    assert [reading.step for reading in found] == [50, 110]
    assert [reading.eta_seconds for reading in found] == [None, None]
    (reading,) = readings("Epoch 2/3:  10%|█  | 10/100 [00:02<00:18,  5.00it/s]")
    assert (reading.step, reading.total) == (110, 300)


def test_a_profile_can_say_which_bar_is_the_training() -> None:
    parser = LogLines(training_bar="^sampling$")
    found = readings(KOHYA, "sampling:  10%|█ | 2/20 [00:01<00:09,  2.00it/s]", parser=parser)
    assert [reading.step for reading in found] == [None, 2]


def test_patterns_of_a_profile_name_steps_metrics_stages_and_checkpoints() -> None:
    parser = LogLines(
        patterns=[
            r"iter (?P<step>\d+)/(?P<total>\d+) loss (?P<train_loss>[\d.]+) ppl (?P<ppl>[\d.]+)",
            r"^phase: (?P<stage>.+)$",
            r"wrote (?P<checkpoint>\S+\.pt)",
        ],
        aliases={"ppl": "perplexity"},
    )
    found = readings(
        "phase: warming up",
        "iter 10/200 loss 3.25 ppl 25.8",
        "wrote out/model-10.pt",
        parser=parser,
    )
    assert found[0].stage == "warming up"
    assert (found[1].step, found[1].total) == (10, 200)
    assert found[1].metrics == {"loss": 3.25, "perplexity": 25.8}
    assert (found[2].event, found[2].path, found[2].step) == ("checkpoint", "out/model-10.pt", 10)


def test_a_pattern_that_is_no_regular_expression_is_refused() -> None:
    with pytest.raises(re.error):
        LogLines(patterns=["("])


def test_a_line_of_a_megabyte_is_read_at_once() -> None:
    noise = "50%|" * 16_000 + "x" * 1000
    assert readings(noise) == []
