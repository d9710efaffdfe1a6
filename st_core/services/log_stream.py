"""A job's log as it grows: first what is there, then what comes, until the job has ended.

Each open log counts as one of the process's streams and ends with them at a shutdown.
"""

from __future__ import annotations

from collections.abc import Generator

from ..contracts import Viewer
from ..db import db
from . import jobs, settings, streams, workspaces
from .listeners import DOUBT, Doubt, Following, Listener
from .streams import Feed
from .workspaces import LogSlice

LOOK_SECONDS = 0.5
#: A word every so often keeps proxies from closing a connection on which nothing happens.
HEARTBEAT_LOOKS = 30
#: The last thing a followed log says: the job has ended and this was all.
DONE = LogSlice("", 0, 0, 0)


def follow(viewer: Viewer, job_id: int | str, after: int) -> Following:
    """Give the log from byte `after` on, for as long as the job has not ended; None is a heartbeat.

    Raises NotFound, and Unavailable when too many streams are open, before the first piece.
    """
    jobs.get(viewer, job_id)
    source = streams.feed()
    listener = source.open(viewer, settings.value("server.stream_limit"))
    return Following(listener, _pieces(source, listener, viewer, job_id, after), source.close)


def _pieces(
    source: Feed, listener: Listener, viewer: Viewer, job_id: int | str, after: int
) -> Generator[LogSlice | Doubt | None]:
    quiet = 0
    while not source.stopping.is_set():
        db.session.remove()  # the next look must see what others committed
        job = jobs.get(viewer, job_id)
        ended = job.state.is_final  # asked before reading: what is written later is not lost
        piece = workspaces.log(job, after)
        after = piece.next
        if piece.text:
            quiet = 0
            yield piece
            continue
        if ended:
            yield DONE
            return
        quiet += 1
        if listener.doubted:
            yield DOUBT
        elif quiet % HEARTBEAT_LOOKS == 0:
            yield None
        listener.waiting.clear()  # only the bell is of interest
        db.session.remove()  # a stream must not hold a connection while it waits
        listener.bell.wait(LOOK_SECONDS)
        listener.bell.clear()
