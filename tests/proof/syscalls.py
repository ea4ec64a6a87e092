"""What some work asks of the kernel: recorded call by call, or with one of the calls failing or killing it.

By strace(1), for it is the kernel's own view: it sees what SQLite, buffered files and child processes write
as well as Python's calls, needs nothing in the program under test, and no library preloaded into it. The work
runs in a fork of this process that waits, stopped, until strace has attached to it.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from typing import NamedTuple

from tests.proof.places import folder_in_memory
from tests.proof.points import Ending, Work, outcome_of

TRACED = (
    "open,openat,creat,read,pread64,write,pwrite64,writev,pwritev,lseek,truncate,ftruncate,fallocate,"
    "copy_file_range,sendfile,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir,"
    "symlink,symlinkat,chmod,fchmod,fchmodat,chown,fchown,fchownat,fsync,fdatasync,sync_file_range,msync"
)
_ATTACHED = "attached"
_MOST_BYTES = "4000000"
# The number of the process is there if there may be several.
_CALL = re.compile(r"(?:(\d+) +)?(\w+)\((.*)\) += (-?\d+|\?)(<[^>]*>)?(?: (E[A-Z]+)?.*?)?( \(INJECTED\))?")
_UNFINISHED = re.compile(r"(\d+) +(\w+)\((.*?),? *<unfinished \.\.\.>")
_RESUMED = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)")
_HEX = re.compile(r"\\x([0-9a-f]{2})")


class Call(NamedTuple):
    """A system call that has ended."""

    pid: int
    name: str
    arguments: tuple[str, ...]
    """As strace prints them, strings in hexadecimal."""
    result: int
    path: str = ""
    """Of the descriptor it has returned."""
    error: str = ""
    """Name of the error number."""
    injected: bool = False


def has_strace() -> bool:
    """Whether strace is installed and may trace here."""
    if shutil.which("strace") is None:
        return False
    probe = subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, check=False)
    return probe.returncode == 0


def record(work: Work) -> tuple[Ending, list[Call]]:
    """Do some work in a process of its own; how that ended, and its calls in the order of their ends."""
    return _traced(work, ["-f", "-e", f"trace={TRACED}"])


def failing(work: Work, name: str, number: int, fault: str) -> tuple[Ending, list[Call]]:
    """The same with its n-th call of a name, from 1 on, ending as `fault` says: "error=EIO", "signal=KILL".

    Recorded are the calls of that name alone, and none of other processes.
    """
    return _traced(work, ["-e", f"trace={name}", "-e", f"inject={name}:{fault}:when={number}"])


def text(argument: str) -> str:
    """A string argument, decoded."""
    return os.fsdecode(data(argument))


def data(argument: str) -> bytes:
    """The same as bytes."""
    start, end = argument.index('"') + 1, argument.rindex('"')
    if argument[end + 1 :].startswith("..."):
        raise ValueError("the call was too long to be recorded whole")
    return bytes.fromhex(argument[start:end].replace("\\x", ""))


def descriptor_path(argument: str) -> str:
    """The path that strace shows behind a descriptor; empty if it has none."""
    _, _, rest = argument.partition("<")
    return _HEX.sub(lambda match: chr(int(match[1], 16)), rest.removesuffix(">"))


def _traced(work: Work, options: list[str]) -> tuple[Ending, list[Call]]:
    def stopped() -> None:
        os.kill(os.getpid(), signal.SIGSTOP)
        work()

    with folder_in_memory() as folder:
        log = folder / "log"

        def attach(child: int) -> None:
            os.waitpid(child, os.WUNTRACED)
            command = ["strace", "-y", "-xx", "-s", _MOST_BYTES, "-o", str(log), "-p", str(child)]
            command += options
            tracers.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
            stderr = tracers[0].stderr
            assert stderr is not None
            said = stderr.readline()
            os.kill(child, signal.SIGCONT)
            if _ATTACHED not in said:
                raise RuntimeError(f"strace does not attach: {said.strip()}")

        tracers: list[subprocess.Popen[str]] = []
        ending = outcome_of(stopped, attach)
        tracers[0].communicate()
        return ending, list(_calls(log.read_text().splitlines()))


def _calls(lines: list[str]) -> Iterator[Call]:
    begun: dict[str, str] = {}
    for line in lines:
        if unfinished := _UNFINISHED.fullmatch(line):
            begun[unfinished[1]] = unfinished[3]
            continue
        if resumed := _RESUMED.fullmatch(line):
            first = begun.pop(resumed[1], "")
            rest = resumed[3].lstrip()
            joint = ", " if first and not rest.startswith((")", ",")) else ""
            line = f"{resumed[1]} {resumed[2]}({first}{joint}{rest}"
        if (match := _CALL.fullmatch(line)) is None or match[4] == "?":
            continue
        path = _HEX.sub(lambda found: chr(int(found[1], 16)), (match[5] or "<>")[1:-1])
        arguments = tuple(match[3].split(", "))
        yield Call(
            int(match[1] or 0), match[2], arguments, int(match[4]), path, match[6] or "", bool(match[7])
        )
