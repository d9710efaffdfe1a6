"""URL rules that cost little to make: builders are compiled at their first use, and what a rule's
text means is worked out once per process.

werkzeug compiles two functions per rule at once and takes its text apart with a regular expression,
which together is most of what creating an app costs. A command or a test asks for few of the
functions, and makes the same rules again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.routing import BaseConverter, Rule
from werkzeug.routing.rules import RulePart


@dataclass(frozen=True)
class Parsed:
    """What a text means: its parts, its trace, and how each of its converters was asked for."""

    parts: tuple[RulePart, ...]
    trace: tuple[tuple[bool, str], ...]
    converters: tuple[tuple[str, str, tuple[Any, ...], Mapping[str, Any]], ...]


_parsed: dict[Hashable, Parsed] = {}


class LazyRule(Rule):
    """A rule that matches at once and compiles its builders at their first use."""

    def _parse_rule(self, rule: str) -> Iterable[RulePart]:
        """Take `rule` apart, or remember how it was; converters are made anew, they know the map.

        The pattern of a converter follows from its class and its arguments.
        """
        key = (rule, *self.map.converters.items())
        known = _parsed.get(key)
        if known is None:
            known = _parsed[key] = self._parse(rule)
        else:
            self._trace.extend(known.trace)
            for name, kind, args, kwargs in known.converters:
                self._converters[name] = super().get_converter(name, kind, args, kwargs)
                self.arguments.add(name)
        return known.parts

    def _parse(self, rule: str) -> Parsed:
        self._asked: list[Any] = []
        before = len(self._trace)
        parts = tuple(super()._parse_rule(rule))
        return Parsed(parts, tuple(self._trace[before:]), tuple(self._asked))

    def get_converter(
        self, variable_name: str, converter_name: str, args: Any, kwargs: Any
    ) -> BaseConverter:
        """Return a new converter, and note what was asked for."""
        self._asked.append((variable_name, converter_name, args, kwargs))
        return super().get_converter(variable_name, converter_name, args, kwargs)

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., Any]:
        compiled: list[Callable[..., Any]] = []

        def build(rule: Rule, **values: Any) -> Any:
            if not compiled:
                compiled.append(Rule._compile_builder(rule, append_unknown))
            return compiled[0](rule, **values)

        return build
