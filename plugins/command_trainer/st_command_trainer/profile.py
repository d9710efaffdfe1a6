"""A profile: all that an admin declares about a command, as data that is checked at the start."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from .parameters import Parameter
from .templates import begins_with, names_in

#: Places that every profile has, besides its parameters and variables.
BUILT_IN = frozenset({"workspace", "output_dir", "config_file", "gpus"})
AT_RESUME = frozenset({"checkpoint", "checkpoint_name"})


def _inside(path: str) -> str:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or not path:
        raise ValueError("must be a path inside the workspace, like output/model.safetensors")
    return path


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from error
    return text


Inside = Annotated[str, AfterValidator(_inside)]
Pattern = Annotated[str, AfterValidator(_pattern)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class When(_Part):
    """Words of the command that are there only when the parameter `when` is true or has a value."""

    when: str
    add: Annotated[list[str], Field(min_length=1)]


class ConfigFile(_Part):
    """The file that the command reads; without `values` it holds every parameter by its name."""

    path: Inside
    format: Literal["json", "toml", "yaml", "args"]
    values: dict[str, Any] | None = None


class Log(_Part):
    """How the log tells progress."""

    bars: bool = True
    dicts: bool = True
    training_bar: Pattern | None = None
    patterns: list[Pattern] = []
    stages: dict[str, str] = {}


class File(_Part):
    """A file that tells progress."""

    path: Inside
    format: Literal["events", "simpletuner", "trainer_state", "tensorboard"]


class Progress(_Part):
    """What tells progress; files are trusted more than the log, earlier ones more than later."""

    log: Log = Log()
    files: list[File] = []


class Checkpoints(_Part):
    """Where checkpoints lie; `step` finds the number in the name, `marker` is written last."""

    pattern: Inside
    step: Pattern = r"(\d+)(?!.*\d)"
    marker: str | None = None


class Resume(_Part):
    """What is different when the command goes on from `{checkpoint}`."""

    arguments: list[str | When] = []
    values: dict[str, Any] = {}


class Step(_Part):
    """One step of asking softly; the words are those of `st_core.contracts.StopStep`."""

    write: tuple[Inside, str] | None = None
    wait_for: Inside | None = None
    signal: Literal["SIGINT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGHUP"] | None = None
    seconds: Annotated[float, Field(ge=0, le=3600)] = 60.0
    only_if: Inside | None = None


class Completion(_Part):
    """The evidence that the command did all it should; all that is named must hold."""

    file: Inside | None = None
    log: Pattern | None = None
    steps: bool = False


class Profile(_Part):
    """A command that jobs may run."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
    title: str
    enabled: bool = True
    permission: str | None = None
    program: str
    arguments: list[str | When] = []
    variables: dict[str, str] = {}
    parameters: dict[Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$")], Parameter] = {}
    config_file: ConfigFile | None = None
    files: dict[Inside, str] = {}
    environment: dict[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], str] = {}
    gpus: Annotated[int, Field(ge=0)] | str = 1
    steps: str | None = None
    progress: Progress = Progress()
    metric_aliases: dict[str, str] = {}
    checkpoints: Checkpoints | None = None
    samples: Inside | None = None
    resume: Resume | None = None
    soft_stop: list[Step] = []
    checkpoint_now: list[Step] = []
    grace_seconds: Annotated[float, Field(gt=0, le=600)] = 10.0
    completion: Completion

    @property
    def trainer(self) -> str:
        """Return the name of the trainer that runs this profile."""
        return f"command:{self.name}"

    @model_validator(mode="after")
    def _agree(self) -> Profile:
        if not os.path.isabs(self.program):
            raise ValueError(f"program: {self.program!r} must be an absolute path")
        for problem in (*self._unknown_places(), *self._wrong_numbers(), *self._lonely_words()):
            raise ValueError(problem)
        if not any(vars(self.completion).values()):
            raise ValueError(
                "completion: name the evidence (file, log or steps); exit code 0 alone is none"
            )
        return self

    def words(self) -> Iterator[tuple[str, str | None]]:
        """Yield every word of the command with the parameter it hangs on, if any."""
        for word in [*self.arguments, *(self.resume.arguments if self.resume else ())]:
            if isinstance(word, str):
                yield word, None
            else:
                yield from ((each, word.when) for each in word.add)

    def open_words(self) -> Iterator[tuple[str, str]]:
        """Yield every word that begins with a text of the submitter, and that parameter.

        A dash there would make the word an option of the command.
        """
        for word, _ in self.words():
            name = begins_with(word)
            if name in self.parameters and self.parameters[name].type in ("str", "path", "text"):
                yield word, name

    def _unknown_places(self) -> Iterator[str]:
        own = self.variables.keys() | self.parameters.keys()
        known = BUILT_IN | own
        for name in sorted((BUILT_IN | AT_RESUME) & own):
            yield f"{name} is a name of our own: rename the parameter or variable"
        for name in sorted(self.variables.keys() & self.parameters.keys()):
            yield f"{name} is both a parameter and a variable: rename one"
        resume = self.resume or Resume()
        for key, value, allowed in (
            ("arguments", [_words(each) for each in self.arguments], known),
            (
                "resume",
                [[_words(each) for each in resume.arguments], resume.values],
                known | AT_RESUME,
            ),
            ("config_file.values", self.config_file and self.config_file.values, known),
            ("files", self.files, known),
            ("environment", self.environment, known),
            ("completion.file", self.completion.file, known),
        ):
            if unknown := names_in(value) - allowed:
                yield (
                    f"{key}: {{{sorted(unknown)[0]}}} is neither a parameter nor a variable; "
                    f"there are {', '.join(sorted(allowed))}"
                )
        for _, when in self.words():
            if when is not None and when not in self.parameters:
                yield f"arguments: `when: {when}` names no parameter"

    def _wrong_numbers(self) -> Iterator[str]:
        for key, name in (("gpus", self.gpus), ("steps", self.steps)):
            if isinstance(name, str) and getattr(self.parameters.get(name), "type", "") != "int":
                yield f"{key}: {name!r} is no parameter of type int"

    def _lonely_words(self) -> Iterator[str]:
        """Yield words that would leave an option without its value."""
        for word, when in self.words():
            for name in names_in(word) & self.parameters.keys():
                loose = not self.parameters[name].always_there and name != when
                if loose and not word.startswith("-"):
                    yield (
                        f"arguments: {word!r} is missing when {name} has no value; write "
                        f"`--option={{{name}}}`, or `when: {name}` with `add`, or give a default"
                    )


def _words(argument: str | When) -> list[str]:
    return [argument] if isinstance(argument, str) else argument.add
