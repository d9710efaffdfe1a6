"""Submitting over HTTP in every spelling, the dry run, and what one asks before (guide sections 3
and 4).
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from ..errors import SubmissionInvalid
from ..services import configs, estimates, queue, registries, submission
from ..services.gates import GateResult
from ..services.submission import Admission, Draft
from . import rendering
from .guard import current_viewer
from .parsing import idempotency_key
from .routing import route
from .schemas import submit as schemas
from .schemas.kinds import FieldProblem

blueprint = Blueprint("submit", __name__)
REFUSALS = (400, 404, 409, 429, 502)


@route(
    blueprint,
    ["/api/cloud/<provider>/submit"],
    methods=["POST"],
    permission="job.submit",
    summary="Submit a job to a provider",
    query=schemas.SubmitQuery,
    body=schemas.SubmitBody,
    answers={201: schemas.Submitted, 202: schemas.Submitted, 200: schemas.Submitted},
    errors=REFUSALS,
    tags=["jobs"],
)
def to_provider(
    provider: str, query: schemas.SubmitQuery, body: schemas.SubmitBody
) -> tuple[schemas.Submitted, int]:
    """Admit one job: 201 in the queue, 202 waits for approval, 200 was there before."""
    return _submit(_draft(body, query, provider), query.dry_run, _ignored(body))


@route(
    blueprint,
    "/api/cloud/jobs/submit",
    methods=["POST"],
    permission="job.submit",
    summary="Submit a job",
    query=schemas.SubmitQuery,
    body=schemas.SubmitBody,
    answers={201: schemas.Submitted, 202: schemas.Submitted, 200: schemas.Submitted},
    errors=REFUSALS,
    tags=["jobs"],
)
def submit(query: schemas.SubmitQuery, body: schemas.SubmitBody) -> tuple[schemas.Submitted, int]:
    """Admit one job to `?provider=`, the body's provider, or the first there is."""
    return _submit(_draft(body, query), query.dry_run, _ignored(body))


@route(
    blueprint,
    ["/api/cloud/jobs/dry-run"],
    methods=["POST"],
    permission="job.submit",
    summary="Ask every gate, admit nothing",
    query=schemas.SubmitQuery,
    body=schemas.SubmitBody,
    answers={200: schemas.Submitted},
    errors=[400, 404],
    tags=["jobs"],
)
def dry_run(query: schemas.SubmitQuery, body: schemas.SubmitBody) -> schemas.Submitted:
    """Walk the very same gates to the end and return what each says; nothing is written."""
    return _dry_run(_draft(body, query), _ignored(body))


@route(
    blueprint,
    ["/api/cloud/<provider>/validate"],
    methods=["POST"],
    permission="job.submit",
    summary="Ask every gate of a provider, admit nothing",
    query=schemas.SubmitQuery,
    body=schemas.SubmitBody,
    answers={200: schemas.Submitted},
    errors=[400, 404],
    tags=["jobs"],
)
def validate(
    provider: str, query: schemas.SubmitQuery, body: schemas.SubmitBody
) -> schemas.Submitted:
    """Dry-run a submission to one provider."""
    return _dry_run(_draft(body, query, provider), _ignored(body))


@route(
    blueprint,
    ["/api/cloud/pre-submit-check", "/api/cloud/jobs/pre-submit-check"],
    permission="job.submit",
    summary="Whether there are uncommitted changes",
    query=schemas.PreSubmitQuery,
    answers={200: schemas.PreSubmitCheck},
    tags=["jobs"],
)
def pre_submit_check(query: schemas.PreSubmitQuery) -> schemas.PreSubmitCheck:
    """Say that nothing can be uncommitted: configs are revisions here, and jobs keep snapshots."""
    return schemas.PreSubmitCheck(config_name=query.config_name)


@route(
    blueprint,
    ["/api/cloud/available-configs", "/api/cloud/jobs/available-configs"],
    permission="config.view",
    summary="The stored configs in short",
    answers={200: schemas.AvailableConfigs},
    tags=["jobs"],
)
def available_configs() -> schemas.AvailableConfigs:
    """List the names that `config_name_to_load` takes, the first thousand."""
    found = configs.page(current_viewer(), limit=1000)
    return schemas.AvailableConfigs(
        configs=[schemas.AvailableConfig.model_validate(row) for row in found]
    )


