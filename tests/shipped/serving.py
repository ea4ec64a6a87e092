"""The sample server of Kino 0.3 as a process of its own, and what tests ask it."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

PATIENCE = 30.0
"""Seconds that a process may take to answer or to end."""


class Running(NamedTuple):
    """A server that is ready."""

    url: str
    process: subprocess.Popen[str]


@contextmanager
def server_process(data_path: Path, **environ: str) -> Iterator[subprocess.Popen[str]]:
    """Start the server on a free port, without backups of its own, and kill it in the end.

    An empty variable is not set, and so the port of its settings is not overruled.
    """
    command = [sys.executable, "-m", "kino_backup_tui.demo.shipped.server", "--no-schedule"]
    with subprocess.Popen(
        [*command, "--data-path", str(data_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={name: value for name, value in {**os.environ, "KINO_PORT": "0", **environ}.items() if value},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def running_server(data_path: Path, **environ: str) -> Iterator[Running]:
    """A server that has done what it does at its start, and listens."""
    with server_process(data_path, **environ) as process:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        assert line.startswith("listening on 127.0.0.1:"), process.stderr and process.stderr.read()
        yield Running(f"http://{line.removeprefix('listening on ')}", process)


def ask(url: str, *, content: bytes | None = None, headers: Mapping[str, str] | None = None) -> Any:
    """The JSON that an address answers with; with content, to a POST."""
    request = urllib.request.Request(url, data=content, headers=dict(headers or {}))  # noqa: S310
    with urllib.request.urlopen(request, timeout=PATIENCE) as response:  # noqa: S310 - our own server
        return json.load(response)


def values(database: Path, query: str) -> list[Any]:
    """The first column of what a query answers, read as another process would."""
    with closing(sqlite3.connect(database, timeout=PATIENCE)) as connection:
        return [row[0] for row in connection.execute(query)]


def key_of(database: Path) -> dict[str, str]:
    """The header that lets one in."""
    return {"X-Api-Key": str(values(database, "SELECT api_key FROM config")[0])}


def upload(url: str, database: Path, archive: Path) -> Any:
    """Send an archive to "Restore from file", as a browser does; the answer."""
    boundary = "sample-boundary"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="archive"; filename="{archive.name}"\r\n\r\n'
    )
    content = head.encode() + archive.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    headers = {**key_of(database), "Content-Type": f"multipart/form-data; boundary={boundary}"}
    return ask(f"{url}/api/v1/backups/restore-upload", content=content, headers=headers)
