"""Fifty downloads at once from `serve`, and a backup made meanwhile, beside `python -m http.server`.

    python -m tests.benchmarks.api

Both serve the same folder to the same curl in turns. The other server has no key, no ranges, and nothing that
makes backups: under its load the command line makes them.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.operations.api_key import ensure_api_key
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.progress import Control
from tests.benchmarks.databases import MB, temporary_kino
from tests.benchmarks.measure import COMMAND, Run, print_table, quickest, run, say

PARALLEL = 50
_ROUNDS = 5
_DATABASE_BYTES = 100 * MB


class Source(NamedTuple):
    """A server, where it has the archive, and what makes a backup while it is busy."""

    name: str
    process: subprocess.Popen[str]
    download: tuple[str, ...]
    """Arguments of curl."""
    create: tuple[str, ...]
    """A command."""

    @property
    def peak_bytes(self) -> int:
        """The largest resident size it has had, as proc(5) tells it."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024


@contextlib.contextmanager
def ours(kino: Kino, backup_id: int) -> Iterator[Source]:
    """`serve`, which also makes the backup."""
    command = [COMMAND, "--data-path", str(kino.data_path), "serve", "--port", "0"]
    key = f"X-Api-Key: {ensure_api_key(Context(kino))}"
    with _running(command) as process:
        url = f"{_line(process)}/api/v1/backups"
        create = ("curl", "--silent", "--fail", "--header", key, "--request", "POST", url)
        yield Source("serve", process, ("--header", key, f"{url}/{backup_id}/download"), create)


@contextlib.contextmanager
def theirs(kino: Kino, filename: str) -> Iterator[Source]:
    """The server that comes with Python."""
    folder = str(kino.default_location)
    command = [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory", folder, "0"]
    with _running(command) as process:
        port = _line(process).partition(" port ")[2].split()[0]
        create = (COMMAND, "--data-path", str(kino.data_path), "create")
        yield Source("http.server", process, (f"http://127.0.0.1:{port}/{filename}",), create)


@contextlib.contextmanager
def _running(command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    with process:
        try:
            yield process
        finally:
            process.kill()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _curl(source: Source, count: int) -> list[str]:
    *options, url = source.download
    return [
        *("curl", "--silent", "--parallel", "--parallel-immediate", "--parallel-max", str(PARALLEL)),
        *("--output", "/dev/null", "--write-out", "%{http_code} %{size_download}\n"),
        *options,
        f"{url}?[1-{count}]",
    ]


def download_all(source: Source, size: int) -> Run:
    """Download the archive fifty times at once; raises `RuntimeError` unless each is whole."""
    done = run(_curl(source, PARALLEL))
    if done.output.split("\n") != [*[f"200 {size}"] * PARALLEL, ""]:
        raise RuntimeError(f"{source.name} has not sent everything: {done.output}")
    return done


def create_under_load(source: Source) -> Run:
    """Make a backup while fifty downloads run all the time."""
    with _running(_curl(source, 1_000_000)) as load:
        _line(load)  # the first has ended, so all have begun
        return run(source.create)


def main() -> None:
    """Measure both in turns."""
    with temporary_kino(_DATABASE_BYTES) as kino:
        backup = create_backup(Context(kino), Control(), version="0.4.2").backup
        size = backup.size_bytes
        with ours(kino, backup.id) as our, theirs(kino, backup.filename) as their:
            sources = (our, their)
            say(f"{PARALLEL} downloads of {size / MB:.0f} MB, best of {_ROUNDS} …")
            downloads: dict[str, list[Run]] = {source.name: [] for source in sources}
            creates: dict[str, list[Run]] = {source.name: [] for source in sources}
            loaded: dict[str, list[Run]] = {source.name: [] for source in sources}
            for _ in range(_ROUNDS):
                for source in sources:
                    downloads[source.name].append(download_all(source, size))
                    creates[source.name].append(run(source.create))
                    loaded[source.name].append(create_under_load(source))
            peaks = {source.name: source.peak_bytes for source in sources}
    rows = []
    base = quickest(downloads["http.server"]).seconds
    for name in downloads:
        seconds = quickest(downloads[name]).seconds
        rate = PARALLEL * size / MB / seconds
        alone, busy = quickest(creates[name]).seconds, quickest(loaded[name]).seconds
        rows.append(
            (
                name,
                f"{seconds:.2f} s",
                f"{rate:,.0f} MB/s",
                f"{seconds / base:.2f}",
                f"{alone:.2f} s",
                f"{busy:.2f} s",
                f"{busy / alone:.1f}",
                f"{peaks[name] / MB:.0f} MB",
            )
        )
    head = ("", "downloads", "rate", "ratio", "create alone", "under load", "ratio", "peak memory")
    print_table(f"{PARALLEL} downloads of {size / MB:.0f} MB at once", head, rows)


if __name__ == "__main__":
    main()
