"""Plugins: find them by entry point, import only the enabled, keep their order, and ask them
questions.

One exception in a question inside a transaction stops it (the whole submission rolls back);
everything that must reach each plugin whatever the others do goes through `each()`.
"""

from __future__ import annotations

import importlib
import logging
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, entry_points
from types import ModuleType
from typing import Any, cast

import pluggy
from flask import Request, current_app

from . import hookspecs, plugin_rules
from .contracts import (
    ApprovalDesk,
    Demand,
    Denial,
    Estimate,
    Hold,
    Identity,
    JobState,
    LoginAttempt,
    Rejected,
    Section,
    SignedIn,
    Submission,
    Verdict,
    Viewer,
)
from .errors import ConfigError, PluginError
from .plugin_rules import did_you_mean

GROUP = "simpletuner.plugins"
log = logging.getLogger(__name__)


def flatten(answers: Iterable[Iterable[Any] | None]) -> list[Any]:
    """Join the lists that several plugins gave; a plugin that has nothing may answer None."""
    return [item for answer in answers for item in (answer or ())]


@dataclass(frozen=True)
class Found:
    """A plugin that is installed: its entry point and the distribution that brings it."""

    name: str
    entry_point: EntryPoint
    distribution: str
    version: str


def find() -> dict[str, Found]:
    """Return the installed plugins by name. Raises ConfigError when two distributions claim one
    name."""
    found: dict[str, Found] = {}
    read: dict[Distribution | None, tuple[str, str]] = {None: ("unknown", "?")}
    for point in entry_points(group=GROUP):
        if point.dist not in read:  # its metadata is parsed anew each time it is asked for
            known = cast(Distribution, point.dist).metadata
            read[point.dist] = known["Name"], known["Version"]
        this = Found(point.name, point, *read[point.dist])
        other = found.get(point.name)
        if other and (other.distribution, other.entry_point.value) != (
            this.distribution,
            point.value,
        ):
            raise ConfigError(
                f"two installed packages bring a plugin named {point.name!r}: "
                f"{other.distribution} and "
                f"{this.distribution}. Uninstall one of them.",
                code="plugin_name_taken",
            )
        found[point.name] = this
    return found


