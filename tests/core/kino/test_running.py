"""A running Kino is a process that has this database open; its version is what that process answers."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.processes import Endpoint, holders, listening
from kino_backup_tui.core.kino.running import KinoState, ask_version, observe

SERVER = """
import http.server, socketserver, sqlite3, sys
database, lock, status, body = sys.argv[1:]
held = []
if database:
    held.append(sqlite3.connect(database))
    held[0].execute("SELECT * FROM film").fetchall()
if lock:
    held.append(open(lock, "a"))

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        code = int(status) if self.path.endswith("/api/v1/status") else 404
        self.send_response(code)
        self.end_headers()
        self.wfile.write(body.encode())
    def log_message(self, *_arguments):
        pass

with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
"""
ANSWER = json.dumps({"version": "0.4.2", "status": "ok"})


class Server:
    """A real process that may hold the database and answers on a loopback port."""

    def __init__(self, database: str = "", lock: str = "", status: int = 200, body: str = ANSWER) -> None:
        command = [sys.executable, "-c", SERVER, database, lock, str(status), body]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def end(self) -> None:
        """Stop it and wait until it is gone."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


Start = Callable[..., Server]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts servers, and ends them after the test."""
    servers: list[Server] = []

    def start_one(*arguments: str, **options: str | int) -> Server:
        servers.append(Server(*arguments, **options))  # type: ignore[arg-type]
        return servers[-1]

    yield start_one
    for server in servers:
        server.end()


@pytest.fixture
def kino(tmp_path: Path) -> Kino:
    """A Kino whose database is in WAL mode, as it runs."""
    kino = Kino(tmp_path)
    _make_database(kino.database)
    return kino


def _make_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("PRAGMA journal_mode = WAL; CREATE TABLE film (a);")


ABSENT = False if holders([Path(__file__)]).complete else None
"""What is known where nothing was found: some machines hide processes even from root."""


def test_the_process_and_its_version_are_found(kino: Kino, start: Start) -> None:
    """The port is found from the process, not guessed."""
    server = start(str(kino.database))
    assert observe(kino) == KinoState(
        True, server.pid, "0.4.2", server.url, f"process {server.pid} has the database open"
    )


def test_nothing_that_has_it_open_is_not_running(kino: Kino) -> None:
    """Our own connection does not count."""
    with closing(sqlite3.connect(kino.database)) as connection:
        connection.execute("SELECT * FROM film").fetchall()
        state = observe(kino)
    assert (state.running, state.pid, state.version) == (ABSENT, None, None)


@pytest.mark.skipif(shutil.which("unshare") is None or os.geteuid() != 0, reason="needs a process namespace")
def test_not_running_is_said_only_where_every_process_was_seen(kino: Kino) -> None:
    """In a namespace with no other process the answer is a plain no."""
    script = (
        "import sys; from pathlib import Path; from kino_backup_tui.core.kino.home import Kino;"
        "from kino_backup_tui.core.kino.running import observe; print(observe(Kino(Path(sys.argv[1]))))"
    )
    command = [
        "unshare",
        "--pid",
        "--fork",
        "--mount-proc",
        sys.executable,
        "-c",
        script,
        str(kino.data_path),
    ]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0 and "unshare" in answer.stderr:
        pytest.skip("this machine makes no process namespaces")
    assert answer.stdout.strip() == str(KinoState(False, how="no process has the database open"))


def test_another_kino_is_not_taken_for_this_one(kino: Kino, tmp_path: Path, start: Start) -> None:
    """Another database of the same name, with an answering server, changes nothing."""
    (tmp_path / "other").mkdir()
    other = Kino(tmp_path / "other")
    _make_database(other.database)
    start(str(other.database))
    assert (observe(kino).running, observe(kino).pid) == (ABSENT, None)


def test_another_run_of_this_program_is_not_kino(kino: Kino, start: Start) -> None:
    """Who has the lock of the working folder is taking a database snapshot."""
    lock = kino.data_path / ".kino-backup" / "lock"
    lock.parent.mkdir()
    lock.touch()
    start(str(kino.database), str(lock))
    assert (observe(kino).running, observe(kino).pid) == (ABSENT, None)
    server = start(str(kino.database))
    assert observe(kino).pid == server.pid


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, ANSWER),
        (200, "<html>"),
        (200, "[1]"),
        (200, '{"version": 4}'),
        (200, '{"version": "1; rm"}'),
        (200, '{"version": ""}'),
        (200, json.dumps({"version": "1" * 65})),
        (200, json.dumps({"padding": "x" * 70_000, "version": "1"})),
        (200, "[" * 60_000),
    ],
    ids=["error", "html", "list", "number", "odd text", "empty", "long", "large", "nested"],
)
def test_an_answer_that_is_no_version_is_none(kino: Kino, start: Start, status: int, body: str) -> None:
    """It runs all the same."""
    server = start(str(kino.database), "", status, body)
    assert observe(kino) == KinoState(True, server.pid, how=f"process {server.pid} has the database open")


def test_the_configured_address_is_asked(kino: Kino, start: Start) -> None:
    """It is used instead of the ports of the process, a path in it included."""
    holder = start(str(kino.database))
    proxy = start("", "", 200, '{"version": "0.5.0+proxy"}')
    state = observe(kino._replace(url=f"{proxy.url}/kino"))
    assert (state.pid, state.version, state.url) == (holder.pid, "0.5.0+proxy", f"{proxy.url}/kino")


def test_an_address_where_nobody_listens_is_no_version(start: Start) -> None:
    """Refused connections are not errors."""
    server = start()
    server.end()
    assert ask_version(server.url) is None


def test_a_database_behind_a_link_is_the_same_database(kino: Kino, tmp_path: Path, start: Start) -> None:
    """The -wal lies beside the real file."""
    moved = tmp_path / "fast-disk"
    moved.mkdir()
    kino.database.rename(moved / "kino-live.sqlite")
    kino.database.symlink_to("fast-disk/kino-live.sqlite")
    server = start(str(kino.database))
    assert observe(kino).pid == server.pid


def test_a_missing_database_means_not_running(tmp_path: Path) -> None:
    """There is nothing anybody could have open."""
    assert observe(Kino(tmp_path)) == KinoState(False, how="there is no database")


def test_who_may_not_look_does_not_know(
    public_path: Path,
    start: Start,
    nobody: Callable[[], AbstractContextManager[None]],
    unprivileged_name: str,
) -> None:
    """Processes of other users cannot be excluded; a configured address still tells the version."""
    kino = Kino(public_path)
    _make_database(kino.database)
    answering = start()
    if os.geteuid() == 0:
        start(str(kino.database))
    with nobody():
        unknown = observe(kino)
        told = observe(kino._replace(url=answering.url))
    assert unknown == KinoState(None, how=f"{unprivileged_name} may not look into every process")
    assert told == KinoState(None, None, "0.4.2", answering.url, f"{answering.url} answers")


def test_holders_of_several_files_are_told_once(kino: Kino, start: Start) -> None:
    """Each process counts once, in order, however many of the files it has open."""
    pids = sorted(start(str(kino.database)).pid for _ in range(2))
    wal = kino.database.with_name("db.sqlite-wal")
    assert list(holders([kino.database, wal]).pids) == pids
    assert holders([kino.data_path / "missing"]).pids == ()


def test_listening_sockets_are_read_from_the_kernels_table() -> None:
    """IPv4 and IPv6, particular and any address; other sockets and states are left out."""
    tcp = (
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        "   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:0 0 1000 0 11 1 0 100 0 0 10 0\n"
        "   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:0 0 1000 0 12 1 0 100 0 0 10 0\n"
        "   2: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:0 0 1000 0 99 1 0 100 0 0 10 0\n"
        "   3: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:0 0 1000 0 13 1 0 100 0 0 10 0\n"
    )
    tcp6 = (
        "  sl  local_address                         remote_address                        st ...\n"
        "   0: 00000000000000000000000000000000:0050 0:0 0A 0:0 0:0 0 0 0 11 1 0\n"
        "   1: B80D0120000000000000000001000000:1F90 0:0 0A 0:0 0:0 0 0 0 12 1 0\n"
    )
    sockets = {"11", "12", "13"}
    assert list(listening(tcp, sockets)) == [Endpoint("127.0.0.1", 80), Endpoint("127.0.0.1", 8080)]
    assert list(listening(tcp6, sockets)) == [Endpoint("::1", 80), Endpoint("2001:db8::1", 8080)]
