"""Kino's endpoints for backups, and one for a single backup."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, BackgroundTasks, Request, Response

from kino_backup_tui.api.documented import (
    CREATED_RESPONSE,
    DELETED_RESPONSE,
    DOWNLOAD_RESPONSES,
    HEAD_RESPONSES,
    error_responses,
)
from kino_backup_tui.api.downloads import answer_download
from kino_backup_tui.api.errors import ApiError, logger
from kino_backup_tui.api.models import Backup, kino_backup
from kino_backup_tui.api.parameters import ONE_BACKUP, BackupId, ConditionHeaders, PreferHeader
from kino_backup_tui.api.preference import preference_headers
from kino_backup_tui.api.service import Service, ServiceOf
from kino_backup_tui.api.visit import Leaving
from kino_backup_tui.core import models
from kino_backup_tui.core.errors import ArchiveError, IncompatibleError, KinoBackupError, NotFoundError
from kino_backup_tui.core.kino.command import command_for
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.delete import delete_backup
from kino_backup_tui.core.operations.listing import (
    backup_by_id,
    complete_listing,
    lacks_checksum,
    list_backups,
)
from kino_backup_tui.core.operations.open_archive import OpenArchive, open_archive
from kino_backup_tui.core.progress import Control
from kino_backup_tui.presentation.text import printable

router = APIRouter(tags=["backups"])


@router.get("/backups", name="list_backups", summary="List the backups", responses=error_responses(403))
async def list_all(service: ServiceOf, afterwards: BackgroundTasks) -> list[Backup]:
    """The backups, newest first.

    Archives of which not everything is known that the object needs are left out; the command line has them.
    Those that nobody has read to their end yet are read after the answer, and are in a later one; damaged
    ones never are. Where the location cannot be read the answer is 503, not a list that lacks what is there.
    """
    found = await service.work.call(_listed, service)
    if any(lacks_checksum(backup) for backup in found):
        afterwards.add_task(service.work.catch_up, partial(_read_to_the_end, service))
    shown = (kino_backup(backup) for backup in found)
    return [backup for backup in shown if backup is not None]


@router.post(
    "/backups",
    status_code=201,
    name="create_backup",
    summary="Make a backup now",
    responses={**CREATED_RESPONSE, **error_responses(403, 409, 507)},
)
async def create(
    request: Request, response: Response, service: ServiceOf, _prefer: PreferHeader = None
) -> Backup:
    """Make a backup, and prove it by reading it back. The answer comes when that is done.

    A client that goes away while it waits for its turn takes its request with it. What has begun is made to
    its end, and is in the list then.
    """
    backup = await service.work.operate(
        request, lambda control: _create(service, control), Leaving.CANCELS_A_WAIT
    )
    response.headers.update(preference_headers(request))
    response.headers["Location"] = f"{request.url.path}/{backup.id}"
    return backup


@router.get(ONE_BACKUP, name="get_backup", summary="Show one backup", responses=error_responses(403, 404))
async def show(service: ServiceOf, backup_id: BackupId) -> Backup:
    """One backup as the list has it."""
    return await service.work.call(_shown, service, backup_id)


@router.delete(
    ONE_BACKUP,
    status_code=204,
    name="delete_backup",
    summary="Delete a backup",
    responses={**DELETED_RESPONSE, **error_responses(403, 404, 409)},
)
async def delete(
    request: Request, service: ServiceOf, backup_id: BackupId, _prefer: PreferHeader = None
) -> Response:
    """Delete an archive. A download of it that runs is not disturbed."""
    await service.work.operate(
        request, lambda control: _delete(service, backup_id, control), Leaving.CANCELS_A_WAIT
    )
    return Response(status_code=204, headers=preference_headers(request))


@router.get(
    f"{ONE_BACKUP}/download",
    name="download_backup",
    summary="Download an archive",
    response_class=Response,
    responses=DOWNLOAD_RESPONSES | error_responses(403, 404, 412, 416),
)
async def download(
    request: Request, service: ServiceOf, backup_id: BackupId, _conditions: ConditionHeaders
) -> Response:
    """The archive as it is on disk, damaged ones too.

    One range of bytes can be asked for, so that a download that was cut off can go on: with `If-Range` and
    the `ETag` of the first part, it is that of the same file.
    """
    return await _answer_download(request, service, backup_id)


@router.head(
    f"{ONE_BACKUP}/download",
    name="head_download",
    summary="Ask for the size and version of an archive",
    response_class=Response,
    responses=HEAD_RESPONSES | error_responses(403, 404, 412),
)
async def head_download(
    request: Request, service: ServiceOf, backup_id: BackupId, _conditions: ConditionHeaders
) -> Response:
    """The headers of a download, without its bytes."""
    return await _answer_download(request, service, backup_id)


async def _answer_download(request: Request, service: Service, number: int) -> Response:
    return answer_download(request, await service.work.call(_opened, service, number), service.work)


def _listed(service: Service) -> list[models.Backup]:
    listing = list_backups(service.context)
    if listing.location_problem is not None:
        raise listing.location_problem
    # A name may be there twice, in a former location, too: the current one is what its id means.
    found: dict[int, models.Backup] = {}
    for backup in listing.backups:
        if backup.id not in found or found[backup.id].elsewhere:
            found[backup.id] = backup
    return list(found.values())


def _read_to_the_end(service: Service, control: Control) -> None:
    complete_listing(service.context, control.cancel, checksums=True)


def _create(service: Service, control: Control) -> Backup:
    try:
        created = create_backup(service.context, control)
    except (NotFoundError, ArchiveError, IncompatibleError) as error:
        # That this Kino, or the disk, does not allow a sound backup is no fault of the request.
        raise ApiError(503, error.message, cause=error.code) from error
    for warning in created.warnings:
        logger.warning("%s", printable(warning))
    backup = kino_backup(created.backup)
    if backup is None:
        raise KinoBackupError(f"{created.backup.filename} was made, and is not known in full.")
    return backup


def _shown(service: Service, number: int) -> Backup:
    backup = backup_by_id(service.context, number)
    shown = kino_backup(backup)
    if shown is None:
        raise NotFoundError(
            f"Not all is known of {backup.filename} yet: "
            f"`{command_for(service.context.kino, 'verify', str(number))}` reads it."
        )
    return shown


def _delete(service: Service, number: int, control: Control) -> None:
    delete_backup(service.context, backup_by_id(service.context, number), control)


def _opened(service: Service, number: int) -> OpenArchive:
    return open_archive(backup_by_id(service.context, number))
