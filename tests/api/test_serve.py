"""The server as a process: where it listens, how it ends, and what becomes of what it is doing."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.api.process import Server, server, stopped, until
from tests.cli.harness import Cli, run, write_kino
from tests.cli.restoring import execute, films, freeze_worker, leftovers, no_worker_left

UPLOAD_HEAD = (
    "POST /api/v1/backups/restore-upload HTTP/1.1\r\nHost: kino\r\nX-Api-Key: {key}\r\n"
    "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000\r\n\r\n"
    '--x\r\nContent-Disposition: form-data; name="archive"; filename="a"\r\n\r\n'
)
"""The beginning of an upload, to be formatted with the key."""


@pytest.fixture
def kino(tmp_path: Path) -> Cli:
    """A small Kino, whose schedule is off."""
    return write_kino(tmp_path / "kino")


@pytest.fixture
def big(tmp_path: Path) -> Cli:
    """A Kino whose backup does not fit into the buffers of a socket, and takes its time."""
    return write_kino(tmp_path / "big", padding_megabytes=64)


@pytest.fixture(autouse=True)
def _without_nights(request: pytest.FixtureRequest) -> None:
    """Nothing is due, so that the schedule holds no lock when a request comes."""
    for name in ("kino", "big"):
        if name in request.fixturenames:
            cli: Cli = request.getfixturevalue(name)
            assert cli.run("schedule", "set", "--frequency", "off").code == 0


def listed(running: Server) -> int:
    """The id of the only backup."""
    (backup,) = running.get("/backups")
    return int(backup["id"])


def create(running: Server, **headers: str) -> httpx.Response:
    """Ask for a backup."""
    with running.client() as client:
        return client.post("/api/v1/backups", headers=headers)


def running_job(running: Server, operation: str) -> str | None:
    """The job that is running, if it is such a one."""
    return next(
        (job["id"] for job in running.get("/jobs") if job["running"] and job["operation"] == operation), None
    )


def test_it_says_where_it_answers_and_ends_with_0(kino: Cli) -> None:
    """The first signal is what an admin asks for, so it is no failure; nobody answers any more."""
    with server(kino) as running:
        assert running.get("/backups") == []
        assert running.stop() == 0
        assert not running.is_listening()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_running_download_ends(big: Cli, number: int) -> None:
    """The client gets all of it, although nobody else is let in any more."""
    archive = big.create()
    with server(big) as running:
        path = f"/api/v1/backups/{listed(running)}/download"
        with running.client() as client, client.stream("GET", path) as response:
            pieces = response.iter_bytes()
            digest = hashlib.sha256(next(pieces))
            running.signal(number)
            until(lambda: not running.is_listening())
            assert running.process.poll() is None
            for piece in pieces:
                digest.update(piece)
        assert running.end() == 0
    assert digest.digest() == hashlib.sha256(archive.read_bytes()).digest()


def test_the_second_signal_ends_it_at_once(big: Cli) -> None:
    """Until then the log says what it waits for. The exit code is that of the signal."""
    big.create()
    with server(big) as running:
        path = f"/api/v1/backups/{listed(running)}/download"
        with running.client() as client, client.stream("GET", path):
            running.signal(signal.SIGTERM)
            until(lambda: not running.is_listening())
            until(lambda: "1 request is not answered to its end" in running.log.read_text())
            assert running.process.poll() is None
            running.signal(signal.SIGTERM)
            assert running.end() == 128 + signal.SIGTERM


def test_a_backup_that_is_being_made_is_cancelled(big: Cli) -> None:
    """It is answered 503, leaves nothing, and its job says so."""
    with server(big) as running, ThreadPoolExecutor() as pool:
        answer = pool.submit(create, running)
        job = until(lambda: running_job(running, "create"))
        assert running.stop() == 0
        assert answer.result().status_code == 503
        assert answer.result().json()["error"]["cause"] == "cancelled"
    assert big.archives == []
    assert big.unfinished == []
    assert big.run("watch", job).code == 130


def test_a_request_that_waits_for_its_turn_is_answered(kino: Cli) -> None:
    """The end of the server is not held up by somebody else's operation."""
    request = (
        "POST /api/v1/backups HTTP/1.1\r\nHost: kino\r\nX-Api-Key: {key}\r\nPrefer: wait=600\r\n"
        "Content-Length: 0\r\nConnection: close\r\n\r\n"
    )
    with (
        kino.creating() as process,
        stopped(process.pid),
        server(kino) as running,
        socket.create_connection(("127.0.0.1", running.port), timeout=60) as waiting,
    ):
        waiting.sendall(request.format(key=running.key).encode())
        running.get("/jobs")  # which came later, so that the other one has been taken
        assert running.stop() == 0
        assert waiting.recv(65536).startswith(b"HTTP/1.1 503 ")


