"""One run from its beginning or last checkpoint to its end, doing what it is asked on the way."""

from __future__ import annotations

import math
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import checkpoints, environment, flow, rounds
from .config import Config
from .control import CHECKPOINT, SAMPLE, STOP, Control
from .data import Dataset
from .events import Events, say
from .progress import Reporter
from .state import State


class LossIsLost(Exception):
    """The loss is no number any more; the text says what to change. Exit code 1."""


class StopAsked(Exception):
    """Somebody asked the run to save and end."""


class Run:
    """A config in training. `out` is the folder that its checkpoints and samples go to.

    `earlier_seconds` is how long earlier processes trained up to the checkpoint this one goes on
    from.
    """

    def __init__(
        self,
        config: Config,
        dataset: Dataset,
        state: State,
        out: Path,
        events: Events,
        control: Control,
        earlier_seconds: float = 0.0,
    ) -> None:
        self.config, self.dataset, self.state, self.out = config, dataset, state, out
        self.events, self.control = events, control
        self._began = time.monotonic() - earlier_seconds

    def train(self) -> int:
        """Train to the last step; return 0 when it got there, 143 or 130 when it was stopped.

        Raises LossIsLost when the loss is no number any more.
        """
        checkpoints.tidy(self.out, self.config.keep_checkpoints)
        self._status("running")
        try:
            self._go()
        except StopAsked:
            return self._stop()
        self._status("completed", seconds=round(self._seconds, 1))
        say(f"finished: {self.state.step} steps in {self._seconds:.1f} s")
        return 0

    def _go(self) -> None:
        """Take all steps that are left. A round that a stop has cut short is drawn first."""
        if rounds.due(self.config, self.state.step) and not self._round_is_drawn:
            self._sample()
        pictures = len(self.dataset.labels)
        reporter = Reporter(self.config, pictures, self.events, self.state.step)
        while self.state.step < self.config.steps:
            self._heed_stop()
            self._heed_wishes()
            self._advance(reporter)

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._began

    @property
    def _round_is_drawn(self) -> bool:
        return (self.out / rounds.grid_path(self.state.step)).exists()

    def _advance(self, reporter: Reporter) -> None:
        """Take one step, and do what belongs to its number."""
        state, step = self.state, self.state.step + 1
        loss = flow.learn(state.network, flow.draw_batch(self.config, self.dataset, step))
        norm = state.adam.step(self.config, step, state.network.gradients)
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise LossIsLost(
                f"the loss became {loss} at step {step} (gradient norm {norm}): lower "
                f"learning_rate ({self.config.learning_rate:g}) or set max_grad_norm to 1"
            )
        state.step = step
        reporter.step_done(step, loss, norm)
        # Samples come before the checkpoint of the same step: a crash between the two draws them
        # again, the other way round they would be missing for ever.
        if rounds.due(self.config, step):
            self._sample()
        every = self.config.checkpoint_every
        if step == self.config.steps or (every and step % every == 0):
            self._save("final" if step == self.config.steps else "scheduled")

    def _sample(self) -> None:
        """Draw a round of samples; the last one also writes single pictures and judges them.

        The grid is written last: it stands for the whole round.
        """
        about = rounds.Round(self.config, self.dataset, self.state, self.out, self._heed_stop)
        final: dict[str, Any] = {}
        if self.state.step == self.config.steps and self.config.final_samples:
            final = about.draw_final()
            say(f"{final['pictures']} pictures in {final['folder']}: {final['metrics']}")
        fields = about.draw_grid()
        say(f"samples written: {fields['path']}")
        self.events.write("sample", **fields, **final)

    def _save(self, reason: str) -> None:
        """Save a checkpoint of this step and let the oldest go."""
        about = {
            "format": 1,
            "step": self.state.step,
            "elapsed_seconds": round(self._seconds, 3),
            "saved_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "config": self.config.as_dict(),
            "architecture": asdict(self.state.architecture),
            "captions": list(self.dataset.captions),
            "data": {"name": self.dataset.name, "sha256": self.dataset.sha256},
            "environment": environment.describe(),
        }
        folder = checkpoints.write(self.out, self.state.step, self.state.parts(), about)
        checkpoints.tidy(self.out, self.config.keep_checkpoints)
        path = folder.relative_to(self.out).as_posix()
        self.events.write("checkpoint", step=self.state.step, path=path, reason=reason)
        say(f"checkpoint saved: {path} ({reason})")

    def _heed_stop(self) -> None:
        """Raise StopAsked when a stop is asked for."""
        if self.control.asks(STOP):
            raise StopAsked

    def _heed_wishes(self) -> None:
        """Save or draw when asked to, then delete the request."""
        if self.control.asks(CHECKPOINT):
            self._save("asked")
            self.control.obeyed(CHECKPOINT)
        if self.control.asks(SAMPLE):
            self._sample()
            self.control.obeyed(SAMPLE)

    def _stop(self) -> int:
        """Save what there is (nothing before the first step) and return the exit code."""
        if self.state.step > 0:
            self._save("stop")
        sentence = f"stopped on request after step {self.state.step}"
        self._status("stopped", message=sentence)
        self.control.obeyed(STOP)
        say(sentence)
        return self.control.exit_code()

    def _status(self, status: str, **more: Any) -> None:
        step, total = self.state.step, self.config.steps
        self.events.write("status", status=status, step=step, total=total, **more)
