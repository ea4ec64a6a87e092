"""Connections without a request, or with what is none: answered in Kino's form or ended, and never many."""

from __future__ import annotations

import contextlib
import json
import logging
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from kino_backup_tui.api import guard, protocol
from tests.api.harness import Api
from tests.api.process import server
from tests.cli.harness import write_kino

BROKEN_CHUNK = b"zz\r\n"


def connect(api: Api) -> socket.socket:
    """A connection on which nothing has been sent yet."""
    return socket.create_connection(("127.0.0.1", api.port), timeout=60)


def read(connection: socket.socket) -> bytes:
    """All that comes until the other side ends it."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def answer(connection: socket.socket) -> bytes:
    """One answer on a connection that stays, which is one of our errors."""
    received = b""
    while not received.endswith(b"}}"):
        received += connection.recv(65536)
    return received


def head(api: Api, line: str, *headers: str) -> bytes:
    """The beginning of a request that shows the key."""
    return "\r\n".join((line, "Host: x", f"X-Api-Key: {api.key}", *headers, "", "")).encode()


def is_error(answer: bytes) -> bool:
    """Whether it is one whole answer 400 that looks as every other error does."""
    start, _, body = answer.partition(b"\r\n\r\n")
    status, *headers = start.decode("ascii").lower().split("\r\n")
    assert {
        "content-type: application/json",
        f"content-length: {len(body)}",
        "cache-control: no-store",
        "connection: close",
    } <= set(headers)
    return status.startswith("http/1.1 400 ") and json.loads(body)["error"]["code"] == "bad_request"


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
    ],
    ids=["TLS", "no host", "two hosts", "length", "coding"],
)
def test_what_is_no_http_is_refused_like_everything_else(api: Api, sent: bytes) -> None:
    """A client that reads our errors reads this one, too; the connection ends."""
    with connect(api) as connection:
        connection.sendall(sent)
        assert is_error(read(connection))


def test_a_body_that_is_no_http_is_refused_once(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is left of an upload in which it comes, and it is no error of this program."""
    form = "Content-Type: multipart/form-data; boundary=x"
    with connect(api) as connection:
        connection.sendall(
            head(api, "POST /api/v1/backups/restore-upload HTTP/1.1", form, "Transfer-Encoding: chunked")
        )
        connection.sendall(b"3\r\n--x\r\n" + BROKEN_CHUNK)
        assert is_error(read(connection))
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("key", ["", "X-Api-Key: wrong\r\n"])
def test_what_is_no_http_after_an_answer_ends_the_connection(
    api: Api, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Also that of somebody without the key, who cannot write errors into the log in this way."""
    with connect(api) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\nHost: x\r\n{key}Transfer-Encoding: chunked\r\n\r\n".encode())
        assert answer(connection).startswith(b"HTTP/1.1 401 ")
        connection.sendall(BROKEN_CHUNK)
        assert read(connection) == b""
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_an_upgrade_that_is_offered_is_ignored(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """The request is answered (RFC 9110, 7.8), and nobody is told to install something for it."""
    caplog.set_level(logging.WARNING)
    with api.client() as client:
        headers = {"Connection": "Upgrade", "Upgrade": "websocket"}
        assert client.get("/api/v1/jobs", headers=headers).status_code == 200
    assert not caplog.records


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that waits for a request no longer than a test may last."""
    monkeypatch.setattr(protocol, "REQUEST_SECONDS", 0.2)
    monkeypatch.setattr(guard, "LINGER_SECONDS", 0.2)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: "])
def test_who_does_not_ask_is_cut_off(api: Api, sent: bytes) -> None:
    """Connections are not many, and need no key."""
    with connect(api) as connection:
        connection.sendall(sent)
        assert read(connection) == b""


@pytest.mark.usefixtures("impatient")
def test_who_goes_on_sending_what_was_refused_is_cut_off(api: Api) -> None:
    """What is thrown away anyway is not received for ever."""
    with connect(api) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        assert answer(connection).startswith(b"HTTP/1.1 401 ")
        connection.settimeout(0.05)
        with pytest.raises(ConnectionError):  # noqa: PT012 - one byte after the other
            while True:
                connection.sendall(b"a")
                with contextlib.suppress(TimeoutError):
                    assert connection.recv(1) == b""


@pytest.mark.usefixtures("impatient")
def test_who_is_slow_to_send_an_upload_is_not_cut_off(api: Api) -> None:
    """Once the key was shown, another limit holds."""
    form = "Content-Type: multipart/form-data; boundary=x"
    with connect(api) as connection:
        connection.sendall(
            head(api, "POST /api/v1/backups/restore-upload HTTP/1.1", form, "Content-Length: 7")
        )
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(60)
        connection.sendall(b"--x--\r\n")
        assert answer(connection).startswith(b"HTTP/1.1 400 ")


@contextlib.contextmanager
def few_descriptors(number: int) -> Iterator[None]:
    """Let processes that are started during the block have so many files and connections open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_however_many_connect_who_is_there_is_answered(tmp_path: Path) -> None:
    """What is too many is refused before no descriptors are left for files, and the log stays short."""
    kino = write_kino(tmp_path / "kino")
    with contextlib.ExitStack() as stack:
        with few_descriptors(256):
            running = stack.enter_context(server(kino))
        running.get("/backups")
        address = ("127.0.0.1", running.port)
        first, *_others = [
            stack.enter_context(socket.create_connection(address, timeout=60)) for _ in range(400)
        ]
        request = f"GET /api/v1/backups HTTP/1.1\r\nHost: x\r\nX-Api-Key: {running.key}\r\n"
        first.sendall(f"{request}Connection: close\r\n\r\n".encode())
        assert read(first).startswith(b"HTTP/1.1 200 ")
        assert len(running.log.read_text().splitlines()) < 500
