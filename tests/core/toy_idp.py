"""A plugin that brings a kind of sign-in provider, the toy: nothing is behind it."""

from __future__ import annotations

TOY = """
from pydantic import BaseModel, ConfigDict, Field

from st_core import hookimpl
from st_core.contracts import AuthProviderKind, Setting, TestStep


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid")
    server: str = Field(max_length=100, json_schema_extra={"destination": True})
    port: int = 1
    password: str = Field("", json_schema_extra={"secret": True})


def walk(name, config):
    known = config.password == "open sesame"
    advice = "" if known else "wrong password"
    return [TestStep("connect", True), TestStep("sign in", known, advice)]


@hookimpl
def st_settings():
    return [
        Setting("toy.server", str | None, None, "Where."),
        Setting("toy.password", str | None, None, "A secret.", secret=True),
        Setting("toy.enabled", bool | None, None, "Whether."),
    ]


@hookimpl
def st_auth_provider_kinds():
    def from_file(section):
        said = dict(section)
        record = {"enabled": said.pop("enabled", True)}
        return {"name": "toybox", **record, "level_mapping": {"lead": ["L"]}, "config": said}

    return [AuthProviderKind("toy", "Toy", Config, walk, {}, "toy", from_file)]
"""
