"""How a run reports its steps: as event lines for programs, as sentences for people."""

from __future__ import annotations

import time

from .config import Config
from .events import Events, say
from .optimizer import learning_rate


class Reporter:
    """Writes what each step came to; speed is measured since the last sentence."""

    def __init__(self, config: Config, pictures: int, events: Events, step: int) -> None:
        """`pictures` is how many an epoch has; `step` is the last one already finished."""
        self.config, self.pictures, self.events = config, pictures, events
        self._since = (step, time.monotonic())

    def step_done(self, step: int, loss: float, norm: float) -> None:
        """Report `step` if its turn has come; the last one always is."""
        total = self.config.steps
        rate = learning_rate(self.config, step)
        begun, then = self._since
        speed = (step - begun) / max(1e-6, time.monotonic() - then)
        if step % self.config.report_every == 0 or step == total:
            self.events.write(
                "progress",
                step=step,
                total=total,
                epoch=round(step * self.config.batch_size / self.pictures, 3),
                eta_seconds=round((total - step) / speed, 1),
                metrics={
                    "loss": loss,
                    "learning_rate": rate,
                    "grad_norm": norm,
                    "steps_per_second": round(speed, 2),
                },
            )
        if step % self.config.log_every == 0 or step in (1, total):
            say(f"step {step}/{total}  loss {loss:.4f}  lr {rate:.6f}  {speed:.1f} it/s")
            self._since = (step, time.monotonic())
