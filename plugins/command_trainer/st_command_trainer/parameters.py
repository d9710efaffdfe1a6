"""What a submitter may set: typed parameters of a profile, and the schema made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator

#: No value may hold a line end or another control character: it could begin a line of its own in
#: a file that is read by lines.
_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
_TYPES: Mapping[str, Any] = {
    "int": int,
    "float": float,
    "bool": bool,
    "str": str,
    "path": str,
    "text": str,
}


class Parameter(BaseModel):
    """One thing a submitter may set."""

    model_config = ConfigDict(extra="forbid")

    #: `text` is words for a model or for people; `str` and `path` may lead only where paths may.
    type: Literal["int", "float", "str", "bool", "choice", "path", "text"]
    help: str
    default: Any = None
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    choices: list[str] = []
    pattern: str | None = None
    max_length: Annotated[int, Field(ge=1)] = 1000
    unit: str = ""
    group: str = ""
    permission: str | None = None

    @model_validator(mode="after")
    def _agree(self) -> Parameter:
        if (self.type == "choice") != bool(self.choices):
            raise ValueError("`choices` belongs to type choice, and type choice needs it")
        if self.required and self.default is not None:
            raise ValueError("a required parameter has no default: drop one of the two")
        if self.type not in ("int", "float") and (self.minimum, self.maximum) != (None, None):
            raise ValueError("`minimum` and `maximum` belong to numbers")
        if self.type == "bool" and self.default is None and not self.required:
            self.default = False
        return self

    @property
    def always_there(self) -> bool:
        """Tell whether it has a value in every job."""
        return self.required or self.default is not None


def schema_of(name: str, parameters: Mapping[str, Parameter]) -> type[BaseModel]:
    """Return the model of a config for the profile `name`; it accepts nothing else.

    Raises ValueError when a default is not a value of its parameter.
    """
    fields: dict[str, Any] = {key: _field(each) for key, each in parameters.items()}
    config = ConfigDict(extra="forbid", protected_namespaces=(), validate_default=True)
    model = create_model(f"{name.title()}Config", __config__=config, **fields)
    for key, each in parameters.items():
        if each.default is not None:
            probe = create_model("Probe", __config__=config, **{key: fields[key]})
            probe()
    return model


def _field(parameter: Parameter) -> tuple[Any, Any]:
    extra = {"unit": parameter.unit, "group": parameter.group}
    told: dict[str, Any] = {
        "description": parameter.help,
        "json_schema_extra": {key: text for key, text in extra.items() if text},
    }
    kind = _kind(parameter)
    if parameter.required:
        return kind, Field(..., **told)
    return (kind if parameter.always_there else kind | None), Field(parameter.default, **told)


def _kind(parameter: Parameter) -> Any:
    if parameter.type == "choice":
        return Literal[tuple(parameter.choices)]
    kind = _TYPES[parameter.type]
    if parameter.type in ("int", "float"):
        bounds = Field(ge=parameter.minimum, le=parameter.maximum, allow_inf_nan=False)
        return Annotated[kind, bounds]
    if parameter.type == "bool":
        return kind
    texts = [Field(max_length=parameter.max_length, pattern=_PRINTABLE)]
    if parameter.pattern:
        texts.append(Field(pattern=rf"^(?:{parameter.pattern})$"))
    return Annotated[(kind, *texts)]
