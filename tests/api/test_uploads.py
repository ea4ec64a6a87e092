"""Uploads go straight to disk, within their limit, and leave nothing unless they are restored."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kino_backup_tui.core.models import Backup
from kino_backup_tui.core.operations.context import Context
from tests.api.harness import Api, serving
from tests.api.process import server, until
from tests.api.test_guard import error_of
from tests.cli.harness import write_kino

UPLOAD = "/api/v1/backups/restore-upload"
BOUNDARY = "multipart/form-data; boundary=edge"
HEAD = b'--edge\r\nContent-Disposition: form-data; name="archive"; filename="a.tar.gz"\r\n\r\n'
END = b"\r\n--edge--\r\n"
DRY_RUN = b'--edge\r\nContent-Disposition: form-data; name="dry_run"\r\n\r\ntrue\r\n'
SMALL_LIMIT = 64 * 1024


def received(data_path: Path) -> list[Path]:
    """Everything below the working folder that an upload could have left."""
    return [path for name in ("restore", "scratch") for path in (data_path / ".kino-backup" / name).glob("*")]


@pytest.fixture
def small(context: Context) -> Iterator[Api]:
    """A server that takes no more than 64 KiB."""
    with serving(context, upload_limit=SMALL_LIMIT) as api:
        yield api


def test_an_upload_is_planned_and_gone(api: Api, client: httpx.Client, create: Callable[..., Backup]) -> None:
    """With `dry_run` the plan is the answer, and the archive is not kept."""
    backup = create()
    with backup.path.open("rb") as archive:
        response = client.post(UPLOAD, files={"archive": archive}, data={"dry_run": "true"})
    assert response.status_code == 200
    assert response.json()["archive_sha256"] == backup.checksum_sha256
    assert received(api.service.context.kino.data_path) == []


def test_a_damaged_upload_is_refused_and_gone(
    api: Api, client: httpx.Client, create: Callable[..., Backup]
) -> None:
    """It is read to its end before anything else happens."""
    data = bytearray(create().path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    response = client.post(UPLOAD, files={"archive": bytes(data)})
    assert response.status_code == 422
    assert error_of(response)["code"] == "unprocessable_entity"
    assert received(api.service.context.kino.data_path) == []


def test_an_announced_upload_over_the_limit_is_refused_before_it_is_sent(small: Api) -> None:
    """A client that asks first, as curl does, never sends it (RFC 9110, 10.1.1)."""
    request = (
        f"POST {UPLOAD} HTTP/1.1\r\nHost: x\r\nX-Api-Key: {small.key}\r\nContent-Type: {BOUNDARY}\r\n"
        f"Content-Length: {10**12}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    )
    answer = small.raw(request.encode())
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"code":"content_too_large"' in answer
    assert received(small.service.context.kino.data_path) == []


@pytest.mark.parametrize("size", [SMALL_LIMIT + 1, 100 * SMALL_LIMIT])
def test_an_upload_of_unknown_length_is_refused_when_it_gets_too_long(small: Api, size: int) -> None:
    """What has come by then is removed."""

    def body() -> Iterator[bytes]:
        yield HEAD
        for start in range(0, size, 4096):
            yield b"x" * min(4096, size - start)
        yield END

    with small.client() as client:
        response = client.post(UPLOAD, content=body(), headers={"Content-Type": BOUNDARY})
    assert response.status_code == 413
    assert error_of(response)["message"] == f"An archive may have {SMALL_LIMIT} bytes."
    assert received(small.service.context.kino.data_path) == []


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, b"", 415),
        ({"Content-Type": "application/gzip"}, b"x", 415),
        ({"Content-Type": "multipart/form-data"}, HEAD + b"x" + END, 400),
        ({"Content-Type": BOUNDARY}, b"", 400),
        ({"Content-Type": BOUNDARY}, HEAD + b"x", 400),
        ({"Content-Type": BOUNDARY}, HEAD + b"x" + END + b"\0" * 10000, 422),
        ({"Content-Type": BOUNDARY}, DRY_RUN.replace(b"true", b"perhaps") + HEAD + b"x" + END, 400),
        ({"Content-Type": BOUNDARY}, HEAD.replace(b"archive", b"file") + b"x" + END, 400),
        ({"Content-Type": BOUNDARY.encode() + b"\xff"}, HEAD + b"x" + END, 400),
    ],
    ids=[
        "no type",
        "no form",
        "no boundary",
        "no body",
        "no end",
        "more after the end",
        "an odd field",
        "no archive",
        "an odd boundary",
    ],
)
def test_a_body_that_is_no_such_form_leaves_nothing(
    api: Api, client: httpx.Client, headers: dict[str, Any], body: bytes, status: int
) -> None:
    """A 4xx, in Kino's form."""
    response = client.post(UPLOAD, content=body, headers=headers)
    assert response.status_code == status, response.text
    error_of(response)
    assert received(api.service.context.kino.data_path) == []


