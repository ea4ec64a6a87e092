"""The sockets of the server: bound by itself, or handed over by systemd (sd_listen_fds(3))."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from collections.abc import MutableMapping

from kino_backup_tui.core.errors import KinoBackupError, NotPermittedError, UsageError

_FIRST = 3
"""SD_LISTEN_FDS_START."""
_VARIABLES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


def inherited_sockets(environ: MutableMapping[str, str]) -> list[socket.socket]:
    """Those that systemd has handed over to this very process; none if it was not started so.

    The variables are taken out of the environment, so that no child takes them for its own. Raises
    `UsageError` if one is not a listening stream socket: a unit with `Accept=yes`, or of datagrams.
    """
    told = {name: environ.pop(name, "") for name in _VARIABLES}
    if told["LISTEN_PID"] != str(os.getpid()) or not told["LISTEN_FDS"].isdecimal():
        return []
    sockets = []
    for descriptor in range(_FIRST, _FIRST + int(told["LISTEN_FDS"])):
        os.set_inheritable(descriptor, False)
        try:
            given = socket.socket(fileno=descriptor)
            listens = given.type == socket.SOCK_STREAM and given.getsockopt(
                socket.SOL_SOCKET, socket.SO_ACCEPTCONN
            )
        except OSError:
            listens = False
        if not listens:
            raise UsageError(
                f"File descriptor {descriptor}, from the service manager, is no socket that listens.",
                hint="The socket unit needs ListenStream= and Accept=no.",
            )
        sockets.append(given)
    return sockets


def bind(host: str, port: int) -> list[socket.socket]:
    """Listen at every address of a host name.

    Raises `UsageError` for a name or a port that cannot be had, `NotPermittedError`.
    """
    where = f"{host} port {port}"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        raise UsageError(
            f"There is no address {host!r}.", hint="Give --host an address of this host."
        ) from error
    sockets: list[socket.socket] = []
    for family, _kind, _protocol, _name, address in dict.fromkeys(found):
        try:
            # Where the system picks the port, all addresses of a name get the same one.
            picked = sockets[0].getsockname()[1] if sockets else port
            sockets.append(socket.create_server((address[0], picked), family=family, backlog=128))
        except OSError as error:
            for each in sockets:
                each.close()
            raise _refusal(error, where) from error
    return sockets


def url_of(listener: socket.socket) -> str:
    """Where a socket can be reached, as a URL; the path of one that is a file."""
    address = listener.getsockname()
    if not isinstance(address, tuple):
        return f"unix:{address}"
    host = f"[{address[0]}]" if listener.family == socket.AF_INET6 else address[0]
    return f"http://{host}:{address[1]}"


def is_local(listener: socket.socket) -> bool:
    """Whether nobody but this host can reach it."""
    address = listener.getsockname()
    return not isinstance(address, tuple) or ipaddress.ip_address(address[0].partition("%")[0]).is_loopback


def _refusal(error: OSError, where: str) -> KinoBackupError:
    if error.errno == errno.EADDRINUSE:
        return UsageError(
            f"Another program listens at {where}.", hint="End it, or give --port another number; 0 finds one."
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return NotPermittedError(
            f"This user may not listen at {where}.", hint="Give --port a number above 1023."
        )
    return UsageError(f"It is not possible to listen at {where}: {error.strerror}.")
