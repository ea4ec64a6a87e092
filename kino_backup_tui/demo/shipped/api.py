"""The addresses of Kino 0.3 that have to do with backups, and the two that need no key."""

from __future__ import annotations

import os
import sqlite3
import tarfile
import tempfile
import threading
import zlib
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from shutil import disk_usage
from urllib.parse import parse_qs, urlsplit

from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.demo.http import JsonRequest
from kino_backup_tui.demo.schema import open_database
from kino_backup_tui.demo.shipped.backing_up import back_up
from kino_backup_tui.demo.shipped.data_path import RELEASE
from kino_backup_tui.demo.shipped.restoring import RefusedError, restore_by_id, restore_upload
from kino_backup_tui.demo.shipped.stamps import rfc3339

RESTARTS_ITSELF = "KINO_RESTART_AFTER_RESTORE"
"""Kino ends after a restore if this is in its environment, whatever its value."""
_RESTART_CODE = 75
_RESTART_SECONDS = 1.0
_BACKUPS = "/api/v1/backups"
_Answering = Callable[[sqlite3.Connection], tuple[int, object]]
_LIST = "SELECT * FROM backup ORDER BY created_at DESC"


def request_handler(data_path: Path, first_time_setup: bool) -> type[JsonRequest]:
    """The requests of the Kino on this data path."""

    class Request(_Request):
        pass

    Request.data_path, Request.first_time_setup = data_path, first_time_setup
    return Request


class _Request(JsonRequest):
    data_path: Path
    first_time_setup: bool

    def get(self, path: str) -> tuple[int, object]:
        if path == "/api/v1/status":
            return 200, self._status()
        if path == "/api/v1/health":
            return 200, self._health()
        if path == _BACKUPS:
            return self._with_database(lambda connection: (200, _listed(connection)))
        return super().get(path)

    def post(self, path: str, content: bytes) -> tuple[int, object]:
        row, _, verb = path.removeprefix(f"{_BACKUPS}/").partition("/")
        if path == _BACKUPS:
            return self._with_database(self._create)
        if path == f"{_BACKUPS}/restore-upload":
            return self._with_database(lambda connection: self._upload(connection, content))
        if row.isdecimal() and verb == "restore":
            return self._with_database(lambda connection: self._restore(connection, int(row)))
        return super().post(path, content)

    def _with_database(
        self, answer: Callable[[sqlite3.Connection], tuple[int, object]]
    ) -> tuple[int, object]:
        try:
            with closing(open_database(self.data_path / "kino.db")) as connection:
                return answer(connection) if self._has_key(connection) else (401, None)
        except (RefusedError, OSError, sqlite3.Error, zlib.error, tarfile.TarError) as error:
            return 500, {"error": {"code": "internal_error", "message": str(error)}}

    def _has_key(self, connection: sqlite3.Connection) -> bool:
        (key,) = connection.execute("SELECT api_key FROM config WHERE id = 1").fetchone()
        given = (
            self.headers.get("X-Api-Key"),
            (self.headers.get("Authorization") or "").removeprefix("Bearer "),
            *parse_qs(urlsplit(self.path).query).get("api_key", []),
        )
        return key in given

    def _create(self, connection: sqlite3.Connection) -> tuple[int, object]:
        back_up(connection, self.data_path, BackupKind.MANUAL, RELEASE, datetime.now(UTC))
        return 201, _listed(connection)[0]

    def _restore(self, connection: sqlite3.Connection, row: int) -> tuple[int, object]:
        restore_by_id(connection, self.data_path, row, RELEASE, datetime.now(UTC))
        return _restored()

    def _upload(self, connection: sqlite3.Connection, content: bytes) -> tuple[int, object]:
        archive = _field("archive", self.headers.get("Content-Type") or "", content)
        if archive is None:
            return 400, {"error": {"code": "bad_request", "message": "no field archive"}}
        with tempfile.NamedTemporaryFile(
            prefix="kino-restore-upload-", suffix=".tar.gz", dir=self.data_path
        ) as upload:
            upload.write(archive)
            upload.flush()
            restore_upload(connection, self.data_path, Path(upload.name), RELEASE, datetime.now(UTC))
        return _restored()

    def _status(self) -> object:
        state = "setup_required" if self.first_time_setup else "ok"
        return {
            "version": RELEASE,
            "status": state,
            "first_time_setup": self.first_time_setup,
            "setup_required": self.first_time_setup,
            "warnings": [],
            "install_kind": os.environ.get("KINO_INSTALL_KIND"),
        }

    def _health(self) -> object:
        usage = disk_usage(self.data_path)
        data = {"label": "Kino data", "path": str(self.data_path)}
        path = {**data, "free_bytes": usage.free, "total_bytes": usage.total}
        return {
            "overall": "operational",
            "checked_at": rfc3339(datetime.now(UTC)),
            "panels": {"storage": {"paths": [path]}},
        }


def _listed(connection: sqlite3.Connection) -> list[dict[str, object]]:
    cursor = connection.execute(_LIST)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _field(name: str, content_type: str, content: bytes) -> bytes | None:
    """A field of a form (RFC 7578); None if it is not there."""
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + content)
    for part in message.iter_parts():
        if part.get_param("name", header="content-disposition") == name:
            payload = part.get_payload(decode=True)
            return payload if isinstance(payload, bytes) else None
    return None


def _restored() -> tuple[int, object]:
    itself = RESTARTS_ITSELF in os.environ
    if itself:
        threading.Timer(_RESTART_SECONDS, os._exit, (_RESTART_CODE,)).start()
    return 200, {"ok": True, "message": "Kino restarts now." if itself else "Restart Kino now."}
