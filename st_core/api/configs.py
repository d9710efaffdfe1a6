"""Configs over HTTP: make, change, compare, bring in and take home (`/api/configs`,
`/api/trainers`).
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from ..contracts import Trainer
from ..errors import Malformed
from ..models import Config
from ..services import config_files, config_names, config_transfer, configs, registries
from ..services.config_files import ImportedConfig
from . import pages, rendering
from .guard import current_viewer
from .routing import Raw, route
from .schemas import configs as schemas
from .schemas.kinds import FieldProblem, Success

blueprint = Blueprint("configs", __name__)
EDIT = ("config.edit.own", "config.edit.all")
ZIP = ("application/zip", "multipart/form-data")


@route(
    blueprint,
    "/api/configs",
    permission="config.view",
    summary="List configs by name",
    query=schemas.ConfigQuery,
    answers={200: schemas.ConfigList},
)
def list_configs(query: schemas.ConfigQuery) -> schemas.ConfigList:
    """List configs without their data."""
    rows = configs.page(
        current_viewer(),
        query=query.q,
        trainer=query.trainer,
        after=pages.decode(query.cursor),
        limit=query.limit + 1,
    )
    more, rows = len(rows) > query.limit, rows[: query.limit]
    total, exact = config_names.count(query.q, query.trainer)
    owners = config_names.people(row.owner_id for row in rows)
    return schemas.ConfigList(
        configs=[rendering.config(row, owners) for row in rows],
        next=pages.encode(rows[-1].name) if more else None,
        total=total,
        total_is_exact=exact,
    )


@route(
    blueprint,
    "/api/configs",
    methods=["POST"],
    permission="config.create",
    summary="Create a config",
    body=schemas.CreateBody,
    answers={201: schemas.ConfigWithData},
    errors=[400, 404, 409],
)
def create(body: schemas.CreateBody) -> schemas.ConfigWithData:
    """Store a config with its first revision; every problem is told at its field."""
    config = configs.create(
        current_viewer(),
        body.name,
        body.trainer,
        body.data,
        description=body.description,
        note=body.note,
    )
    return _with_data(config)


@route(
    blueprint,
    "/api/configs/<name>",
    permission="config.view",
    summary="One config with its data",
    answers={200: schemas.ConfigWithData},
)
def get(name: str) -> schemas.ConfigWithData:
    """Return a config as its newest revision has it."""
    return _with_data(configs.get(current_viewer(), name))


@route(
    blueprint,
    "/api/configs/<name>",
    methods=["PUT"],
    permission=EDIT,
    summary="Save a new revision",
    body=schemas.SaveBody,
    answers={200: schemas.ConfigWithData},
    errors=[400, 409],
)
def save(name: str, body: schemas.SaveBody) -> schemas.ConfigWithData:
    """Save; what is there already makes no revision, somebody else's newer one is a conflict."""
    config = configs.save(
        current_viewer(),
        name,
        body.data,
        note=body.note,
        description=body.description,
        expected_revision=body.expected_revision,
    )
    return _with_data(config)


@route(
    blueprint,
    "/api/configs/<name>",
    methods=["PATCH"],
    permission=EDIT,
    summary="Rename or describe a config",
    body=schemas.RenameBody,
    answers={200: schemas.ConfigWithData},
    errors=[409],
)
def describe(name: str, body: schemas.RenameBody) -> schemas.ConfigWithData:
    """Give a config another name or description; its data stays."""
    config = config_names.describe(
        current_viewer(), name, new_name=body.name, description=body.description
    )
    return _with_data(config)


@route(
    blueprint,
    "/api/configs/<name>",
    methods=["DELETE"],
    permission=("config.delete.own", "config.delete.all"),
    summary="Delete a config",
    answers={200: Success},
)
def delete(name: str) -> Success:
    """Delete a config with all its revisions; jobs keep their snapshots."""
    configs.delete(current_viewer(), name)
    return Success()


@route(
    blueprint,
    "/api/configs/<name>/validate",
    methods=["POST"],
    permission="config.view",
    summary="Check a config",
    body=schemas.CheckBody,
    answers={200: schemas.Checked},
)
def validate(name: str, body: schemas.CheckBody) -> schemas.Checked:
    """Check the stored data, or the data of the body in its place."""
    viewer = current_viewer()
    config = configs.get(viewer, name)
    data = configs.revision(viewer, name).data if body.data is None else body.data
    return _checked(body.trainer or config.trainer, data)


