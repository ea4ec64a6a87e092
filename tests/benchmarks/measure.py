"""Running programs side by side, and printing what came of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from kino_backup_tui.core.kino.home import Kino

COMMAND = str(Path(sys.executable).with_name("kino-backup-tui"))
"""The command as it is installed beside this Python."""

# pip compiles what it installs; a checkout has its bytecode from the second run on, unless this forbids it.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

KB = 1024 if sys.platform == "linux" else 1
"""Bytes in the unit of `ru_maxrss`, see getrusage(2)."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a program: wall time, and the peak memory of the largest process of its tree."""

    seconds: float
    peak_bytes: int
    output: str = ""


def run(command: Sequence[str], environ: Mapping[str, str] | None = None) -> Run:
    """Run a program to its end; raises `RuntimeError` if it fails.

    The caller must be small: Linux counts the memory of the process that started a program as the program's.
    """
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environ)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.stdout.close()
    # It has been waited for: without a return code Popen would do so again.
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}")
    return Run(seconds, usage.ru_maxrss * KB, output.decode())


def whole_process(kino: Kino, *words: str) -> Run:
    """The command as an admin types it."""
    return run([COMMAND, "--data-path", str(kino.data_path), *words])


def in_process(kino: Kino, work: str) -> Run:
    """A piece of work of `inside`: its time is without the start of Python, its memory with all that."""
    result = run([sys.executable, "-m", "tests.benchmarks.inside", work, str(kino.data_path)])
    return Run(float(result.output), result.peak_bytes)


def in_turns(ways: Mapping[str, Callable[[], _T]], rounds: int) -> dict[str, list[_T]]:
    """Run each way so many times; they take turns, so that all have the same neighbours."""
    results: dict[str, list[_T]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            results[name].append(way())
    return results


def quickest(runs: Sequence[Run]) -> Run:
    """The run that other processes disturbed least."""
    return min(runs, key=lambda one: one.seconds)


def say(text: str = "") -> None:
    """Print a line at once, so that a long measurement shows where it is."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def print_table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns: the first to the left, the numbers to the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    say(f"\n{title}")
    for row in (head, *rows):
        cells = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        say(f"  {row[0].ljust(widths[0])}  {'  '.join(cells)}")
