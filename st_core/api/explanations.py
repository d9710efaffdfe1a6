"""Why a job waits, over HTTP: `/api/queue/<job_id>/why`."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Blueprint

from ..services import explanations
from ..services.forecast import Forecast
from ..services.holders import Holding
from .guard import current_viewer
from .routing import route
from .schemas import explanations as schemas

blueprint = Blueprint("explanations", __name__)


@route(
    blueprint,
    "/api/queue/<job_id>/why",
    permission=("job.view.own", "job.view.all"),
    summary="Why a job waits, and what would start it",
    answers={200: schemas.Why},
    tags=["queue"],
)
def why(job_id: str) -> schemas.Why:
    """Tell every gate before the start of a job, the smallest changes that would start it, and
    when it will probably start."""
    found = explanations.why(current_viewer(), job_id)
    return schemas.Why(
        job_id=str(found.job_id),
        status=found.status,
        waits=found.waits,
        sentence=found.sentence,
        gates=holdings(found.gates),
        smallest_changes=[[schemas.Remedy.model_validate(each) for each in w] for w in found.ways],
        is_proven=found.is_proven,
        is_smallest=found.is_smallest,
        expected=_expected(found.forecast) if found.forecast else None,
    )


def holdings(trail: Iterable[Holding], *, passed: bool = True) -> list[schemas.Holding]:
    """Return gates before a start as clients know them; without `passed` only those that hold."""
    return [schemas.Holding.model_validate(one) for one in trail if passed or one.result != "pass"]


def _expected(found: Forecast) -> schemas.Expected:
    start = found.start
    return schemas.Expected(
        earliest=start.earliest if start else None,
        latest=start.latest if start else None,
        likely=start.likely if start else None,
        basis=found.basis,
        unknown=list(found.unknown),
    )
