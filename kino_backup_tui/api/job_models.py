"""Jobs with what they do and have done, as /openapi.json describes them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, Field

from kino_backup_tui.api.models import Bytes, Instant, Job
from kino_backup_tui.api.utf8 import utf8
from kino_backup_tui.core.operations.jobs import JobStory
from kino_backup_tui.presentation.objects import event_object, job_object
from kino_backup_tui.presentation.restore_objects import result_object

JobId = Annotated[
    str, Path(alias="id", description="The id of a job.", examples=["20260426T010000-3fa2c1"], max_length=64)
]
_STAGE = "`database_snapshot`, `packing`, `staging`, `swapping` and others; null before the first."


class Problem(BaseModel):
    """Something that is wrong, and what to do about it."""

    code: str = Field(description="Stable, as in the JSON of the command line.", examples=["incompatible"])
    message: str = Field(description="What is wrong.", examples=["The backup is of a newer Kino, 0.5.0."])
    hint: str = Field(description="What to do about it; may be empty.", examples=["Upgrade Kino first."])


class RestoreResult(BaseModel):
    """How a restore ended, as far as it was proven."""

    job: str = Field(description="Its job.")
    operation: str = Field(description="`restore` or `rollback`.", examples=["restore"])
    outcome: str = Field(description="As in the job.", examples=["ok"])
    at: Instant = Field(description="When it ended.", examples=["2026-04-26T03:01:12+02:00"])
    message: str = Field(description="One sentence on what is true now.")
    source: str | None = Field(description="File name of the archive.")
    kino_version: str | None = Field(description="As Kino itself says after its start.", examples=["0.4.2"])
    running: bool | None = Field(description="Whether Kino runs; null where it has to be started by hand.")
    tables: dict[str, int] | None = Field(
        description="Rows of the restored database, proven before the start.", examples=[{"film": 312}]
    )
    way_back: str | None = Field(description="File name of the pre-restore backup.")
    can_roll_back: bool = Field(description="Whether the replaced files can be put back.")
    failed_stage: str | None = Field(description="The stage that failed.", examples=[None])
    log: list[str] = Field(description="The last lines of Kino's log, if it did not become healthy.")
    hint: str | None = Field(description="What to do now, if anything.")
    warnings: list[str] = Field(description="What should be known besides.")
    error: Problem | None = Field(default=None, description="If it did not end well: why.")


class JobDetail(Job):
    """An operation, how far it is, and how it ended."""

    stage: str | None = Field(description=_STAGE, examples=["staging"])
    done_bytes: Bytes = Field(description="How far the stage is.", examples=[4194304])
    total_bytes: Bytes | None = Field(description="How far it goes, if that is known.", examples=[8388608])
    note: str = Field(description="What the stage has found, or is waiting for; may be empty.", examples=[""])
    result: RestoreResult | None = Field(description="Of a restore that has ended.", examples=[None])


class JobEvent(BaseModel):
    """A line of a job's story."""

    id: int = Field(description="Its place in the story, from 1.", examples=[7])
    event: Literal["start", "stage", "progress", "note", "end"] = Field(
        description="A later `progress` replaces an earlier one, which may be left out then.",
        examples=["stage"],
    )
    job: str = Field(description="The job it is of.", examples=["20260426T010000-3fa2c1"])
    operation: str = Field(description="The verb of the command line.", examples=["restore"])
    at: Instant = Field(description="When that was so.", examples=["2026-04-26T03:00:04+02:00"])
    stage: str | None = Field(description=_STAGE, examples=["staging"])
    done_bytes: Bytes = Field(description="How far the stage is.", examples=[0])
    total_bytes: Bytes | None = Field(description="How far it goes, if that is known.", examples=[8388608])
    note: str | None = Field(default=None, description="What the stage has found, or is waiting for.")
    outcome: str | None = Field(default=None, description="With `end`: as in the job.")
    message: str | None = Field(default=None, description="With `end`: what to tell a person about it.")


def job_detail(story: JobStory) -> JobDetail:
    """A job from its story."""
    last, result = story.events[-1], story.result
    told = {
        "stage": last.stage.value if last.stage else None,
        "done_bytes": last.done_bytes,
        "total_bytes": last.total_bytes,
        "note": last.note,
        "result": None if result is None else result_object(result),
    }
    return JobDetail.model_validate(utf8(job_object(story.record) | told))


def job_events(story: JobStory, after: int = 0) -> list[JobEvent]:
    """The events of a job beyond the first so many, without readings that a later one replaces."""
    told: list[JobEvent] = []
    for number, event in list(enumerate(story.events, 1))[after:]:
        if told and told[-1].event == event.event == "progress":
            told.pop()
        told.append(JobEvent.model_validate(utf8(event_object(event) | {"id": number})))
    return told
