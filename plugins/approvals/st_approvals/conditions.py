"""The conditions of approval rules: what each one's threshold is, and when it holds (guide section
3).

A condition is pure: it sees what was asked and the figures that were known, nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from st_core.contracts import Asked, Facts
from st_core.errors import SetTimeRule
from st_core.services import patterns

DAILY_JOBS = "daily_jobs"
HAS_EARLIER_JOB = "has_earlier_job"
MOST_JOBS = 1_000_000
MOST_USD = Decimal(1_000_000_000)


@dataclass(frozen=True)
class Condition:
    """One kind of rule. `check` returns a threshold that can be used or raises SetTimeRule, `holds`
    tells whether it applies to what was asked, `text` says so in words."""

    value: str
    title: str
    threshold: str
    check: Callable[[str], str]
    holds: Callable[[str, Asked, Facts], bool]
    text: Callable[[str, Asked], str]


def named(value: str) -> Condition:
    """Return a condition. Raises SetTimeRule when there is none of this name."""
    if value not in CONDITIONS:
        raise SetTimeRule(
            f"{value[:50]!r} is no condition. There are: {', '.join(CONDITIONS)}.",
            code="unknown_condition",
            fields=[{"path": "condition", "message": "unknown"}],
        )
    return CONDITIONS[value]


def _amount(text: str) -> str:
    try:
        amount = Decimal(text.strip().removeprefix("$"))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount < MOST_USD:
        raise _wrong(f"{text[:50]!r} is no amount in dollars; write 50 or 49.90")
    return f"{amount:f}"


def _count(text: str) -> str:
    if not text.strip().isdecimal() or int(text) > MOST_JOBS:
        raise _wrong(f"{text[:50]!r} is no number of jobs; write 10")
    return str(int(text))


def _name(text: str) -> str:
    if not 0 < len(text.strip()) <= patterns.LONGEST:
        raise _wrong("a name is needed")
    return text.strip()


def _pattern(text: str) -> str:
    return patterns.check(text.strip(), "threshold")


def _nothing(_text: str) -> str:
    return ""


def _wrong(text: str) -> SetTimeRule:
    return SetTimeRule(
        f"The threshold does not fit the condition: {text}.",
        code="invalid_threshold",
        fields=[{"path": "threshold", "message": text}],
    )


def _costs_more(threshold: str, asked: Asked, _facts: Facts) -> bool:
    usd = asked["estimate_usd"]
    return usd is None or Decimal(usd) > Decimal(threshold)


def _cost_text(threshold: str, asked: Asked) -> str:
    usd = asked["estimate_usd"]
    if usd is None:
        return f"no price is known, which counts as over ${threshold}"
    return f"estimated cost ${Decimal(usd):.2f} is over ${threshold}"


def _many(threshold: str, _asked: Asked, facts: Facts) -> bool:
    return int(facts[DAILY_JOBS]) + 1 > int(threshold)


def _is_first(_threshold: str, _asked: Asked, facts: Facts) -> bool:
    return not facts[HAS_EARLIER_JOB]


_ALL = (
    Condition(
        "cost_exceeds",
        "Estimated cost is over",
        "An amount in US dollars. A job without a known price counts as over it.",
        _amount,
        _costs_more,
        _cost_text,
    ),
    Condition(
        "hardware_type",
        "Hardware matches",
        "A glob such as a100*, or an expression such as ^h[12]00. The prefix gpu- says nothing.",
        _pattern,
        lambda threshold, asked, _: patterns.matches_hardware(threshold, asked["hardware"] or ""),
        lambda threshold, asked: f"hardware {asked['hardware']} matches {threshold}",
    ),
    Condition(
        "daily_jobs_exceed",
        "More jobs in 24 hours than",
        "How many jobs a person may submit in 24 hours, this one counted, before it asks.",
        _count,
        _many,
        lambda threshold, asked: f"more than {threshold} jobs of {asked['user']} in 24 hours",
    ),
    Condition(
        "first_job",
        "A person's very first job",
        "Takes no threshold. A job that was cancelled before it entered the queue does not count.",
        _nothing,
        _is_first,
        lambda _, asked: f"the very first job of {asked['user']}",
    ),
    Condition(
        "config_pattern",
        "Config name matches",
        "A glob such as *-full, or an expression that starts with ^ or ends with $.",
        _pattern,
        lambda threshold, asked, _: patterns.matches(threshold, asked["config_name"] or ""),
        lambda threshold, asked: f"config {asked['config_name']} matches {threshold}",
    ),
    Condition(
        "provider",
        "Provider is",
        "The name of a provider, such as replicate.",
        _name,
        lambda threshold, asked, _: threshold == asked["provider"],
        lambda _, asked: f"it runs at {asked['provider']}",
    ),
    Condition(
        "user_level",
        "Submitted by level",
        "The name of a level, such as researcher.",
        _name,
        lambda threshold, asked, _: threshold in asked["levels"],
        lambda threshold, _: f"submitted by a {threshold}",
    ),
)
CONDITIONS: dict[str, Condition] = {condition.value: condition for condition in _ALL}
