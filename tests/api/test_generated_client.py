"""A client that openapi-python-client makes from /openapi.json works as it is."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from kino_backup_tui.core.models import Backup, BackupKind
from tests.api.harness import Api

PACKAGE = "generated_kino_client"
CONFIG = {"content_type_overrides": {"application/gzip": "application/octet-stream"}}
"""The generator takes no other type of content for bytes."""


@pytest.fixture
def generated(client: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The package that is generated from the description, without a warning."""
    (tmp_path / "openapi.json").write_bytes(client.get("/openapi.json").content)
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    programs = Path(sys.executable).parent
    done = subprocess.run(
        [
            *(programs / "openapi-python-client", "generate", "--path", "openapi.json"),
            *("--config", "config.json", "--meta", "none", "--output-path", PACKAGE, "--fail-on-warning"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        # It formats what it has made with the program it finds.
        env={**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        monkeypatch.delitem(sys.modules, name)
    return import_module(PACKAGE)


def part(name: str) -> Any:
    """A module of the generated package; what it holds is known to no type checker."""
    return import_module(f"{PACKAGE}.{name}")


@pytest.fixture
def theirs(api: Api, generated: ModuleType) -> Iterator[Any]:
    """A generated client that shows the key."""
    client = generated.AuthenticatedClient(base_url=api.url, token=api.key, raise_on_unexpected_status=True)
    with client:
        yield client


def test_a_backup_is_made_listed_downloaded_and_deleted(theirs: Any, create: Callable[..., Backup]) -> None:
    """By the names of the description, with objects and types in the end."""
    old = create(BackupKind.SCHEDULED)
    made = part("api.backups.create_backup").sync(client=theirs)
    assert isinstance(made, part("models").Backup)
    assert made.kind is part("models").BackupKind.MANUAL
    assert made.created_at.utcoffset() is not None

    listed = part("api.backups.list_backups").sync(client=theirs)
    assert [backup.id for backup in listed] == [made.id, old.id]
    assert part("api.backups.get_backup").sync(made.id, client=theirs) == made

    archive = part("api.backups.download_backup").sync(old.id, client=theirs)
    assert archive.payload.read() == old.path.read_bytes()
    piece = part("api.backups.download_backup").sync_detailed(old.id, client=theirs, range_="bytes=0-9")
    assert piece.status_code == 206
    assert piece.parsed.payload.read() == old.path.read_bytes()[:10]

    gone = part("api.backups.delete_backup").sync_detailed(old.id, client=theirs)
    assert gone.status_code == 204
    assert not old.path.exists()


def test_a_failure_is_an_error_object(api: Api, generated: ModuleType, theirs: Any) -> None:
    """A backup that is not there, and a key that is none."""
    error = part("api.backups.get_backup").sync(7, client=theirs)
    assert isinstance(error, part("models").Error)
    assert (error.error.code, error.error.message) == ("not_found", "There is no backup 7.")
    with generated.AuthenticatedClient(base_url=api.url, token="wrong") as stranger:  # noqa: S106
        refused = part("api.backups.list_backups").sync(client=stranger)
    assert refused.error.code == "unauthorized"


def test_a_backup_is_asked_about_and_planned(theirs: Any, create: Callable[..., Backup]) -> None:
    """The request to restore is an object of the description, like its answer."""
    backup = create()
    asked = part("api.backups.head_download").sync_detailed(backup.id, client=theirs)
    assert asked.status_code == 200
    assert asked.headers["content-length"] == str(backup.size_bytes)

    wanted = part("models").RestoreRequest(dry_run=True, health_seconds=30)
    plan = part("api.restore.restore_backup").sync(backup.id, client=theirs, body=wanted)
    assert isinstance(plan, part("models").Plan)
    assert (plan.archive_sha256, plan.health_seconds) == (backup.checksum_sha256, 30)

    wanted.dry_run, wanted.fingerprint = False, "0" * 64
    refused = part("api.restore.restore_backup").sync(backup.id, client=theirs, body=wanted)
    assert isinstance(refused, part("models").RefusedRestore)
    assert refused.error.code == "conflict"


def test_jobs_are_listed_and_told(theirs: Any) -> None:
    """One that has ended, by its end and by its story."""
    made = part("api.backups.create_backup").sync(client=theirs)
    (job,) = part("api.jobs.list_jobs").sync(client=theirs)
    assert isinstance(job, part("models").Job)
    told = part("api.jobs.get_job").sync(job.id, client=theirs)
    assert isinstance(told, part("models").JobDetail)
    assert (told.outcome, told.message) == ("ok", made.filename)
    events = part("api.jobs.get_job_events").sync(job.id, client=theirs)
    assert [events[0].event.value, events[-1].event.value] == ["start", "end"]


def test_an_upload_is_planned(theirs: Any, create: Callable[..., Backup]) -> None:
    """The form is made by the client from the description, too."""
    backup = create()
    upload = part("models").RestoreUploadBody(
        archive=part("types").File(io.BytesIO(backup.path.read_bytes()), backup.filename, "application/gzip"),
        dry_run=True,
    )
    plan = part("api.restore.restore_upload").sync(client=theirs, body=upload)
    assert isinstance(plan, part("models").Plan)
    assert plan.archive_sha256 == backup.checksum_sha256