@route(
    blueprint,
    "/api/configs/<name>/export",
    permission="config.view",
    summary="A config as a file",
    answers={200: Raw("application/zip", "The config's folder, as SimpleTuner has it")},
)
def export(name: str) -> Response:
    """Pack a config's newest revision; unpacked in SimpleTuner's `config/` folder it is found
    there.
    """
    content = config_transfer.export(current_viewer(), name)
    answer = Response(content, mimetype="application/zip")
    answer.headers.set("Content-Disposition", "attachment", filename=f"{name}.zip")
    return answer


@route(
    blueprint,
    "/api/configs/import",
    methods=["POST"],
    permission="config.create",
    summary="Bring configs in",
    query=schemas.ImportQuery,
    body=schemas.ImportBody,
    uploads=ZIP,
    answers={201: schemas.Imported},
    errors=[400, 404, 409],
)
def import_(query: schemas.ImportQuery, body: schemas.ImportBody | None) -> schemas.Imported:
    """Store configs from JSON, a JSON file or a zip; SimpleTuner's own folders too. All or none."""
    found = _uploaded() if body is None else [_given(body)]
    stored = config_transfer.take_in(
        current_viewer(),
        found,
        trainer=query.trainer or (body.trainer if body else None),
        note=body.note if body else "",
        overwrite=query.overwrite,
    )
    owners = config_names.people(row.owner_id for row in stored)
    return schemas.Imported(
        configs=[rendering.config(row, owners) for row in stored],
        notes=[note for item in found for note in item.notes],
    )


@route(
    blueprint,
    "/api/trainers",
    permission="config.view",
    summary="What can run",
    answers={200: schemas.Trainers},
)
def trainers() -> schemas.Trainers:
    """List the enabled trainers with the JSON Schema of their configs."""
    found = registries.trainers().values()
    return schemas.Trainers(trainers=[_trainer(item) for item in found])


@route(
    blueprint,
    "/api/trainers/<name>",
    permission="config.view",
    summary="One trainer",
    answers={200: schemas.Trainer},
)
def trainer(name: str) -> schemas.Trainer:
    """Return a trainer with the JSON Schema of its configs."""
    return _trainer(registries.trainer(name))


@route(
    blueprint,
    ["/api/trainers/<name>/validate"],
    methods=["POST"],
    permission="config.view",
    summary="Check data that is not stored",
    body=schemas.DataBody,
    answers={200: schemas.Checked},
)
def validate_data(name: str, body: schemas.DataBody) -> schemas.Checked:
    """Return every problem at its field, and the data with defaults filled in."""
    return _checked(name, body.data)


def _checked(trainer: str, data: dict[str, object]) -> schemas.Checked:
    filled, problems = configs.check(trainer, data)
    return schemas.Checked(
        valid=not problems,
        errors=[FieldProblem(path=item.path, message=item.message) for item in problems],
        data=filled,
        steps=None if problems else registries.trainer(trainer).length(filled),
    )


def _with_data(config: Config) -> schemas.ConfigWithData:
    newest = configs.revision(current_viewer(), config.name)
    owners = config_names.people([config.owner_id])
    return schemas.ConfigWithData(
        **rendering.config(config, owners).model_dump(),
        data=newest.data,
        digest=newest.digest,
        note=newest.note,
    )


def _trainer(item: Trainer) -> schemas.Trainer:
    schema = item.schema.model_json_schema() if item.schema else None
    return schemas.Trainer(name=item.name, title=item.title, config_schema=schema)


def _given(body: schemas.ImportBody) -> ImportedConfig:
    """Return the config of a JSON body."""
    if body.name is None:
        raise Malformed(
            "The body does not fit: name is missing.",
            fields=[{"path": "name", "message": "missing"}],
        )
    return ImportedConfig(
        name=body.name, trainer=body.trainer or config_files.SIMPLETUNER, data=body.data
    )


def _uploaded() -> list[ImportedConfig]:
    """Return the configs in the uploaded file. Raises Malformed when there is none."""
    if request.mimetype == "application/zip":
        return config_files.import_upload(request.get_data(), "configs.zip")
    file = request.files.get("file")
    if file is None:
        raise Malformed(
            "The upload has no part named 'file'; send the JSON or zip file under that name.",
            fields=[{"path": "file", "message": "missing"}],
        )
    return config_files.import_upload(file.read(), file.filename or "config.json")
