"""Somebody who works over HTTP meanwhile, where this program has an API.

The server is one more process that makes backups. The lock that it would need to run the schedule is taken:
the nights of the proof are yet to come, and only the timers are told so.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from kino_backup_tui.core.workspace import workspace_of
from tests.cli.harness import clean_environ
from tests.proof.crowd import PATIENCE_SECONDS, Crowd, note_change

_API = "kino_backup_tui.api"
_PATIENT = {"Prefer": f"wait={PATIENCE_SECONDS:.0f}"}
_POLL_SECONDS = 0.2


def visitors() -> tuple[Callable[[Crowd], None], ...]:
    """Those who work over HTTP; nobody if there is no API."""
    return (_visit,) if importlib.util.find_spec(_API) else ()


class _Client:
    """Requests with the key, each on a connection of its own."""

    def __init__(self, crowd: Crowd, url: str, key: str) -> None:
        self._crowd = crowd
        self._address = urlsplit(url).netloc
        self._key = key

    def ask(self, method: str, path: str, may: tuple[int, ...], **headers: str) -> tuple[int, bytes]:
        """Send a request without a body; a status that it may not have is a complaint."""
        connection = HTTPConnection(self._address, timeout=PATIENCE_SECONDS)
        try:
            connection.request(method, f"/api/v1{path}", headers={"X-Api-Key": self._key, **headers})
            response: HTTPResponse = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        what = re.sub("/[0-9][^/]*", "/ID", path)
        self._crowd.counts[f"{method} {what} {response.status}"] += 1
        if response.status not in may:
            self._crowd.complain(f"{method} {path} was answered with {response.status}: {body[:600]!r}")
        return response.status, body


def _visit(crowd: Crowd) -> None:
    """Make a backup, list, download, restore and delete, in turn."""
    with _schedule_taken(crowd), _server(crowd) as client:
        for number in crowd.rounds():
            began = time.time()
            # Whoever does not want to wait is told that somebody else works, or it is made.
            headers = _PATIENT if number % 2 == 0 else {}
            status, body = client.ask("POST", "/backups", (201, 409) if number % 2 else (201,), **headers)
            client.ask("GET", "/backups", (200,))
            if status != 201:
                continue
            backup: dict[str, Any] = json.loads(body)
            crowd.keep(backup["filename"], "manual by HTTP", began)
            status, body = client.ask("GET", f"/backups/{backup['id']}/download", (200,))
            if status == 200 and hashlib.sha256(body).hexdigest() != backup["checksum_sha256"]:
                crowd.complain(f"the download of {backup['filename']} is another file")
            if number % 4 == 0:
                _restore(crowd, client, backup)
            client.ask("DELETE", f"/backups/{backup['id']}", (204,), **_PATIENT)


def _restore(crowd: Crowd, client: _Client, backup: dict[str, Any]) -> None:
    """Restore over HTTP, while the admin does nothing of that kind: their order would not be known."""
    with crowd.changing:
        before = crowd.household.period()
        status, body = client.ask("POST", f"/backups/{backup['id']}/restore", (202,), **_PATIENT)
        if status != 202:
            return
        job = json.loads(body)["id"]
        while (told := json.loads(client.ask("GET", f"/jobs/{job}", (200,))[1])).get("outcome") is None:
            time.sleep(_POLL_SECONDS)
        note_change(crowd, "restore", told.get("result") or told, before)


@contextmanager
def _schedule_taken(crowd: Crowd) -> Iterator[None]:
    """Hold the lock by which servers leave the schedule to each other, for the nights are yet to come."""
    workspace = workspace_of(crowd.household.kino)
    workspace.ensure()
    with (workspace.folder / "schedule").open("a") as stream:
        fcntl.flock(stream.fileno(), fcntl.LOCK_EX)
        yield


@contextmanager
def _server(crowd: Crowd) -> Iterator[_Client]:
    """Serve during the block; at the end the server has to end well."""
    log = crowd.copies.with_name("serve.log")
    with log.open("w") as stderr:
        server = subprocess.Popen(
            crowd.cli.arguments("serve", "--json", "--port", "0"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=clean_environ(**crowd.household.environ),
        )
    with server:
        try:
            assert server.stdout is not None
            url = json.loads(server.stdout.readline())["urls"][0]
            key = (workspace_of(crowd.household.kino).folder / "api-key").read_text().strip()
            yield _Client(crowd, url, key)
        finally:
            server.send_signal(signal.SIGTERM)
            code = server.wait(PATIENCE_SECONDS)
    if code or "Traceback" in log.read_text():
        crowd.complain(f"serve ended with {code}: {log.read_text()[-900:]}")
