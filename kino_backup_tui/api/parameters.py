"""What requests may say in their path and headers, as /openapi.json describes it."""

from __future__ import annotations

from typing import Annotated, ClassVar

from fastapi import Header, Path
from pydantic import BaseModel, Field
from pydantic.json_schema import SkipJsonSchema
from starlette.convertors import Convertor, register_url_convertor

MAX_ID = 2**48 - 1


class _BackupIdConvertor(Convertor[int]):
    """A number as JSON writes it, so that each backup has one address."""

    regex: ClassVar[str] = "0|[1-9][0-9]{0,14}"

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


register_url_convertor("backup_id", _BackupIdConvertor())

ONE_BACKUP = "/backups/{id:backup_id}"
"""The path of one backup; what is not written as an id leads to no endpoint."""

BackupId = Annotated[
    int,
    Path(
        alias="id",
        ge=0,
        le=MAX_ID,
        description="The id of a backup, as the list has it: 48 bits that follow from its file name.",
        examples=[94316452138753],
        json_schema_extra={"format": "int64"},
    ),
]

PreferHeader = Annotated[
    str | SkipJsonSchema[None],
    Header(
        alias="Prefer",
        description="`wait`, or `wait=SECONDS`: wait for another operation instead of being refused.",
        examples=["wait=30"],
    ),
]
"""RFC 7240; what it means is decided in `preference`."""


class _Conditions(BaseModel):
    """Headers that are read from the request itself, because they are no more than hints."""

    range: str | SkipJsonSchema[None] = Field(
        None, alias="Range", description="One range of bytes, as `bytes=1048576-`.", examples=["bytes=0-99"]
    )
    if_range: str | SkipJsonSchema[None] = Field(
        None, alias="If-Range", description="Of this `ETag` or `Last-Modified`, else the whole archive."
    )
    if_match: str | SkipJsonSchema[None] = Field(
        None, alias="If-Match", description="Only of this `ETag`, else 412."
    )
    if_none_match: str | SkipJsonSchema[None] = Field(
        None, alias="If-None-Match", description="Not of this `ETag`, which is answered 304."
    )
    if_modified_since: str | SkipJsonSchema[None] = Field(
        None, alias="If-Modified-Since", description="Only if it is newer, else 304."
    )
    if_unmodified_since: str | SkipJsonSchema[None] = Field(
        None, alias="If-Unmodified-Since", description="Only if it is not newer, else 412."
    )


ConditionHeaders = Annotated[_Conditions, Header()]
"""RFC 9110, sections 13 and 14; what they mean is decided in `ranges`."""
