"""The stand-in provider `paid`: hardware with prices, and nothing without its key.

It runs nothing. A run takes the config's `steps` times `Terms.step_seconds` of the product's clock,
costs the hardware's price per hour for each second, and tells the cost with every answer. What it
knows and how it misbehaves is its `account`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from flask import Flask, current_app

from ..clock import now
from ..contracts import (
    Capability,
    Estimate,
    Hardware,
    KeyCheck,
    KeyNeed,
    Order,
    Problem,
    Progress,
    Provider,
    Submission,
)
from ..errors import KeyRefused, ProviderError
from ..progress.readings import Phase
from .paid_account import Account, Terms

VARIABLE = "PAID_API_KEY"
HARDWARE = (
    Hardware("small", "Small GPU", 4, Decimal("1.20"), memory_bytes=24 * 2**30),
    Hardware("large", "Large GPU", 4, Decimal("4.80"), memory_bytes=80 * 2**30),
    Hardware("unpriced", "A machine without a price", 4, None, memory_bytes=24 * 2**30),
)
_PRICES = {each.id: each.cost_per_hour_usd for each in HARDWARE}
_CENT = Decimal("0.0001")


def account(app: Flask | None = None) -> Account:
    """Return the account that the servers with this state folder share."""
    folder: Path = (app or current_app).extensions["st"].state_dir
    return Account(folder / "paid")


class PaidProvider:
    """A strict cloud that never was; see the module."""

    name = "paid"
    title = "Paid stand-in"
    capabilities = frozenset({Capability.RESUME, Capability.COSTS})
    poll_seconds = 0.02
    timeout_seconds = 5.0
    key_needs = (KeyNeed("paid", "api_key", VARIABLE, "API key of the paid stand-in"),)

    def __init__(self, key: str | None = None) -> None:
        self._key = key

    def with_keys(self, env: Mapping[str, str]) -> Provider:
        """Return this provider speaking with the key in `env`."""
        return PaidProvider(env.get(VARIABLE))

    def check_key(self, name: str, value: str) -> KeyCheck:
        """Say whether the account takes this key, None when it cannot be asked."""
        there = account()
        if not there.terms().checks_keys:
            return KeyCheck(None, "paid: this service offers no check")
        try:
            _answer(there, value)
        except KeyRefused as error:
            return KeyCheck(False, error.detail)
        except ProviderError as error:
            return KeyCheck(None, error.detail)
        return KeyCheck(True, "paid: the key is accepted")

    def hardware(self) -> Sequence[Hardware]:
        """Return two kinds with a price and one without."""
        return HARDWARE

    def validate(self, submission: Submission) -> Sequence[Problem]:
        """Return a problem for hardware it does not have."""
        if submission.hardware in (None, *_PRICES):
            return []
        offered = ", ".join(_PRICES)
        return [Problem("hardware", f"{submission.hardware!r} is not offered; there is {offered}")]

    def estimate(self, submission: Submission) -> Estimate | None:
        """Return price times length, None when there is no price or it does not quote."""
        terms, price = account().terms(), _PRICES.get(submission.hardware or "small")
        if price is None or not terms.quotes:
            return None
        seconds = _length(submission.config, terms)
        return Estimate(_cost(price, seconds), "the provider's price list", seconds=seconds)

    def start(self, order: Order, env: Mapping[str, str]) -> dict[str, Any]:
        """Start a run, once per key. Raises KeyRefused, ProviderError: nothing was started."""
        there = account()
        _answer(there, env.get(VARIABLE))
        terms = there.terms()
        run = {
            "key": order.key,
            "hardware": order.hardware or "small",
            "started_at": now().timestamp(),
            "seconds": _length(order.config, terms),
            "speed": terms.speed,
        }
        there.open(order.key, run)
        if there.has("lost_answer"):
            raise TimeoutError("paid: the answer was lost")
        return {"key": order.key}

    def poll(self, state: dict[str, Any]) -> Progress:
        """Return how far the run is and what it has cost so far."""
        there = account()
        _answer(there, self._key)
        run = there.run(state["key"])
        if run is None:
            return Progress(Phase.LOST, message="paid: no such run")
        ended = run if "cost_usd" in run else _ended(run, now().timestamp())
        if ended is None:
            used = _used(run, now().timestamp())
            return replace(_progress(run, Phase.RUNNING), cost_usd=str(_price(run, used)))
        there.put(run["key"], ended)
        return _progress(ended, Phase(ended["phase"]))

    def stop(self, state: dict[str, Any]) -> None:
        """End the run now; it is billed up to this second."""
        there = account()
        _answer(there, self._key)
        run, moment = there.run(state["key"]), now().timestamp()
        if run is not None and "cost_usd" not in run:
            ended = _ended(run, moment) or _closed(run, Phase.CANCELLED, moment)
            there.put(run["key"], ended)

    def checkpoint(self, state: dict[str, Any]) -> None:
        """Raise: there is nothing to save."""
        raise ProviderError("paid cannot save checkpoints")

    def find(self, key: str, workspace: Path) -> dict[str, Any] | None:
        """Return the state of the run started under `key`."""
        there = account()
        _answer(there, self._key)
        return {"key": key} if there.run(key) is not None else None


def _answer(there: Account, key: str | None) -> None:
    """Let a call arrive. Raises KeyRefused, ProviderError, as the account's faults say."""
    if there.has("down"):
        raise ProviderError("paid: the service does not answer")
    if there.has("slow"):
        time.sleep(there.terms().slow_seconds)
    if there.has("too_many"):
        raise ProviderError("paid: 429, too many requests; try again in a minute")
    there.accept(key)


def _length(config: Mapping[str, Any], terms: Terms) -> float:
    return float(config.get("steps", 1)) * terms.step_seconds


def _cost(price: Decimal, seconds: float) -> Decimal:
    return (price * Decimal(str(seconds)) / 3600).quantize(_CENT, ROUND_HALF_UP)


def _price(run: Mapping[str, Any], seconds: float) -> Decimal:
    return _cost(_PRICES[run["hardware"]] or Decimal(), seconds)


def _used(run: Mapping[str, Any], moment: float) -> float:
    """Return the billed seconds of a run up to `moment`."""
    passed = max(0.0, moment - run["started_at"]) * run["speed"]
    return float(min(passed, run["seconds"]))


def _ended(run: Mapping[str, Any], moment: float) -> dict[str, Any] | None:
    """Return the run as it ended by itself, None while it has time left."""
    if _used(run, moment) < run["seconds"]:
        return None
    length = timedelta(seconds=run["seconds"] / run["speed"]).total_seconds()
    return _closed(run, Phase.COMPLETED, run["started_at"] + length)


def _closed(run: Mapping[str, Any], phase: Phase, moment: float) -> dict[str, Any]:
    cost = str(_price(run, _used(run, moment) if phase is not Phase.COMPLETED else run["seconds"]))
    return {**run, "phase": phase.value, "ended_at": moment, "cost_usd": cost}


def _progress(run: Mapping[str, Any], phase: Phase) -> Progress:
    return Progress(
        phase,
        started_at=run["started_at"],
        ended_at=run.get("ended_at"),
        cost_usd=run.get("cost_usd"),
        exit_code=0 if phase is Phase.COMPLETED else None,
    )
