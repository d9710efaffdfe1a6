"""What every trainer promises: subclass `TrainerContract` in three lines.

    class TestContract(TrainerContract):
        plugin = trainer = "tiny_trainer"
        config = {"steps": 20}

`runs = True` also runs the launch as a process, for trainers that need nothing but this machine.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

import pytest
from flask import Flask

from ..contracts import Launch, Problem, Trainer
from ..progress.readings import Reading

#: Lines no parser may stumble over: torn, foreign, huge, of the wrong type.
NASTY_LINES = (
    "",
    " ",
    "{",
    "{}",
    "[]",
    "null",
    '{"v": 1',
    '{"v": 1, "type": "progress", "step": "many"}',
    '{"v": 1, "type": "progress", "metrics": {"loss": {}}}',
    "{'loss': nan}",
    "steps:  12%|█▎        | 200/1600 [01:40<??, 2.00it/s, avr_loss=",
    "\x1b[0m\x00\ufffd",
    "9" * 10_000,
)
NONSENSE: tuple[dict[str, Any], ...] = (
    {"steps": []},
    {"": None},
    {"a": {"b": {"c": float("nan")}}},
)
RUN_SECONDS = 300


class TrainerContract:
    """Tests of one trainer's promises (`st_core.contracts.Trainer`)."""

    plugin: ClassVar[str]
    trainer: ClassVar[str]
    #: A config that is valid as it stands; `wrong` has a mistake at the field `wrong_path`.
    config: ClassVar[Mapping[str, Any]]
    wrong: ClassVar[Mapping[str, Any] | None] = None
    wrong_path: ClassVar[str] = ""
    runs: ClassVar[bool] = False

    @pytest.fixture
    def app(self, make_app: Any) -> Iterator[Flask]:
        """The server with this plugin alone, in an application context."""
        app = make_app(plugins=[self.plugin])
        with app.app_context():
            yield app

    @pytest.fixture
    def it(self, app: Flask) -> Trainer:
        """The trainer under test."""
        found: Trainer = app.extensions["st"].trainers[self.trainer]
        return found

    @pytest.fixture
    def workspace(self, tmp_path: Path) -> Path:
        """An empty workspace."""
        folder = tmp_path / "workspace"
        folder.mkdir()
        return folder

    @pytest.fixture
    def filled(self, it: Trainer) -> dict[str, Any]:
        """The valid config with its defaults."""
        filled, problems = it.validate(self.config)
        assert problems == []
        return filled

    def test_it_says_who_it_is(self, it: Trainer) -> None:
        assert isinstance(it, Trainer)
        assert it.name == self.trainer
        assert it.title

    def test_every_field_of_its_schema_is_explained(self, it: Trainer) -> None:
        if it.schema is not None:
            mute = [n for n, each in it.schema.model_fields.items() if not each.description]
            assert mute == [], f"fields without a description: {mute}"

    def test_filling_in_defaults_twice_changes_nothing(
        self, it: Trainer, filled: dict[str, Any]
    ) -> None:
        assert it.validate(filled) == (filled, [])

    def test_validating_leaves_the_given_config_alone(self, it: Trainer) -> None:
        given = copy.deepcopy(dict(self.config))
        it.validate(given)
        assert given == self.config

    def test_a_filled_config_can_be_stored_as_json(self, filled: dict[str, Any]) -> None:
        assert json.loads(json.dumps(filled)) == filled

    def test_a_mistake_is_named_at_its_field(self, it: Trainer) -> None:
        wrong = self.wrong if self.wrong is not None else {**self.config, "no_such_field": 1}
        path = self.wrong_path if self.wrong is not None else "no_such_field"
        _, problems = it.validate(wrong)
        assert problems
        assert all(isinstance(each, Problem) and each.message for each in problems)
        assert path in [each.path for each in problems]

    def test_configs_of_nonsense_are_refused_without_an_exception(self, it: Trainer) -> None:
        for nonsense in NONSENSE:
            it.validate(nonsense)

    def test_the_length_is_a_positive_number_or_unknown(
        self, it: Trainer, filled: dict[str, Any]
    ) -> None:
        length = it.length(filled)
        assert length is None or length > 0

    def test_making_a_launch_does_nothing(
        self, it: Trainer, filled: dict[str, Any], workspace: Path
    ) -> None:
        first, second = it.launch(filled, workspace), it.launch(filled, workspace)
        assert first == second
        assert list(workspace.iterdir()) == []

    def test_a_launch_can_be_carried_out(
        self, it: Trainer, filled: dict[str, Any], workspace: Path
    ) -> None:
        for launch in (
            it.launch(filled, workspace),
            it.resume(filled, workspace, "checkpoints/x"),
        ):
            _check_launch(launch)

    def test_a_resume_names_its_checkpoint(
        self, it: Trainer, filled: dict[str, Any], workspace: Path
    ) -> None:
        launch = it.resume(filled, workspace, "checkpoints/the-one")
        told = json.dumps([launch.argv, dict(launch.env), dict(launch.files)])
        assert "the-one" in told

    def test_its_sources_lie_in_the_workspace(
        self, it: Trainer, filled: dict[str, Any], workspace: Path
    ) -> None:
        sources = it.sources(filled, workspace)
        assert sources
        for source in sources:
            _check_path(source.path)
            assert (source.parse is None) != (source.follow is None)

    def test_no_line_makes_a_source_stumble(
        self, it: Trainer, filled: dict[str, Any], workspace: Path
    ) -> None:
        for source in it.sources(filled, workspace):
            for line in NASTY_LINES if source.parse else ():
                reading = source.parse(line) if source.parse else None
                assert reading is None or isinstance(reading, Reading)

    def test_an_empty_workspace_holds_nothing_and_is_no_success(
        self, it: Trainer, filled: dict[str, Any], workspace: Path
    ) -> None:
        assert list(it.checkpoints(workspace)) == []
        assert list(it.samples(workspace)) == []
        for exit_code in (0, 1, None):
            completed, why = it.outcome(filled, workspace, exit_code)
            assert not completed, "exit code 0 alone is no evidence of completion"
            assert why

    def test_a_real_run_leaves_what_it_promises(
        self, it: Trainer, filled: dict[str, Any], workspace: Path
    ) -> None:
        if not self.runs:
            return
        code = _run(it.launch(filled, workspace), workspace)
        output = (workspace / "log").read_text(errors="replace")[-2000:]
        assert it.outcome(filled, workspace, code) == (True, ""), output
        found = it.checkpoints(workspace)
        assert found
        assert [each.step for each in found] == sorted(each.step for each in found)
        files = [(each.path, each.size_bytes) for each in found]
        files += [(each.path, each.size_bytes) for each in it.samples(workspace)]
        for path, size_bytes in files:
            assert (workspace / path).exists()
            assert size_bytes > 0