@route(
    blueprint,
    ["/api/cloud/cost-estimate", "/api/cloud/jobs/cost-estimate"],
    methods=["POST"],
    permission="job.submit",
    summary="What a run will probably cost",
    query=schemas.CostQuery,
    body=schemas.CostBody,
    answers={200: schemas.CostEstimate},
    errors=[404],
    tags=["jobs"],
)
def cost_estimate(query: schemas.CostQuery, body: schemas.CostBody) -> schemas.CostEstimate:
    """Estimate from how long completed jobs took; the datasets of the body do not change it."""
    typical = estimates.typical(current_viewer(), query.provider, query.hardware)
    return schemas.CostEstimate.model_validate(typical)


@route(
    blueprint,
    ["/api/cloud/hardware-options", "/api/cloud/jobs/hardware-options"],
    permission=("job.submit", "config.view"),
    summary="The machines there are",
    answers={200: schemas.HardwareOptions},
    tags=["jobs"],
)
def hardware_options() -> schemas.HardwareOptions:
    """List what can be asked for at every provider; the first is the default."""
    found = [
        rendering.hardware(provider.name, kind)
        for provider in registries.providers().values()
        for kind in provider.hardware()
    ]
    return schemas.HardwareOptions(
        hardware=found,
        default_hardware=found[0].id if found else None,
        message=None if found else "No enabled provider offers hardware.",
    )


def _draft(
    body: schemas.SubmitBody, query: schemas.SubmitQuery, provider: str | None = None
) -> Draft:
    """Return what the request asks for. Raises SubmissionInvalid for datasets without a config."""
    config: dict[str, Any] | None = body.config
    if body.dataloader_config is not None:
        if config is None:
            raise SubmissionInvalid(
                "dataloader_config needs config beside it: a stored config brings its own datasets",
                fields=[{"path": "dataloader_config", "message": "send config as well"}],
            )
        config = {**config, "dataloader_config": body.dataloader_config}
    told = {"tracker_run_name", "snapshot_name", "snapshot_message"} & body.model_fields_set
    chosen = provider or query.provider or body.provider or next(iter(registries.providers()), "")
    return Draft(
        provider=chosen,
        config=config,
        config_to_load=body.config_name_to_load,
        config_name=body.config_name,
        trainer=body.trainer or query.trainer,
        team_id=body.team_id,
        hardware=body.hardware_profile,
        gpu_count=body.gpu_count,
        name=body.name or body.tracker_run_name or body.snapshot_name,
        idempotency_key=idempotency_key(body.idempotency_key),
        start_from_job=body.start_from_job_id,
        start_from_checkpoint=body.start_from_checkpoint,
        priority=body.priority,
        time_limit_seconds=body.time_limit_seconds,
        max_attempts=body.max_attempts,
        for_approval=body.for_approval,
        no_wait=body.no_wait,
        any_gpu=body.any_gpu,
        details={name: getattr(body, name) for name in sorted(told) if getattr(body, name)},
    )


def _ignored(body: schemas.SubmitBody) -> list[str]:
    """Say which parts of an old client's request have no effect here."""
    notes = []
    if body.webhook_url:
        notes.append("webhook_url is ignored: follow /api/events, or ask for the job.")
    if body.upload_id:
        notes.append("upload_id is ignored: no data was uploaded to this server.")
    return notes


def _submit(draft: Draft, dry: bool, notes: list[str]) -> tuple[schemas.Submitted, int]:
    if dry:
        return _dry_run(draft, notes), 200
    admission = submission.submit(current_viewer(), draft)
    waits = admission.job.requires_approval
    return _submitted(admission, notes), 200 if admission.idempotent_hit else 202 if waits else 201


def _submitted(admission: Admission, notes: list[str]) -> schemas.Submitted:
    job = admission.job
    return schemas.Submitted(
        success=True,
        job_id=str(job.id),
        status=job.state.value,
        cost_limit_warning=admission.cost_warning,
        quota_warnings=admission.warnings,
        warnings=notes,
        idempotent_hit=admission.idempotent_hit,
        queue_position=admission.position or None,
        requires_approval=job.requires_approval,
        approval_request_id=queue.request_of(job),
        gates=[rendering.gate(result) for result in admission.results],
    )


def _dry_run(draft: Draft, notes: list[str]) -> schemas.Submitted:
    results = submission.dry_run(current_viewer(), draft)
    refused = next((result for result in results if result.result == "no"), None)
    return schemas.Submitted(
        success=refused is None,
        valid=refused is None,
        status=_verdict(results),
        error=refused.text if refused else None,
        warnings=notes,
        dry_run=True,
        gates=[rendering.gate(result) for result in results],
        errors=[FieldProblem(**field) for result in results for field in result.fields],
    )


def _verdict(results: list[GateResult]) -> str:
    said = {result.result for result in results}
    return "would_refuse" if "no" in said else "would_ask" if "ask" in said else "would_queue"
