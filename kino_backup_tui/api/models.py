"""The objects of the API, with the descriptions and examples that /openapi.json shows.

`Backup` and the error body are Kino's own, in names and types.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field
from pydantic.json_schema import SkipJsonSchema

from kino_backup_tui.api.parameters import MAX_ID
from kino_backup_tui.core import models
from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.presentation.objects import backup_object
from kino_backup_tui.presentation.text import utf8_text

Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""RFC 3339, with an offset, to the second."""
Bytes = Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})]


class Backup(BaseModel):
    """An archive whose contents are known: it was read to its end at least once."""

    id: Annotated[int, Field(ge=0, le=MAX_ID, json_schema_extra={"format": "int64"})] = Field(
        description="Follows from the file name: the same backup has the same id in every program.",
        examples=[94316452138753],
    )
    kind: BackupKind = Field(
        description="`scheduled` by the schedule, `manual` on request, `pre_restore` before a restore.",
        examples=["manual"],
    )
    filename: str = Field(
        description="Name of the archive.",
        examples=["kino-backup-manual-2026-04-26T03-00-00-v0.4.2.tar.gz"],
    )
    size_bytes: Bytes = Field(description="Size of the archive.", examples=[4823117])
    kino_version: str = Field(description="The Kino that was backed up.", examples=["0.4.2"])
    schema_version: int = Field(
        description="How many migrations its database had.",
        examples=[12],
        json_schema_extra={"format": "int64"},
    )
    checksum_sha256: str = Field(
        description="SHA-256 of the archive, in hexadecimal.",
        pattern="^[0-9a-f]{64}$",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )
    created_at: Instant = Field(
        description="When it was made, as the clock of its host showed it.",
        examples=["2026-04-26T03:00:00+02:00"],
    )


class Job(BaseModel):
    """An operation that changes something; one runs at a time."""

    id: str = Field(description="Ids sort by time.", examples=["20260426T010000-3fa2c1"])
    operation: str = Field(description="The verb of the command line.", examples=["create"])
    started_at: Instant = Field(description="When it began.", examples=["2026-04-26T03:00:00+02:00"])
    ended_at: Instant | None = Field(description="When it ended; null while it runs.", examples=[None])
    running: bool = Field(description="Whether it runs.", examples=[True])
    outcome: str | None = Field(
        description="`ok`, `interrupted` if its process died, or the code of the error that ended it.",
        examples=[None],
    )
    message: str = Field(description="What its end was announced with.", examples=[""])
    pid: int = Field(description="The process that does it.", examples=[4711])


class ErrorBody(BaseModel):
    """What went wrong."""

    code: str = Field(description="The kind of failure, by Kino's codes.", examples=["not_found"])
    message: str = Field(description="What happened, in a sentence.", examples=["There is no backup 7."])
    cause: str | SkipJsonSchema[None] = Field(
        default=None,
        description="Where the work itself failed: the same code as in the JSON of the command line.",
        examples=["not_found"],
    )
    job: Job | SkipJsonSchema[None] = Field(
        default=None, description="With `conflict`: the operation that runs, if one does."
    )


class Error(BaseModel):
    """Every failure has this form."""

    error: ErrorBody


def kino_backup(backup: models.Backup) -> Backup | None:
    """A backup as Kino's object; None if something of it is not known that the object needs.

    A file name that is no UTF-8 is shown with replacement characters: JSON has no other way to write it.
    """
    known = backup_object(backup)
    fields = {name: known[name] for name in Backup.model_fields}
    if any(value is None for value in fields.values()):
        return None
    return Backup.model_validate(fields | {"filename": utf8_text(backup.filename)})