def test_a_backup_that_has_begun_is_made_for_nobody_too(big: Cli) -> None:
    """A connection that breaks, or a proxy without patience, does not cost the backup."""
    request = "POST /api/v1/backups HTTP/1.1\r\nHost: kino\r\nX-Api-Key: {key}\r\n\r\n"
    with server(big) as running:
        with socket.create_connection(("127.0.0.1", running.port), timeout=60) as leaving:
            leaving.sendall(request.format(key=running.key).encode())
            job = until(lambda: running_job(running, "create"))
        until(lambda: running.get(f"/jobs/{job}")["outcome"])
        assert running.get(f"/jobs/{job}")["outcome"] == "ok"
        listed(running)


@pytest.mark.parametrize("more", [b"a" * 100_000, b""])
def test_an_upload_is_given_up(kino: Cli, more: bytes) -> None:
    """What has come of it is removed; the client is told, whether it goes on sending or has fallen silent."""
    with (
        server(kino) as running,
        socket.create_connection(("127.0.0.1", running.port), timeout=20) as upload,
    ):
        upload.sendall(UPLOAD_HEAD.format(key=running.key).encode() + b"a" * 100_000)
        until(lambda: leftovers(kino))
        running.signal(signal.SIGTERM)
        until(lambda: not running.is_listening())
        upload.sendall(more)
        assert upload.recv(65536).startswith(b"HTTP/1.1 503 ")
        assert running.end() == 0
    assert leftovers(kino) == []


def test_what_a_killed_server_has_received_goes_at_the_next_start(kino: Cli) -> None:
    """It may be as large as the disk, and nobody else would look for it."""
    with (
        server(kino) as killed,
        socket.create_connection(("127.0.0.1", killed.port), timeout=20) as upload,
    ):
        upload.sendall(UPLOAD_HEAD.format(key=killed.key).encode() + b"a" * 100_000)
        until(lambda: leftovers(kino))
        with server(kino):
            assert leftovers(kino) != []  # it is still being received
        killed.signal(signal.SIGKILL)
        killed.end()
    with server(kino):
        assert leftovers(kino) == []


def test_a_request_that_does_not_come_whole_is_given_up(kino: Cli) -> None:
    """A client that has fallen silent in the middle of its request does not keep the server from ending."""
    head = (
        "POST /api/v1/backups/1/restore HTTP/1.1\r\nHost: kino\r\nX-Api-Key: {key}\r\n"
        "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"
    )
    with (
        server(kino) as running,
        socket.create_connection(("127.0.0.1", running.port), timeout=20) as silent,
    ):
        silent.sendall(head.format(key=running.key).encode())
        running.get("/jobs")  # which came later, so that the other one has been taken
        running.signal(signal.SIGTERM)
        assert silent.recv(65536).startswith(b"HTTP/1.1 503 ")
        assert running.end() == 0


def test_a_restore_goes_on_without_the_server(kino: Cli) -> None:
    """It has a process of its own; what was begun is done."""
    kino.create()
    execute(kino, "INSERT INTO film (title) VALUES ('Made after the backup')")
    with no_worker_left(kino):
        with server(kino) as running, running.client() as client:
            backup = listed(running)
            pool = ThreadPoolExecutor()
            frozen = pool.submit(freeze_worker, kino, "staging")
            answer = client.post(f"/api/v1/backups/{backup}/restore")
            assert answer.status_code == 202, answer.text
            worker = frozen.result()
            assert running.stop() == 0
            pool.shutdown()
        os.kill(worker, signal.SIGCONT)
        end = kino.run("watch", answer.json()["id"], "--json")
    assert end.code == 0, end
    assert films(kino) == ["The Lighthouse Keeper", "Über den Dächern"]
    assert not any(path.name.startswith("received-") for path in leftovers(kino))


