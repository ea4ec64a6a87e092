"""Restores: of a backup that is there, and of an archive that is sent."""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from kino_backup_tui.api.documented import PREFERENCE_HEADER, error_responses
from kino_backup_tui.api.job_models import JobDetail, job_detail
from kino_backup_tui.api.parameters import ONE_BACKUP, BackupId, PreferHeader
from kino_backup_tui.api.preference import preference_headers
from kino_backup_tui.api.restore_bodies import JSON_BODY, AskedOf, form_body, from_form
from kino_backup_tui.api.restore_models import Plan, RefusedRestore, RestoreRequest
from kino_backup_tui.api.restoring import require_chance, restore
from kino_backup_tui.api.service import Service, ServiceOf
from kino_backup_tui.api.uploads import received_archive
from kino_backup_tui.api.visit import Leaving
from kino_backup_tui.core.operations.jobs import read_story
from kino_backup_tui.core.operations.listing import backup_by_id
from kino_backup_tui.core.progress import Control

router = APIRouter(tags=["restore"])

_LOCATION = {"Location": {"schema": {"type": "string"}, "description": "Path of the job."}}


def _responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    refused: dict[int | str, dict[str, Any]] = {
        status: error | {"model": RefusedRestore}
        for status, error in error_responses(*statuses).items()
        if status in (403, 409, 422, 507)
    }
    return {
        200: {"model": Plan, "description": "With `dry_run`: what would be done. Nothing was."},
        202: {
            "description": "It has begun, in a process of its own.",
            "headers": _LOCATION | PREFERENCE_HEADER,
        },
        **error_responses(*statuses),
        **refused,
    }


@router.post(
    f"{ONE_BACKUP}/restore",
    status_code=202,
    response_model=JobDetail,
    summary="Restore a backup",
    responses=_responses(403, 404, 408, 409, 413, 415, 422, 507),
    openapi_extra=JSON_BODY,
)
async def restore_backup(
    request: Request,
    service: ServiceOf,
    backup_id: BackupId,
    asked: AskedOf,
    _prefer: PreferHeader = None,
) -> JSONResponse:
    """Put Kino back to the state of a backup: its database, settings and secrets; media are never touched.

    The archive is read to its end first, which may take a while; for a client that goes away until then
    nothing is begun. If nothing forbids it, the restore begins and goes on by itself: its job tells how, and
    a connection or a server that ends changes nothing about it. The current state is saved before, Kino is
    stopped and started, and everything is put back if Kino does not become healthy.

    To show somebody what it means before: ask with `dry_run`, and then with the `fingerprint` of that plan.
    403 says that this server may not stop Kino or replace its files, and which command may.
    """

    def work(control: Control) -> str | Plan:
        backup = backup_by_id(service.context, backup_id)
        require_chance(service.context, asked, control)
        return restore(service.context, backup, asked, control)

    return await _answer(request, service, await service.work.operate(request, work))


@router.post(
    "/backups/restore-upload",
    status_code=202,
    response_model=JobDetail,
    summary="Restore an archive that is sent",
    responses=_responses(403, 408, 409, 413, 415, 422, 507),
    openapi_extra=form_body(),
)
async def restore_upload(request: Request, service: ServiceOf, _prefer: PreferHeader = None) -> JSONResponse:
    """Put Kino back to the state in an archive from elsewhere, as `restore` does with one of the list.

    The archive is written to disk as it comes and then read to its end, before anything else happens; of one
    that is not restored nothing stays. The other fields of the form are those of `RestoreRequest`, with which
    everything else is as for a backup of the list. A server that may not restore, or is busy, says so before
    it reads the archive, even if only a plan is wanted.
    """
    chance = partial(require_chance, service.context, RestoreRequest())
    await service.work.operate(request, chance, Leaving.NOTHING)
    async with received_archive(request, service) as upload:
        wanted = from_form(upload.fields)

        def work(control: Control) -> str | Plan:
            require_chance(service.context, wanted, control)
            return restore(service.context, upload.path, wanted, control)

        outcome = await service.work.operate(request, work)
        if isinstance(outcome, str):
            upload.keep()
    return await _answer(request, service, outcome)


async def _answer(request: Request, service: Service, outcome: str | Plan) -> JSONResponse:
    headers = preference_headers(request)
    if isinstance(outcome, Plan):
        return JSONResponse(outcome.model_dump(mode="json"), 200, headers)
    job = job_detail(await service.work.call(read_story, service.context, outcome))
    headers["Location"] = f"{request.url.path.partition('/backups')[0]}/jobs/{outcome}"
    return JSONResponse(job.model_dump(mode="json", exclude_unset=True), 202, headers)
