"""The trail of gates: what each said to a submission, made or only asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import StError
from ...models import JobGate
from ...services.gates import GateResult


@dataclass(frozen=True)
class GateLine:
    """One gate and its verdict; `state` is pass, warn, ask, no or todo."""

    state: str
    name: str
    verdict: str
    detail: str


def of_job(gates: Sequence[JobGate]) -> list[GateLine]:
    """Return the gates an admitted job has passed."""
    return [GateLine(one.result, one.name, one.verdict, one.text) for one in gates]


def of_results(results: Sequence[GateResult]) -> list[GateLine]:
    """Return what the gates say in a dry run."""
    return [GateLine(one.result, one.name, one.verdict, one.text) for one in results]


def failed(error: StError) -> list[GateLine]:
    """Return a trail of one line for a question that could not be asked at all."""
    return [GateLine("no", "Submission", "not possible", error.detail)]


def summary(gates: Sequence[GateLine]) -> str:
    """Return "6 passed, 1 asked"."""
    words = {"pass": "passed", "warn": "warned", "ask": "asked", "no": "refused"}
    counts = {state: sum(one.state == state for one in gates) for state in words}
    return ", ".join(f"{count} {words[state]}" for state, count in counts.items() if count)
