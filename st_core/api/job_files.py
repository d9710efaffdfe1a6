"""What a job wrote, over HTTP: log, curves, files, checkpoints."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from flask import Blueprint, Response, request, send_file, stream_with_context

from ..services import jobs, log_stream, starting_points, workspaces
from ..services.workspaces import LogSlice
from . import archives, rendering, sse
from .guard import current_viewer
from .jobs import ROOT, SEE
from .routing import Raw, route
from .schemas import job_files as schemas

blueprint = Blueprint("job_files", __name__)
#: What a browser may show; everything else is handed over as an attachment.
SHOWN = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".txt": "text/plain; charset=utf-8",
    ".log": "text/plain; charset=utf-8",
    "": "text/plain; charset=utf-8",
}
#: Files come from trainers: nothing in them may run or load anything with our origin's rights.
SANDBOX = "default-src 'none'; img-src 'self'; sandbox"


@route(
    blueprint,
    f"{ROOT}/<job_id>/logs",
    permission=SEE,
    summary="A part of the log",
    query=schemas.LogQuery,
    answers={200: schemas.Log},
    tags=["jobs"],
)
def logs(job_id: str, query: schemas.LogQuery) -> schemas.Log:
    """Return the log from byte `after` on, or its last `tail` bytes; go on with `next`."""
    job = jobs.get(current_viewer(), job_id)
    ended = job.state.is_final
    after, limit = (-query.tail, query.tail) if query.tail else (query.after, query.limit)
    piece = workspaces.log(job, after, limit)
    return schemas.Log(
        job_id=str(job.id),
        logs=piece.text,
        start=piece.start,
        next=piece.next,
        size_bytes=piece.size,
        is_complete=ended and piece.next >= piece.size,
    )


@route(
    blueprint,
    f"{ROOT}/<job_id>/logs/stream",
    permission=SEE,
    summary="The log as it grows",
    query=schemas.LogStreamQuery,
    answers={200: Raw(sse.MEDIA_TYPE, "Pieces of the log; the id is the byte to go on from")},
    errors=[503],
    tags=["jobs"],
)
def logs_stream(job_id: str, query: schemas.LogStreamQuery) -> Response:
    """Stream the log, with `follow` until the job has ended, then `event: done`."""
    viewer = current_viewer()
    after = sse.last_id(request.headers.get("Last-Event-ID"), None) or query.after
    if query.follow:
        return sse.response(log_stream.follow(viewer, job_id, after), _written)
    piece = workspaces.log(jobs.get(viewer, job_id), after)
    return sse.response([piece, log_stream.DONE], _written)


@route(
    blueprint,
    f"{ROOT}/<job_id>/inline-progress",
    permission=SEE,
    summary="One line about a job",
    answers={200: schemas.InlineProgress},
    tags=["jobs"],
)
def inline_progress(job_id: str) -> schemas.InlineProgress:
    """Tell the stage, the last line of the log and the percentage."""
    job = jobs.get(current_viewer(), job_id)
    tail = workspaces.log(job, -2000, 2000).text.replace("\r", "\n").split("\n")
    told = rendering.progress(jobs.current_attempt(job))
    return schemas.InlineProgress(
        **told,
        job_id=str(job.id),
        status=job.state.value,
        last_log=next((line.strip()[:80] for line in reversed(tail) if line.strip()), ""),
        progress=told["percent"],
    )


@route(
    blueprint,
    f"{ROOT}/<job_id>/metrics",
    permission=SEE,
    summary="Curves",
    query=schemas.SeriesQuery,
    answers={200: (schemas.Series, Raw("text/csv", "metric, step, value"))},
    tags=["jobs"],
)
def metrics(job_id: str, query: schemas.SeriesQuery) -> schemas.Series | Response:
    """Return loss, learning rate and whatever else the trainer tells, thinned; also as CSV."""
    job = jobs.get(current_viewer(), job_id)
    found = workspaces.series(job, query.names or None, query.max_points)
    if query.format == "csv":
        return Response(_csv(found), mimetype="text/csv")
    return schemas.Series(
        job_id=str(job.id),
        series={
            name: [schemas.Point(step=step, value=value) for step, value in points]
            for name, points in found.items()
        },
    )


@route(
    blueprint,
    f"{ROOT}/<job_id>/artifacts",
    permission=SEE,
    summary="Everything a job left",
    answers={200: schemas.Artifacts},
    tags=["jobs"],
)
def artifacts(job_id: str) -> schemas.Artifacts:
    """List files and complete checkpoints, with the addresses to download them from."""
    job = jobs.get(current_viewer(), job_id)
    files = workspaces.artifacts(job)
    return schemas.Artifacts(
        job_id=str(job.id),
        artifacts=[rendering.artifact(job.id, item) for item in files],
        checkpoints=[
            rendering.checkpoint(job.id, item) for item in starting_points.checkpoints(job)
        ],
        total_bytes=sum(item.size_bytes for item in files),
    )


@route(
    blueprint,
    f"{ROOT}/<job_id>/artifacts/<path:path>",
    permission=SEE,
    summary="One file",
    query=schemas.ArtifactQuery,
    answers={
        200: Raw("*/*", "The file"),
        206: Raw("*/*", "The part that the header Range asked for"),
    },
    errors=[416],
    tags=["jobs"],
)
def artifact(job_id: str, path: str, query: schemas.ArtifactQuery) -> Response:
    """Hand over a file, whole or in ranges; pictures and plain text may be shown, the rest is
    saved.
    """
    job = jobs.get(current_viewer(), job_id)
    file = workspaces.open_artifact(job, path)
    shown = None if query.download else SHOWN.get(file.suffix.lower())
    return _sandboxed(
        send_file(
            file,
            mimetype=shown or "application/octet-stream",
            as_attachment=shown is None,
            download_name=file.name,
            max_age=0,
        )
    )


@route(
    blueprint,
    f"{ROOT}/<job_id>/checkpoints/<path:path>",
    permission=SEE,
    summary="A checkpoint as one archive",
    answers={200: Raw("application/zip", "The checkpoint's files")},
    tags=["jobs"],
)
def checkpoint(job_id: str, path: str) -> Response:
    """Hand over a complete checkpoint as a zip that is written while it is sent."""
    job = jobs.get(current_viewer(), job_id)
    folder, files = workspaces.checkpoint_folder(job, path)
    answer = Response(
        stream_with_context(archives.stream(folder, files)), mimetype="application/zip"
    )
    name = f"{job.name}-{Path(path).name}".encode("ascii", "ignore").decode().replace('"', "")
    answer.headers.set("Content-Disposition", "attachment", filename=f"{name}.zip")
    return _sandboxed(answer)


def _sandboxed(answer: Response) -> Response:
    answer.headers["Content-Security-Policy"] = SANDBOX
    return answer


def _written(piece: LogSlice | None) -> str:
    if piece is None:
        return sse.message({}, name="heartbeat")
    if piece is log_stream.DONE:
        return sse.message({}, name="done")
    text = piece.text.replace("\r", "\n")
    return sse.message(text, number=piece.next) if text else ""


def _csv(series: dict[str, list[tuple[float, float]]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["metric", "step", "value"])
    for name, points in series.items():
        writer.writerows(
            (name, int(step) if step.is_integer() else step, value) for step, value in points
        )
    return out.getvalue()
