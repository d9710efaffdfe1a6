"""What resource rules say of one submission: pure, the same for today, a dry run and the past.

Words: a rule *governs* somebody who has one of its levels; it *fits* when its pattern matches what
was asked. Per type of resource, the precedence is:

1. an administrator passes;
2. any rule that fits and allows wins over every one that denies, from whichever level;
3. where rules of the type govern the person and none that allows fits, it is a deny, also when none
   fits at all;
4. where no rule of the type governs the person, it is allowed.

A rule in shadow counts in a second reckoning beside the first: what would come out if it were in
force is recorded where it differs, and never acts.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from st_core.contracts import Asked, Finding
from st_core.services import patterns

from .document import TYPES

WORDS = {
    "config": "the config",
    "hardware": "the hardware",
    "provider": "the provider",
    "output_path": "the output path",
}
Rule = Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """What comes out for one type of resource: allowed or not, why, and by which rule; `rule` is
    empty where none fits."""

    allowed: bool
    text: str
    rule: str = ""


def decide(document: Mapping[str, Any], asked: Asked) -> list[Finding]:
    """Return one finding per type that rules govern, those that deny first.

    Administrators, and types without a rule for the person, give none.
    """
    if "admin" in asked["levels"]:
        return []
    held = set(asked["levels"])
    mine = [rule for rule in document["rules"] if held & set(rule["levels"])]
    found = [finding for kind in TYPES for finding in _of_type(kind, mine, asked)]
    return sorted(found, key=lambda finding: (finding.shadow, finding.effect == "allow"))


def _of_type(kind: str, mine: Sequence[Rule], asked: Asked) -> list[Finding]:
    """Return what the rules of one type say in force, and what they would say with those in
    shadow."""
    rules = [rule for rule in mine if rule["resource_type"] == kind]
    value = value_of(kind, asked)
    if not rules or value is None:
        return []
    in_force = [rule for rule in rules if rule["mode"] == "enforce"]
    acting = _answer(kind, value, in_force) if in_force else None
    found = [_finding(kind, value, acting)] if acting else []
    if len(in_force) < len(rules):
        would = _answer(kind, value, rules)
        if would.allowed != (acting is None or acting.allowed):
            found.append(_finding(kind, value, would, shadow=True))
    return found


def _answer(kind: str, value: str, rules: Sequence[Rule]) -> Answer:
    """Return what these rules, at least one, say together."""
    fitting = [rule for rule in rules if fits(kind, rule["pattern"], value)]
    named = f"{WORDS[kind]} {value!r}" if value else f"{WORDS[kind]} without a name"
    for rule in (rule for rule in fitting if rule["action"] == "allow"):
        text = f"Rule {rule['name']!r} ({rule['pattern']}) allows {named}."
        return Answer(True, text, rule["name"])
    allowing = [rule["pattern"] for rule in rules if rule["action"] == "allow"]
    instead = f" Allowed are: {', '.join(allowing[:5])}." if allowing else ""
    for rule in fitting:
        text = f"Rule {rule['name']!r} ({rule['pattern']}) denies {named}.{instead}"
        return Answer(False, text, rule["name"])
    return Answer(False, f"No rule allows {named}.{instead or ' No rule allows any.'}")


def _finding(kind: str, value: str, answer: Answer, *, shadow: bool = False) -> Finding:
    return Finding(
        answer.rule or f"no rule for {kind} fits",
        "allow" if answer.allowed else "deny",
        answer.text,
        shadow=shadow,
        details={"resource_type": kind, "value": value},
    )


def value_of(kind: str, asked: Asked) -> str | None:
    """Return what was asked of one type, None where rules of it have nothing to say.

    A submission that names no config or hardware has an empty one, so that leaving the name out is
    no way round. Without an output path a job writes into its own workspace only.
    """
    if kind == "output_path":
        given = asked.get("output_path")
        return None if given is None else _plain(str(given))
    field = "config_name" if kind == "config" else kind
    return str(asked.get(field) or "")


def _plain(path: str) -> str:
    """Return a path without detours: `a/../b` is `b`, and so cannot pass for something in `a`."""
    plain = posixpath.normpath(path.strip().removeprefix("file://"))
    return f"/{plain.lstrip('/')}" if plain.startswith("/") else plain


def fits(kind: str, pattern: str, value: str) -> bool:
    """Tell whether a pattern matches; names of hardware are the same with and without `gpu-`."""
    if kind == "hardware":
        return patterns.matches_hardware(pattern, value)
    return patterns.matches(pattern, value)