class PluginManager:
    """The enabled plugins of one app, in list order, behind a typed facade over pluggy."""

    def __init__(self, enabled: Sequence[str]) -> None:
        """Import and register `enabled`. Raises ConfigError for an unknown name, PluginError for
        a broken one."""
        self.installed = find()
        self.enabled = tuple(enabled)
        self._pm = pluggy.PluginManager("simpletuner")
        self._pm.add_hookspecs(hookspecs)
        self.modules = {name: self._load(name) for name in enabled}
        for name in reversed(enabled):  # pluggy calls the last registered first
            self._register(name, self.modules[name])
        plugin_rules.check(self._pm, self.modules)
        if os.environ.get("ST_TRACE_HOOKS") == "1":
            self._trace()

    def _load(self, name: str) -> ModuleType:
        found = self.installed.get(name)
        if found is None:
            raise ConfigError(
                f"plugins.enabled names {name!r}, which is not installed."
                f"{did_you_mean(name, self.installed)} "
                f"Installed: {', '.join(sorted(self.installed)) or 'none'}.",
                code="unknown_plugin",
            )
        try:
            return importlib.import_module(found.entry_point.value)
        except Exception as error:
            raise PluginError(
                f"{name} {found.version} from {found.distribution} could not be imported: "
                f"{type(error).__name__}: {error}",
            ) from error

    def _register(self, name: str, module: ModuleType) -> None:
        try:
            self._pm.register(module, name)
        except pluggy.PluginValidationError as error:
            where, *_, what = str(error).splitlines()  # "Plugin 'x' for hook 'y'", then the details
            raise PluginError(f"{where}: {what}") from error

    def _trace(self) -> None:
        started: list[float] = []

        def before(hook: str, methods: Sequence[Any], _kwargs: Mapping[str, Any]) -> None:
            started.append(time.perf_counter())

        def after(
            _outcome: Any, hook: str, methods: Sequence[Any], _kwargs: Mapping[str, Any]
        ) -> None:
            spent = (time.perf_counter() - started.pop()) * 1000
            names = ", ".join(method.plugin_name for method in reversed(methods))
            log.info("hook %s by %s: %.1f ms", hook, names or "nobody", spent)

        self._pm.add_hookcall_monitoring(before, after)

    # ── registrations ─────────────────────────────────────────────────────────────────────────────

    def each(self, hook: str, **arguments: Any) -> Iterator[tuple[str, Any]]:
        """Call `hook` plugin by plugin in list order, giving name and answer; an exception is
        the caller's."""
        for name in self.implementers(hook):
            yield name, self.call(name, hook, **arguments)

    def call(self, plugin: str, hook: str, **arguments: Any) -> Any:
        """Call the implementation of `hook` in one plugin."""
        for impl in getattr(self._pm.hook, hook).get_hookimpls():
            if impl.plugin_name == plugin:
                return impl.function(*(arguments[name] for name in impl.argnames))
        raise PluginError(f"{plugin} does not implement {hook}")

    def implementers(self, hook: str) -> list[str]:
        """Return the names of the plugins that implement `hook`, in list order."""
        names = {impl.plugin_name for impl in getattr(self._pm.hook, hook).get_hookimpls()}
        return [name for name in self.enabled if name in names]

    def collect(self, hook: str, key: str, what: str) -> dict[str, tuple[str, Any]]:
        """Gather a registration hook's items as `{item key: (plugin, item)}`.

        Raises PluginError when two plugins hand over the same key.
        """
        items: dict[str, tuple[str, Any]] = {}
        for plugin, answer in self.each(hook):
            for item in answer or ():
                name = getattr(item, key)
                if name in items:
                    raise PluginError(
                        f"{plugin} and {items[name][0]} both bring a {what} named {name!r}",
                        code="duplicate_name",
                    )
                items[name] = (plugin, item)
        return items

    # ── questions ─────────────────────────────────────────────────────────────────────────────────

    def check_access(self, submission: Submission) -> list[Denial]:
        """Ask every access rule; all denials, none when it may pass."""
        return flatten(self._pm.hook.st_check_access(submission=submission))

    def reserve_limits(self, job: Any, submission: Submission) -> list[Verdict]:
        """Ask every limit, and let it reserve."""
        return flatten(self._pm.hook.st_reserve_limits(job=job, submission=submission))

    def prepare_submission(self, submission: Submission) -> Submission:
        """Let every plugin complete the submission, in list order."""
        for plugin in self.implementers("st_prepare_submission"):
            answer = self.call(plugin, "st_prepare_submission", submission=submission)
            submission = answer or submission
        return submission

    def estimate_cost(self, submission: Submission) -> Estimate | None:
        """Return the first estimate in list order, or None."""
        answer: Estimate | None = self._pm.hook.st_estimate_cost(submission=submission)
        return answer

    def require_approval(self, job: Any, submission: Submission) -> list[Demand]:
        """Ask every rule whether people must decide; all demands."""
        return flatten(self._pm.hook.st_require_approval(job=job, submission=submission))

    def approval_desk(self) -> ApprovalDesk | None:
        """Return the first desk in list order, or None."""
        desk: ApprovalDesk | None = self._pm.hook.st_approval_desk()
        return desk

    def hold_job(self, job: Any, load: Any) -> Hold | None:
        """Return the first hold in list order, or None."""
        return next((hold for hold in self._pm.hook.st_hold_job(job=job, load=load) if hold), None)

    def job_transition(self, job: Any, old: JobState, new: JobState) -> None:
        """Tell every plugin of a move, inside its unit of work."""
        self._pm.hook.st_job_transition(job=job, old=old, new=new)

    def record(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Let the record of facts be written, inside their unit of work; what raises cancels it."""
        self._pm.hook.st_record(entries=entries)

    def identify_request(self, request: Request) -> Identity | None:
        """Return the first identity in list order, or None."""
        answers = (answer for _, answer in self.each("st_identify_request", request=request))
        return next((identity for identity in answers if identity), None)

    def check_password(
        self, username: str, password: str, attempt: LoginAttempt
    ) -> SignedIn | Rejected | None:
        """Return the first answer in list order, or None; a plugin that fails is logged and passed
        over."""
        for plugin in self.implementers("st_check_password"):
            try:
                answer: SignedIn | Rejected | None = self.call(
                    plugin,
                    "st_check_password",
                    username=username,
                    password=password,
                    attempt=attempt,
                )
            except Exception:
                log.exception("hook st_check_password of %s failed", plugin)
                continue
            if answer is not None:
                return answer
        return None

    def job_environment(self, job: Any) -> dict[str, str]:
        """Join the environments. Raises PluginError when two plugins give the same variable."""
        joined: dict[str, str] = {}
        for plugin, answer in self.each("st_job_environment", job=job):
            for variable, value in (answer or {}).items():
                if variable in joined:
                    raise PluginError(f"{plugin}: another plugin already sets {variable}")
                joined[variable] = value
        return joined

    def page_sections(self, page: str, viewer: Viewer, subject: Any) -> list[tuple[str, Section]]:
        """Return (plugin, section) pairs; a plugin that fails is logged and left out."""
        sections = []
        for plugin in self.implementers("st_page_sections"):
            try:
                answer = self.call(
                    plugin, "st_page_sections", page=page, viewer=viewer, subject=subject
                )
            except Exception:
                log.exception("hook st_page_sections of %s failed on page %s", plugin, page)
                continue
            sections += [(plugin, section) for section in answer or ()]
        return sorted(sections, key=lambda pair: pair[1].order)

    def describe(self) -> list[dict[str, Any]]:
        """Return one row per installed plugin: name, version, distribution, enabled, hooks,
        summary."""
        hooks = [name for name in dir(hookspecs) if name.startswith("st_")]
        rows = []
        for name, found in sorted(self.installed.items()):
            module = self.modules.get(name)
            rows.append(
                {
                    "name": name,
                    "version": found.version,
                    "distribution": found.distribution,
                    "enabled": module is not None,
                    "hooks": [hook for hook in hooks if name in self.implementers(hook)],
                    "summary": next(iter((module.__doc__ or "").strip().splitlines()), "")
                    if module
                    else "",
                }
            )
        return rows


def current_plugins() -> PluginManager:
    """Return the plugin manager of the current app."""
    manager: PluginManager = current_app.extensions["st"].plugins
    return manager
