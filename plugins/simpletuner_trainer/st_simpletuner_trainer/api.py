"""The doctor's route and its page."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, current_app, render_template
from pydantic import BaseModel, Field

from st_core.api.routing import page, route
from st_core.contracts import NavItem

from . import doctor, settings
from .doctor import Diagnosis

blueprint = Blueprint("simpletuner_trainer", __name__)
DOCTOR = "/admin/trainers/simpletuner"
NAV_ITEMS = [
    NavItem("SimpleTuner", DOCTOR, icon="heart-pulse", group="admin", permission="admin.config")
]
#: What the frame of a page shows: title, place in the sidebar, the way to it.
PAGE = {
    "title": "SimpleTuner",
    "current": f"simpletuner_trainer:{DOCTOR}",
    "crumbs": [{"word": "Administration", "url": ""}, {"word": "SimpleTuner", "url": ""}],
    "narrow": False,
}


class DiagnosisAnswer(BaseModel):
    """What the doctor found."""

    healthy: bool = Field(description="SimpleTuner can be imported")
    summary: str = Field(description="The finding in one sentence")
    python: str = Field(description="The Python that was asked")
    error: str = Field(description="The real exception in one line; empty when healthy")
    advice: str = Field(description="What to do; empty when healthy")
    output: str = Field(description="All that the import said, its last 20,000 characters")
    versions: dict[str, str] = Field(description="Versions of the libraries, when healthy")
    seconds: float = Field(description="How long the import took, in seconds")


@route(
    blueprint,
    "/api/trainers/simpletuner_trainer/doctor",
    methods=("POST",),
    permission="admin.config",
    summary="Import SimpleTuner in its own Python and say what is wrong; takes up to 120 seconds",
    answers={200: DiagnosisAnswer},
)
def examine() -> DiagnosisAnswer:
    """Examine now, and keep the finding for the page and the health check."""
    found = doctor.examine(settings.current())
    doctor.remember(current_app.extensions["st"].state_dir, found)
    return _answer(found)


@page(blueprint, DOCTOR, permission="admin.config")
def doctor_page() -> str:
    """Show what is set up, the last finding, and a button to examine anew."""
    options = settings.current()
    last = doctor.last(current_app.extensions["st"].state_dir)
    return render_template(
        "simpletuner_trainer/doctor.html",
        page=PAGE,
        options=options,
        problem=doctor.interpreter_problem(options.python),
        last=last,
        examined_at=datetime.fromtimestamp(last.at, UTC) if last else None,
        limit_seconds=doctor.LIMIT_SECONDS,
    )


def _answer(found: Diagnosis) -> DiagnosisAnswer:
    return DiagnosisAnswer(
        healthy=found.healthy,
        summary=found.summary,
        python=found.python,
        error=found.error,
        advice=found.advice,
        output=found.output,
        versions=dict(found.versions or {}),
        seconds=found.seconds,
    )