def test_a_stream_of_events_ends_with_the_server(kino: Cli) -> None:
    """A client that watches a job does not keep the server from ending; it can come back to the next one."""
    with (
        kino.creating() as process,
        stopped(process.pid),
        server(kino) as running,
        running.client() as client,
    ):
        job = running_job(running, "create")
        stream = client.stream("GET", f"/api/v1/jobs/{job}/events", headers={"Accept": "text/event-stream"})
        with stream as response:
            lines = response.iter_lines()
            assert next(lines) == "id: 1"
            running.signal(signal.SIGTERM)
            assert "event: end" not in list(lines)
        assert running.end() == 0


def test_it_answers_at_a_socket_that_it_inherits(kino: Cli) -> None:
    """Who connects before it is started, or between two of them, is answered by the next."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with ThreadPoolExecutor() as pool:
            early = pool.submit(httpx.get, f"{url}/api/v1/backups", timeout=60)
            with server(kino, on=listener) as running:
                assert running.url == url
                assert early.result().status_code == 401
                assert running.get("/backups") == []
                assert running.stop() == 0
            between = pool.submit(httpx.get, f"{url}/api/v1/backups", timeout=60)
            with server(kino, on=listener):
                assert between.result().status_code == 401


def test_two_clients_and_a_terminal_take_turns(kino: Cli) -> None:
    """Who does not want to wait is told which job runs; who does gets a backup of its own."""
    with server(kino) as running, kino.creating() as process:
        with stopped(process.pid):
            job = running_job(running, "create")
            refused = create(running)
            assert refused.status_code == 409
            assert refused.json()["error"]["job"]["id"] == job
            assert refused.json()["error"]["job"]["pid"] == process.pid
            impatient = create(running, Prefer="wait=1")
            assert impatient.status_code == 409
            assert impatient.headers["preference-applied"] == "wait=1"
            pool = ThreadPoolExecutor()
            waiting = [pool.submit(create, running, Prefer="wait=60") for _ in range(2)]
        answers = [each.result() for each in waiting]
        pool.shutdown()
        assert [answer.status_code for answer in answers] == [201, 201]
        assert {answer.headers["preference-applied"] for answer in answers} == {"wait=60"}
        assert len({answer.json()["id"] for answer in answers}) == 2
        assert len(running.get("/backups")) == 3


def test_elsewhere_than_loopback_it_warns(kino: Cli) -> None:
    """Without TLS the key can be read on the way."""
    with server(kino, "--host", "0.0.0.0") as running:  # noqa: S104 - that is what is warned of
        assert "warning: Others can reach http://0.0.0.0:" in running.log.read_text()
    with server(kino) as running:
        assert "warning" not in running.log.read_text()


def test_a_port_that_is_taken_is_named(kino: Cli) -> None:
    """In a sentence, with exit code 2."""
    with server(kino) as running:
        refused = kino.run("serve", "--port", str(running.port))
    assert refused.code == 2
    assert f"Another program listens at 127.0.0.1 port {running.port}." in refused.err


def test_where_it_cannot_listen_nothing_is_left(kino: Cli) -> None:
    """No key was made for a server that there never was."""
    refused = kino.run("serve", "--host", "no.such.host.invalid")
    assert refused.code == 2
    assert "There is no address 'no.such.host.invalid'." in refused.err
    assert not (kino.data_path / ".kino-backup" / "api-key").exists()


@pytest.mark.parametrize(("size", "code"), [("0", 2), ("16", 0), ("12k", 0), ("3.5G", 2), ("-1", 2)])
def test_the_upload_limit_is_a_size(kino: Cli, size: str, code: int) -> None:
    """Of bytes, or with a unit."""
    if code:
        assert kino.run("serve", "--upload-limit", size).code == code
        return
    with server(kino, "--upload-limit", size) as running:
        assert running.stop() == 0


@pytest.mark.parametrize("package", ["fastapi", "uvicorn", "python_multipart"])
def test_without_the_extra_a_sentence_says_what_to_install(kino: Cli, tmp_path: Path, package: str) -> None:
    """Exit code 2, no traceback."""
    missing = tmp_path / "missing"
    missing.mkdir()
    (missing / f"{package}.py").write_text(f"raise ModuleNotFoundError('No module', name='{package}')\n")
    refused = run(kino.arguments("serve"), PYTHONPATH=str(missing))
    assert refused.code == 2
    assert refused.err.startswith(f"error: The HTTP API needs {package.replace('_', '-')}, which is not")
    assert "pip install" in refused.err
    assert len(refused.err.splitlines()) == 2
