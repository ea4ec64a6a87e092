"""A service manager for the sample server alone, so that the demo needs neither systemd nor root.

`python -m kino_backup_tui.demo.supervisor --data-path PATH --folder FOLDER` starts the server, says on
standard output where it listens, and takes orders at a socket in the folder (see `control`). It ends the
server and itself on SIGTERM, or when its standard input ends: that is the case when whoever has started it is
gone, however that has happened.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from kino_backup_tui.core.kino.home import DOCUMENTED, LAYOUTS
from kino_backup_tui.demo.control import SOCKET
from kino_backup_tui.demo.service import Service
from kino_backup_tui.demo.signals import signal_pipe, take_signals

_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_ORDER_SECONDS = 2.0


def supervise(service: Service, listener: socket.socket, signals: int) -> None:
    """Restart the server and take orders until this process is to end."""
    owner = sys.stdin.fileno()
    while True:
        ready, _, _ = select.select([signals, listener, owner], [], [], service.wait_seconds)
        if owner in ready and not os.read(owner, 4096):
            return
        if take_signals(signals).intersection(_ENDING):
            return
        service.check()
        if listener in ready:
            with contextlib.suppress(OSError):
                _take_order(service, listener)


def _take_order(service: Service, listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(_ORDER_SECONDS)
        order = connection.recv(64).decode(errors="replace").strip()
        if order == "stop":
            service.stop()
        elif order == "start":
            service.start()
        connection.sendall(f"{service.state}\n".encode())


@contextlib.contextmanager
def _listening(folder: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        # By a relative name: the whole path may be longer than the address of a socket can be (unix(7)).
        with contextlib.chdir(folder):
            listener.bind(SOCKET)
        listener.listen()
        yield listener


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the supervisor; 1 if the server does not start at all."""
    parser = argparse.ArgumentParser(prog="python -m kino_backup_tui.demo.supervisor")
    parser.add_argument("--data-path", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="private, for the socket")
    parser.add_argument("--layout", choices=LAYOUTS, default=DOCUMENTED.name, help="which server it is")
    options = parser.parse_args(arguments)
    service = Service(options.data_path.resolve(), LAYOUTS[options.layout])
    with signal_pipe(*_ENDING, signal.SIGCHLD) as signals, _listening(options.folder) as listener:
        try:
            if not service.start_first():
                return 1
            sys.stdout.write(f"http://127.0.0.1:{service.port} {service.pid}\n")
            sys.stdout.flush()
            supervise(service, listener, signals)
        finally:
            service.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
