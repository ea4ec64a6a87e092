"""Orders to the supervisor of the sample server: `python -m kino_backup_tui.demo.control ORDER FOLDER`.

ORDER is `stop`, `start` or `state`, each answered by a line on how the server is then, or `log`, which prints
the last lines of the server's log.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

SOCKET = "control"
"""In the demo's folder."""
DATA_FOLDER = "kino"
"""The sample data path, in the demo's folder."""
ORDERS = ("stop", "start", "state", "log")
_ANSWER_SECONDS = 30.0
_LOG_LINES = 200


def send_order(order: str, folder: Path) -> str:
    """Send one order to the supervisor and return its answer; raises `OSError` if there is none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_ANSWER_SECONDS)
        # By a relative name: the whole path may be longer than the address of a socket can be (unix(7)).
        with contextlib.chdir(folder):
            connection.connect(SOCKET)
        connection.sendall(f"{order}\n".encode())
        answer = connection.makefile(encoding="utf-8").readline().strip()
    if not answer:
        raise ConnectionResetError("it ended before it answered")
    return answer


def read_log(folder: Path) -> str:
    """The last lines of the server's log; raises `OSError`."""
    text = (folder / DATA_FOLDER / "log" / "kino.log").read_text(encoding="utf-8", errors="replace")
    return "\n".join(text.splitlines()[-_LOG_LINES:])


def main(arguments: Sequence[str]) -> int:
    """Carry out one order; 1 and a reason on standard error if that is not possible, 2 for no order."""
    if len(arguments) != 2 or arguments[0] not in ORDERS:
        sys.stderr.write(f"usage: python -m kino_backup_tui.demo.control {'|'.join(ORDERS)} FOLDER\n")
        return 2
    order, folder = arguments[0], Path(arguments[1])
    try:
        answer = read_log(folder) if order == "log" else send_order(order, folder)
    except OSError as error:
        sys.stderr.write(f"the supervisor of the sample server does not answer: {error}\n")
        return 1
    sys.stdout.write(f"{answer}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
