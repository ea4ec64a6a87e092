"""Listing, making and deleting backups over HTTP, as Kino's clients do it."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import Queue

import httpx
import pytest

from kino_backup_tui.core.jobs.job import run_job
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup, BackupKind
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.listing import list_backups
from kino_backup_tui.core.operations.verify import verify_backup
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.workspace import workspace_of
from tests.api.harness import TIMEOUT_SECONDS, Api
from tests.api.process import until
from tests.api.test_guard import error_of

KINOS_FIELDS = {
    "id": int,
    "kind": str,
    "filename": str,
    "size_bytes": int,
    "kino_version": str,
    "schema_version": int,
    "checksum_sha256": str,
    "created_at": str,
}
"""The object of Kino 0.3: each field, and its type in JSON."""
BACKUPS = "/api/v1/backups"


def test_a_kino_without_backups_has_an_empty_list(client: httpx.Client) -> None:
    """That its folder is not there yet is no failure."""
    assert client.get(BACKUPS).json() == []


def test_a_backup_is_kinos_object(api: Api, client: httpx.Client) -> None:
    """Names and types, and what they say is true of the file."""
    response = client.post(BACKUPS)
    assert response.status_code == 201
    made = response.json()
    assert {name: type(value) for name, value in made.items()} == KINOS_FIELDS
    path = api.service.context.kino.default_location / made["filename"]
    data = path.read_bytes()
    assert made["size_bytes"] == len(data)
    assert made["checksum_sha256"] == hashlib.sha256(data).hexdigest()
    assert (made["kind"], made["schema_version"]) == ("manual", 2)
    assert made["created_at"] == "2026-04-26T11:00:00+02:00"
    assert client.get(response.headers["location"]).json() == made
    assert client.get(BACKUPS).json() == [made]


def test_the_newest_backup_is_first(client: httpx.Client, create: Callable[..., Backup]) -> None:
    """Of every kind."""
    made = [create(kind) for kind in (BackupKind.SCHEDULED, BackupKind.MANUAL, BackupKind.PRE_RESTORE)]
    listed = client.get(BACKUPS).json()
    assert [entry["id"] for entry in listed] == [backup.id for backup in reversed(made)]
    assert [entry["kind"] for entry in listed] == ["pre_restore", "manual", "scheduled"]


def test_what_kinos_object_cannot_say_is_left_out(
    api: Api, client: httpx.Client, create: Callable[..., Backup]
) -> None:
    """A damaged archive, one that nobody has read yet, a leftover, and a foreign file."""
    kept, damaged = create(), create()
    folder = damaged.path.parent
    damaged.path.write_bytes(damaged.path.read_bytes()[:-100])
    (folder / "kino-backup-manual-2026-01-01T00-00-00-v0.4.2.tar.gz").write_bytes(kept.path.read_bytes())
    (folder / ".kino-backup-manual-2026-01-02T00-00-00-v0.4.2.tar.gz.partial").write_bytes(b"half")
    (folder / "notes.txt").write_text("mine")
    assert [entry["id"] for entry in client.get(BACKUPS).json()] == [kept.id]
    assert len(list_backups(api.service.context, everything=True).backups) == 5


def test_a_backup_that_nobody_has_read_is_listed_once_it_has_been(
    client: httpx.Client, create: Callable[..., Backup]
) -> None:
    """Asking for the list has it read; a damaged one is read once, and stays out."""
    unread, damaged = create(), create()
    os.utime(unread.path, (1, 1))
    damaged.path.write_bytes(damaged.path.read_bytes()[:-100])
    assert client.get(BACKUPS).json() == []
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not (listed := client.get(BACKUPS).json()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [entry["checksum_sha256"] for entry in listed] == [unread.checksum_sha256]


def test_a_backup_that_is_not_known_in_full_says_how_to_know_it(
    client: httpx.Client, create: Callable[..., Backup]
) -> None:
    """It is there, and can be downloaded and deleted all the same."""
    backup = create()
    os.utime(backup.path, (1, 1))
    response = client.get(f"{BACKUPS}/{backup.id}")
    assert response.status_code == 404
    assert f" verify {backup.id}`" in error_of(response)["message"]
    assert client.get(f"{BACKUPS}/{backup.id}/download").status_code == 200
    assert client.delete(f"{BACKUPS}/{backup.id}").status_code == 204


def test_a_name_in_two_locations_is_the_one_in_the_current_location(
    kino: Kino, client: httpx.Client, create: Callable[..., Backup], tmp_path: Path
) -> None:
    """Ids follow from names, so a list has each once, and deletes the one it shows."""
    former = create()
    current = tmp_path / "current"
    current.mkdir()
    kino.config_file.write_text(f'[backup]\nlocation = "{current}"\n')
    other = create(accept_location=True)
    copy = current / former.filename
    copy.write_bytes(former.path.read_bytes())
    assert {entry["id"] for entry in client.get(BACKUPS).json()} == {other.id}
    assert client.delete(f"{BACKUPS}/{former.id}").status_code == 204
    assert not copy.exists()
    assert former.path.exists()
    assert {entry["id"] for entry in client.get(BACKUPS).json()} == {other.id, former.id}


def test_a_file_name_that_is_no_utf8_does_no_harm(
    client: httpx.Client, create: Callable[..., Backup], context: Context
) -> None:
    """It is listed with replacement characters, downloaded, and deleted by its id."""
    made = create()
    odd = os.fsencode(made.path.parent) + b'/f\xfc"nf %.tar.gz'
    made.path.rename(os.fsdecode(odd))
    listed = list_backups(context).backups[0]
    verify_backup(context, listed, Control())
    [entry] = client.get(BACKUPS).json()
    assert entry["filename"] == 'f\N{REPLACEMENT CHARACTER}"nf %.tar.gz'
    download = client.get(f"{BACKUPS}/{entry['id']}/download")
    assert download.headers["content-disposition"] == (
        "attachment; filename=\"f__nf _.tar.gz\"; filename*=UTF-8''f%FC%22nf%20%25.tar.gz"
    )
    assert client.delete(f"{BACKUPS}/{entry['id']}").status_code == 204
    assert not listed.path.exists()
    gone = client.get(f"{BACKUPS}/{entry['id']}/download")
    assert gone.status_code == 404


def test_a_lost_location_is_no_empty_list(
    kino: Kino, client: httpx.Client, create: Callable[..., Backup], tmp_path: Path
) -> None:
    """Or a client would take the backups for lost."""
    location = tmp_path / "nas"
    location.mkdir()
    kino.config_file.write_text(f'[backup]\nlocation = "{location}"\n')
    backup = create(accept_location=True)
    location.rename(tmp_path / "unmounted")
    for response in (client.get(BACKUPS), client.post(BACKUPS), client.get(f"{BACKUPS}/{backup.id}")):
        assert response.status_code == 503
        error = error_of(response)
        assert (error["code"], error["cause"]) == ("service_unavailable", "location_unavailable")
        assert str(location) in error["message"]


def test_a_kino_without_a_sound_database_is_unavailable(kino: Kino, client: httpx.Client) -> None:
    """That is not the fault of the request, and nothing is kept."""
    kino.database.write_bytes(b"no database at all" * 1000)
    response = client.post(BACKUPS)
    assert response.status_code == 503
    assert error_of(response)["cause"] == "database_damaged"
    kino.database.unlink()
    response = client.post(BACKUPS, headers={"Prefer": "wait=1"})
    assert response.status_code == 503
    assert response.headers["preference-applied"] == "wait=1"
    assert error_of(response)["cause"] == "not_found"
    assert client.get(BACKUPS).json() == []


def test_deleting_removes_the_file_once(client: httpx.Client, create: Callable[..., Backup]) -> None:
    """A second time there is no such backup."""
    backup = create()
    response = client.delete(f"{BACKUPS}/{backup.id}")
    assert (response.status_code, response.content) == (204, b"")
    assert not backup.path.exists()
    for method in ("DELETE", "GET"):
        again = client.request(method, f"{BACKUPS}/{backup.id}")
        assert again.status_code == 404
        assert error_of(again)["code"] == "not_found"


def test_leftovers_and_foreign_files_are_not_reached_by_their_ids(
    client: httpx.Client, create: Callable[..., Backup], context: Context
) -> None:
    """They are no backups."""
    folder = create().path.parent
    (folder / ".kino-backup-manual-2026-01-02T00-00-00-v0.4.2.tar.gz.partial").write_bytes(b"half")
    (folder / "notes.txt").write_text("mine")
    others = [each for each in list_backups(context, everything=True).backups if each.role != "backup"]
    assert len(others) == 2
    for other in others:
        for method, path in (("DELETE", ""), ("GET", ""), ("GET", "/download")):
            assert client.request(method, f"{BACKUPS}/{other.id}{path}").status_code == 404
        assert other.path.exists()


@pytest.mark.parametrize("path", ["", "/7"])
def test_who_does_not_wait_is_told_which_job_runs(
    context: Context, client: httpx.Client, create: Callable[..., Backup], path: str
) -> None:
    """409 at once, whatever process the other job is in."""
    backup = create()
    request = ("POST", BACKUPS) if not path else ("DELETE", f"{BACKUPS}/{backup.id}")
    with run_job(workspace_of(context.kino), "import", context.clock, Control()) as job:
        response = client.request(*request)
        assert job.operation == "import"
    assert response.status_code == 409
    error = error_of(response)
    assert (error["code"], error["cause"]) == ("conflict", "busy")
    assert (error["job"]["operation"], error["job"]["running"]) == ("import", True)
    assert error["job"]["pid"] == os.getpid()
    assert error["job"]["ended_at"] is None
    assert "preference-applied" not in response.headers


@pytest.mark.parametrize("prefer", ["wait", "wait=60", 'respond-async, Wait="60"; x=y'])
def test_who_prefers_to_wait_does(context: Context, api: Api, prefer: str) -> None:
    """The request goes on when the other job ends, and the answer says that it has waited."""
    answers: list[httpx.Response] = []

    def ask() -> None:
        with api.client() as client:
            answers.append(client.post(BACKUPS, headers={"Prefer": prefer}))

    thread = threading.Thread(target=ask)
    with run_job(workspace_of(context.kino), "import", context.clock, Control()):
        thread.start()
        with api.client() as client:
            # While one waits, another is refused: the first has not been, which only the end can show.
            assert client.post(BACKUPS).status_code == 409
        assert answers == []
    thread.join(60)
    assert answers[0].status_code == 201
    assert answers[0].headers["preference-applied"] == ("wait" if prefer == "wait" else "wait=60")


def test_a_wait_that_was_too_short_says_that_it_was_one(context: Context, client: httpx.Client) -> None:
    """The refusal names what was applied, and the job."""
    with run_job(workspace_of(context.kino), "import", context.clock, Control()):
        response = client.post(BACKUPS, headers={"Prefer": "wait=0"})
    assert response.status_code == 409
    assert response.headers["preference-applied"] == "wait=0"
    assert error_of(response)["job"]["operation"] == "import"


def test_requests_that_wait_do_not_keep_others_from_being_answered(context: Context, api: Api) -> None:
    """Of forty that would wait, sixteen do, the others are refused; a list is answered meanwhile."""
    answers: Queue[int] = Queue()

    def ask() -> None:
        with api.client() as client:
            answers.put(client.post(BACKUPS, headers={"Prefer": "wait=600"}).status_code)

    threads = [threading.Thread(target=ask) for _ in range(40)]
    with run_job(workspace_of(context.kino), "import", context.clock, Control()):
        for thread in threads:
            thread.start()
        assert [answers.get(timeout=60) for _ in range(24)] == [409] * 24
        with api.client() as client:
            assert client.get(BACKUPS).status_code == 200
        # What waits when the server stops is told so.
        api.service.work.stop()
        assert [answers.get(timeout=60) for _ in range(16)] == [503] * 16
    for thread in threads:
        thread.join(60)


@pytest.mark.parametrize(("method", "end"), [("POST", ""), ("DELETE", "/{}"), ("POST", "/{}/restore")])
def test_a_client_that_goes_away_gives_up_its_place(
    context: Context,
    api: Api,
    create: Callable[..., Backup],
    caplog: pytest.LogCaptureFixture,
    method: str,
    end: str,
) -> None:
    """What has not begun is not begun for nobody: when the other job ends, nothing happens."""
    caplog.set_level("INFO", logger="kino_backup_tui.api")
    backup = create()
    path = BACKUPS + end.format(backup.id)
    request = f"{method} {path} HTTP/1.1\r\nHost: x\r\nX-Api-Key: {api.key}\r\nPrefer: wait=600\r\n\r\n"
    with run_job(workspace_of(context.kino), "import", context.clock, Control()), api.client() as client:
        with socket.create_connection(("127.0.0.1", api.port), timeout=60) as connection:
            connection.sendall(request.encode())
            client.get(BACKUPS)  # which came later, so that the other one has been taken
        until(lambda: f"{method} {path} 400" in caplog.text)
    with api.client() as client:
        assert [each["id"] for each in client.get(BACKUPS).json()] == [backup.id]
        assert [job["operation"] for job in client.get("/api/v1/jobs").json()] == ["import", "create"]


def test_the_working_folder_keeps_the_key_private(api: Api) -> None:
    """0600 in a folder of 0700, and no line of a response or journal has it."""
    folder = workspace_of(api.service.context.kino).folder
    assert (folder / "api-key").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    with api.client() as client:
        client.post(BACKUPS)
        assert api.key not in json.dumps(client.get("/openapi.json").json())
    journals = b"".join(path.read_bytes() for path in (folder / "jobs").iterdir())
    assert journals
    assert api.key.encode() not in journals
