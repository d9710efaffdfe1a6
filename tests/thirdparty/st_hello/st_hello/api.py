"""What the plugin answers over HTTP."""

from flask import Blueprint
from pydantic import BaseModel

from st_core.api.routing import route

from . import greetings

blueprint = Blueprint("hello", __name__)


class Said(BaseModel):
    """One greeting."""

    job_id: str
    text: str


class Greetings(BaseModel):
    """The newest greetings, newest first."""

    greetings: list[Said]


@route(
    blueprint,
    "/api/hello/greetings",
    permission="job.view.all",
    summary="What completed jobs were told",
    answers={200: Greetings},
)
def index() -> Greetings:
    """List what completed jobs were told."""
    return Greetings(
        greetings=[Said(job_id=str(each.job_id), text=each.text) for each in greetings.said()]
    )