@pytest.fixture
def half_sent(api: Api) -> Iterator[socket.socket]:
    """A connection on which a megabyte of an upload has come, and is on disk."""
    request = (
        f"POST {UPLOAD} HTTP/1.1\r\nHost: x\r\nX-Api-Key: {api.key}\r\nContent-Type: {BOUNDARY}\r\n"
        f"Content-Length: {10**9}\r\n\r\n"
    )
    data_path = api.service.context.kino.data_path
    with socket.create_connection(("127.0.0.1", api.port), timeout=60) as connection:
        connection.sendall(request.encode() + HEAD + os.urandom(2**20))
        until(lambda: [path for path in received(data_path) if path.stat().st_size])
        yield connection


def test_an_upload_is_private_from_its_first_byte(api: Api, half_sent: socket.socket) -> None:
    """0600 in a folder of 0700: it holds every credential."""
    [path] = received(api.service.context.kino.data_path)
    assert half_sent.fileno() >= 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_an_upload_that_is_cut_off_leaves_nothing(api: Api, half_sent: socket.socket) -> None:
    """Its file goes with its connection."""
    half_sent.close()
    until(lambda: received(api.service.context.kino.data_path) == [])


@pytest.mark.parametrize(
    ("path", "kind", "begun"),
    [(UPLOAD, BOUNDARY, HEAD + b"x" * 1000), ("/api/v1/backups/1/restore", "application/json", b"{")],
)
def test_a_body_that_stands_still_is_given_up(
    context: Context, monkeypatch: pytest.MonkeyPatch, path: str, kind: str, begun: bytes
) -> None:
    """And says so; a client that has hung must not keep its connection, and its file, for ever."""
    monkeypatch.setattr("kino_backup_tui.api.body.IDLE_SECONDS", 0.2)
    request = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: 100000\r\n"
    with serving(context) as api, socket.create_connection(("127.0.0.1", api.port), timeout=60) as connection:
        connection.sendall(f"{request}X-Api-Key: {api.key}\r\n\r\n".encode() + begun)
        assert connection.recv(1000).startswith(b"HTTP/1.1 408 ")
        assert received(context.kino.data_path) == []


def test_a_server_that_stops_gives_an_upload_up(api: Api, half_sent: socket.socket) -> None:
    """With the next bytes that come; nothing of it stays."""
    api.service.work.stop()
    half_sent.sendall(os.urandom(2**18))
    until(lambda: received(api.service.context.kino.data_path) == [])
    assert half_sent.recv(1000).startswith(b"HTTP/1.1 503 ")


def test_an_upload_takes_little_memory_and_no_temporary_folder(tmp_path: Path) -> None:
    """256 MiB come through a server that may grow by 48 MiB, and that has nowhere else to put them."""
    size = 256 * 2**20
    kino = write_kino(tmp_path / "kino")

    def body() -> Iterator[bytes]:
        yield HEAD
        piece = bytes(2**18)
        for _ in range(size // len(piece)):
            yield piece
        yield END

    with server(kino, TMPDIR="/dev/null") as running, running.client() as client:
        assert client.get("/openapi.json").status_code == 200
        before = peak_bytes(running.process.pid)
        response = client.post(UPLOAD, content=body(), headers={"Content-Type": BOUNDARY})
        assert response.status_code == 422, response.text
        assert peak_bytes(running.process.pid) - before < 48 * 2**20
    assert received(kino.data_path) == []


def peak_bytes(pid: int) -> int:
    """The largest resident size that a process has had, as proc(5) tells it."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")
