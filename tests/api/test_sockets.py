"""What may be handed over as a socket, and where one can be had."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from kino_backup_tui.api.sockets import bind, inherited_sockets, is_local, url_of
from kino_backup_tui.core.errors import UsageError

_INHERIT = """
import os, socket, sys
from kino_backup_tui.api.sockets import inherited_sockets, url_of
from kino_backup_tui.core.errors import UsageError
os.dup2(int(sys.argv[1]), 3)
environ = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "x", "OTHER": "stays"}
try:
    (given,) = inherited_sockets(environ)
except UsageError as error:
    sys.exit(error.message)
assert environ == {"OTHER": "stays"}, environ
assert not os.get_inheritable(given.fileno())
print(url_of(given))
"""


def inherit(given: socket.socket) -> subprocess.CompletedProcess[str]:
    """Hand a socket over to a process, as systemd does."""
    command = [sys.executable, "-c", _INHERIT, str(given.fileno())]
    return subprocess.run(command, pass_fds=(given.fileno(),), capture_output=True, text=True, check=False)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_listening_socket_is_taken_over(family: socket.AddressFamily) -> None:
    """And its children do not get it, nor the variables that tell of it."""
    host = "127.0.0.1" if family == socket.AF_INET else "::1"
    with socket.create_server((host, 0), family=family) as listener:
        taken = inherit(listener)
        assert taken.stdout == f"{url_of(listener)}\n", taken.stderr


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_socket_that_does_not_listen_is_refused(kind: socket.SocketKind) -> None:
    """As that of a unit with Accept=yes, or of datagrams."""
    with socket.socket(socket.AF_INET, kind) as odd:
        refused = inherit(odd)
    assert refused.returncode == 1
    assert refused.stderr == "File descriptor 3, from the service manager, is no socket that listens.\n"


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"LISTEN_FDS": "1"},
        {"LISTEN_PID": "1", "LISTEN_FDS": "1"},
        {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "x"},
    ],
)
def test_sockets_for_another_process_are_not_ours(environ: dict[str, str]) -> None:
    """The variables are inherited by children that the sockets are not meant for."""
    assert inherited_sockets(environ) == []
    assert not {"LISTEN_PID", "LISTEN_FDS"} & set(environ)


def test_every_address_of_a_name_is_listened_at_with_one_port() -> None:
    """`localhost` has two on most hosts, and a client takes either."""
    sockets = bind("localhost", 0)
    try:
        assert len({each.getsockname()[1] for each in sockets}) == 1
        assert all(map(is_local, sockets))
    finally:
        for each in sockets:
            each.close()


@pytest.mark.parametrize(
    "host", ["no.such.host.invalid", "192.0.2.7", "::ffff:127.0.0.1", "x" * 300, "\udcff"]
)
def test_an_address_that_is_not_of_this_host_is_refused(host: str) -> None:
    """In a sentence, which says what to give instead."""
    with pytest.raises(UsageError) as refused:
        bind(host, 0)
    assert refused.value.hint == "Give --host an address of this host."
    assert "(" not in refused.value.message


def test_only_loopback_is_local() -> None:
    """What listens everywhere can be reached by everybody."""
    for host, local in (("127.0.0.1", True), ("127.0.0.9", True), ("0.0.0.0", False)):  # noqa: S104
        (listener,) = bind(host, 0)
        with listener:
            assert is_local(listener) is local
