"""Jobs: what runs, what has run, and what becomes of it, as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import StringConstraints
from pydantic.json_schema import SkipJsonSchema

from kino_backup_tui.api.documented import error_responses
from kino_backup_tui.api.job_models import JobDetail, JobEvent, JobId, job_detail, job_events
from kino_backup_tui.api.models import Job
from kino_backup_tui.api.service import Service, ServiceOf
from kino_backup_tui.api.utf8 import utf8
from kino_backup_tui.core.errors import NotFoundError
from kino_backup_tui.core.operations.jobs import list_jobs, read_story
from kino_backup_tui.presentation.objects import job_object

router = APIRouter(prefix="/jobs", tags=["jobs"])

HEARTBEAT_SECONDS = 15.0
"""A silent connection is cut off by many a proxy after half a minute."""
_POLL_SECONDS = 0.5
_STREAM = "text/event-stream"
_EXAMPLE = (
    "id: 7\nevent: stage\n"
    'data: {"id":7,"event":"stage","job":"20260426T010000-3fa2c1","operation":"restore",'
    '"at":"2026-04-26T03:00:04+02:00","stage":"staging","done_bytes":0,"total_bytes":8388608}\n\n'
)

LastEventId = Annotated[
    Annotated[str, StringConstraints(pattern="^[0-9]{1,9}$")] | SkipJsonSchema[None],
    Header(
        alias="Last-Event-ID",
        description="The last event that was seen; only later ones are told.",
        examples=["7"],
    ),
]


@router.get("", name="list_jobs", summary="List the jobs", responses=error_responses())
async def list_all(service: ServiceOf) -> list[Job]:
    """The newest fifty jobs, newest first, those of the command line and of the schedule included."""
    jobs = await service.work.call(list_jobs, service.context)
    return [Job.model_validate(utf8(job_object(job))) for job in jobs]


@router.get(
    "/{id}", summary="Show one job", response_model_exclude_unset=True, responses=error_responses(404)
)
async def get_job(service: ServiceOf, job_id: JobId) -> JobDetail:
    """A job, how far it is, and how it ended."""
    return job_detail(await service.work.call(read_story, service.context, job_id))


@router.get(
    "/{id}/events",
    summary="Follow a job",
    response_model=list[JobEvent],
    response_model_exclude_unset=True,
    responses={
        200: {
            "description": "The events so far; as server-sent events, those to come, too, until it ends.",
            "content": {_STREAM: {"schema": {"type": "string"}, "example": _EXAMPLE}},
        },
        204: {
            "description": "The job has ended, and all its events were seen: there is nothing to wait for."
        },
        **error_responses(404),
    },
)
async def get_job_events(
    service: ServiceOf, request: Request, job_id: JobId, last_event_id: LastEventId = None
) -> Response | list[JobEvent]:
    """The story of a job: an array, or a stream where `Accept` asks for `text/event-stream`.

    A stream is of server-sent events as the HTML standard defines them: each has an `id`, a connection that
    was cut goes on where it was with `Last-Event-ID`, and the last event is `end`. After that the answer is
    204, at which a browser stops to ask.
    """
    seen = int(last_event_id or 0)
    story = await service.work.call(read_story, service.context, job_id)
    if not _wants_stream(request):
        return job_events(story, seen)
    if story.ended and seen >= len(story.events):
        return Response(status_code=204)
    headers = {"X-Accel-Buffering": "no"}  # nginx would hold back what has to come at once
    return StreamingResponse(_stream(service, job_id, seen), media_type=_STREAM, headers=headers)


async def _stream(service: Service, job_id: str, seen: int) -> AsyncIterator[str]:
    silent = 0.0
    while True:
        try:
            story = await service.work.call(read_story, service.context, job_id)
        except NotFoundError:
            return  # fifty newer ones have come since
        for event in job_events(story, seen):
            silent = 0.0
            data = event.model_dump_json(exclude_unset=True)
            yield f"id: {event.id}\nevent: {event.event}\ndata: {data}\n\n"
        seen = max(seen, len(story.events))
        # At the end of this server the client comes back to the next one, and goes on there.
        if story.ended or service.work.stopping:
            return
        await asyncio.sleep(_POLL_SECONDS)
        silent += _POLL_SECONDS
        if silent >= HEARTBEAT_SECONDS:
            silent = 0.0
            yield ": still there\n\n"


def _wants_stream(request: Request) -> bool:
    accepted = ",".join(request.headers.getlist("accept")).split(",")
    return any(each.partition(";")[0].strip().lower() == _STREAM for each in accepted)
