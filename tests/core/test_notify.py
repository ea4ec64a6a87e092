"""Telling of failures: a real program and a real web server, and what they must never see or hold up."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kino_backup_tui.core import notify
from kino_backup_tui.core.kino.tool_config import ToolConfig

MESSAGE = {"event": "backup_failed", "host": "nas01", "filename": None, "message": "Ünterwegs"}


class _Hook(ThreadingHTTPServer):
    """A web hook that answers what it is told to, in turn, and keeps what it gets."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[int] = []
        self.got: list[tuple[str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: _Hook

    def do_POST(self) -> None:
        """Keep the request and give the next answer."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, dict(self.headers), body))
        self.send_response(self.server.answers.pop(0))
        self.send_header("Location", f"{self.server.url}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def hook() -> Iterator[_Hook]:
    """A running web hook."""
    with _Hook() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting between the attempts shows nothing."""
    monkeypatch.setattr(notify, "_PAUSES", (0.0, 0.0))


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], tuple[str, ...]]:
    """Make a command of a piece of Python."""
    return lambda text: (sys.executable, "-c", text, str(tmp_path / "got"))


def test_nobody_to_tell_is_no_problem() -> None:
    """And nothing was delivered."""
    assert notify.tell(ToolConfig(), MESSAGE) == (False, ())


def test_a_command_gets_the_message_on_its_standard_input(
    program: Callable[[str], tuple[str, ...]], tmp_path: Path
) -> None:
    """One JSON object, and the end of the file."""
    command = program("import sys; open(sys.argv[1], 'wb').write(sys.stdin.buffer.read())")

    assert notify.tell(ToolConfig(notify_command=command), MESSAGE) == (True, ())
    assert json.loads((tmp_path / "got").read_bytes()) == MESSAGE


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("raise SystemExit(3)", "notify_command ended with exit code 3."),
        ("import os; os.kill(os.getpid(), 9)", "notify_command was ended by signal 9."),
        ("import sys; sys.stdin.close()", ""),
    ],
)
def test_a_command_that_fails_is_a_remark(
    program: Callable[[str], tuple[str, ...]], text: str, problem: str
) -> None:
    """And one that does not want to know is none."""
    told = notify.tell(ToolConfig(notify_command=program(text)), MESSAGE)

    assert told == (not problem, (problem,) if problem else ())


def test_a_command_that_is_not_there_is_a_remark() -> None:
    """In words, without what its arguments may hold."""
    told = notify.tell(ToolConfig(notify_command=("/nowhere/tell", "s3cret")), MESSAGE)

    assert told.problems == ("notify_command could not be run: No such file or directory.",)


def test_a_command_that_does_not_end_is_ended_with_its_children(
    program: Callable[[str], tuple[str, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it has started must not go on, either."""
    monkeypatch.setattr(notify, "COMMAND_SECONDS", 1.0)
    child = "import subprocess, sys, time\np = subprocess.Popen([sys.executable, '-c', 'input()'], "
    child += "stdin=subprocess.PIPE)\nopen(sys.argv[1], 'w').write(str(p.pid))\ntime.sleep(600)"

    told = notify.tell(ToolConfig(notify_command=program(child)), MESSAGE)

    assert told.problems == ("notify_command did not end within 1 seconds, and was ended.",)
    # The kernel ends it in its own time.
    state = Path("/proc", (tmp_path / "got").read_text(), "stat")
    deadline = time.monotonic() + 30
    while _is_alive(state):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _is_alive(state: Path) -> bool:
    try:
        return state.read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_web_hook_gets_the_message(hook: _Hook) -> None:
    """As JSON, with the query and the credentials of its address."""
    hook.answers = [204]
    url = hook.url.replace("//", "//me:s3%3Acret@") + "/nas?topic=kino"

    assert notify.tell(ToolConfig(notify_url=url), MESSAGE) == (True, ())

    path, headers, body = hook.got[0]
    assert path == "/nas?topic=kino"
    assert headers["Content-Type"] == "application/json"
    assert headers["Authorization"] == "Basic bWU6czM6Y3JldA=="
    assert json.loads(body) == MESSAGE


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ([500, 503, 200], ""),
        ([500, 500, 500, 200], "notify_url answered 500."),
        ([429, 200], ""),
        ([404, 200], "notify_url answered 404."),
        ([302, 200], "notify_url answers with a redirect (302), which is not followed."),
        ([307, 200], "notify_url answers with a redirect (307), which is not followed."),
    ],
)
def test_what_may_pass_is_tried_three_times(hook: _Hook, answers: list[int], problem: str) -> None:
    """What will be no better the next time is not tried again; a redirect is never followed."""
    hook.answers = list(answers)

    told = notify.tell(ToolConfig(notify_url=f"{hook.url}/s3cret"), MESSAGE)

    assert told.problems == ((problem,) if problem else ())
    assert {path for path, _, _ in hook.got} == {"/s3cret"}
    assert len(hook.got) <= 3


def test_nobody_listens(hook: _Hook) -> None:
    """Told without the address."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]

    told = notify.tell(ToolConfig(notify_url=f"http://127.0.0.1:{port}/s3cret"), MESSAGE)

    assert told.problems == ("notify_url could not be reached (ConnectionRefusedError).",)


@pytest.mark.parametrize("trickle", [False, True])
def test_a_web_hook_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch, trickle: bool) -> None:
    """Also one that answers a byte at a time, which no time limit of a socket ends."""
    monkeypatch.setattr(notify, "HOOK_SECONDS", 0.3)
    stop = threading.Event()

    def serve(server: socket.socket) -> None:
        peers = []
        while not stop.wait(0.05):
            with suppress(OSError):
                peers.append(server.accept()[0])
            for peer in peers if trickle else ():
                with suppress(OSError):
                    peer.send(b"H")
        for peer in peers:
            peer.close()

    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.settimeout(0.05)
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        told = notify.tell(
            ToolConfig(notify_url=f"http://127.0.0.1:{server.getsockname()[1]}/s3cret"), MESSAGE
        )
        stop.set()
        thread.join()

    assert not told.delivered
    assert told.problems[0].startswith("notify_url ")
    assert "s3cret" not in told.problems[0]


@pytest.mark.parametrize(
    "answer",
    [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 " + b"x" * 100_000, b"\xff\xff"],
    ids=["nothing", "nonsense", "a line without end", "no text"],
)
def test_an_answer_that_is_none_is_a_remark(answer: bytes) -> None:
    """From something that is no web server."""

    def serve() -> None:
        for _ in range(3):
            peer, _ = server.accept()
            with peer, suppress(OSError):
                peer.recv(65536)
                peer.sendall(answer)
                peer.shutdown(socket.SHUT_WR)
                peer.recv(65536)

    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        threading.Thread(target=serve, daemon=True).start()
        port = server.getsockname()[1]
        told = notify.tell(ToolConfig(notify_url=f"http://127.0.0.1:{port}/s3cret"), MESSAGE)

    assert len(told.problems) == 1
    assert "s3cret" not in told.problems[0]


def test_one_way_that_works_is_enough(hook: _Hook, program: Callable[[str], tuple[str, ...]]) -> None:
    """It is delivered; the other way is told of."""
    hook.answers = [200]
    config = ToolConfig(notify_command=program("raise SystemExit(1)"), notify_url=hook.url)

    assert notify.tell(config, MESSAGE) == (True, ("notify_command ended with exit code 1.",))