def _check_launch(launch: Launch) -> None:
    assert launch.argv
    assert all(isinstance(word, str) for word in launch.argv)
    assert os.path.isabs(launch.argv[0]), f"argv[0] must be an absolute path: {launch.argv[0]}"
    assert launch.gpus >= 0
    assert launch.grace_seconds > 0
    for name, text in launch.files.items():
        _check_path(name)
        assert isinstance(text, str)
    for step in (*launch.soft_stop, *launch.checkpoint):
        told = [step.write, step.signal, step.wait_for]
        assert any(each is not None for each in told) or step.seconds > 0
        if step.write is not None:
            _check_path(step.write[0])


def _check_path(path: str) -> None:
    pure = PurePosixPath(path)
    assert not pure.is_absolute(), f"{path} must be relative to the workspace"
    assert ".." not in pure.parts, f"{path} leaves the workspace"


def _run(launch: Launch, workspace: Path) -> int:
    """Run a launch in the foreground, as a provider would, and return its exit code."""
    for name, text in launch.files.items():
        path = workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    control = workspace / "run" / "1" / "control"
    control.mkdir(parents=True)
    told = {
        "TRAINER_EVENTS": str(workspace / "metrics.jsonl"),
        "TRAINER_CONTROL": str(control),
        "TRAINER_OUTPUT_DIR": str(workspace),
    }
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    with (workspace / "log").open("wb") as log:
        done = subprocess.run(
            launch.argv,
            cwd=workspace,
            env={**kept, **told, **launch.env},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            timeout=RUN_SECONDS,
            check=False,
        )
    return done.returncode
