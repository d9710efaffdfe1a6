"""The part of a job's log that a page shows, numbered, and where scripts go on from."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for

from ...models import Job
from ...services import workspaces
from .log_lines import LogLine, lines

OVERVIEW_BYTES, OVERVIEW_LINES = 12_000, 60
PAGE_BYTES, PAGE_LINES = 40_000, 400


@dataclass(frozen=True)
class LogView:
    """Lines to show; while it `grows`, scripts go on with byte `next` and number `next_line`."""

    lines: tuple[LogLine, ...]
    next: int
    next_line: int
    grows: bool
    url: str
    download_url: str
    label: str
    note: str = ""
    earlier_url: str = ""


def tail(job: Job, most_bytes: int, most_lines: int, until: int | None = None) -> LogView | None:
    """Return the last whole lines of a log, or those that end at byte `until`.

    None when there is no log and there will be none.
    """
    start = -most_bytes if until is None else max(until - most_bytes, 0)
    part = workspaces.log(job, start, most_bytes if until is None else min(most_bytes, until))
    if not part.text and job.state.is_final:
        return None
    grows = until is None and not job.state.is_final
    head, text, end = _whole_lines(part, cut_end=grows)
    first = 1 + workspaces.lines_before(job, head)
    shown = lines(text, first)
    next_line = first + len(shown)
    if len(shown) > most_lines:
        dropped = text.split("\n", len(shown) - most_lines)
        head += len(text.encode()) - len(dropped[-1].encode())
        shown = shown[-most_lines:]
    url = f"/api/cloud/jobs/{job.id}/logs"
    return LogView(
        lines=tuple(shown),
        next=end,
        next_line=next_line,
        grows=grows,
        url=url,
        download_url=f"/api/cloud/jobs/{job.id}/artifacts/log?download=true",
        label=f"Log of job {job.id}",
        note=f"Lines {shown[0].number:,} to {shown[-1].number:,}." if shown and head else "",
        earlier_url=url_for("web.job_log", job_id=job.id, until=head) if head else "",
    )


def _whole_lines(part: workspaces.LogSlice, *, cut_end: bool) -> tuple[int, str, int]:
    """Return (first byte, text, byte after it) without the line the slice begins inside of.

    With `cut_end` a last line that is still being written is left for scripts to go on with.
    """
    head, text, end = part.start, part.text, part.next
    if head and "\n" in text:
        broken, text = text.split("\n", 1)
        head += len(broken.encode()) + 1
    if cut_end and "\n" in text:
        text, unfinished = text.rsplit("\n", 1)
        text += "\n"
        end -= len(unfinished.encode())
    return head, text, end
