"""Archives damaged in every way there is: each is refused by name, or holds exactly what it held before.

All of them are given to the reader that verify, import and restore share. Some hundred also go through
import and the plan of a restore as a whole. Whatever is in an archive, reading it ends in time, in bounded
memory, in an error of ours, and with no file anywhere that was not there before.
"""

from __future__ import annotations

import io
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from kino_backup_tui.core.archive.manifest import Content
from kino_backup_tui.core.archive.verify import read_archive
from kino_backup_tui.core.errors import ArchiveError, IncompatibleError, KinoBackupError
from kino_backup_tui.core.kino.home import WORKING_FOLDER
from kino_backup_tui.core.models import BackupStatus
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.import_ import import_backup
from kino_backup_tui.core.operations.restore import plan_restore
from kino_backup_tui.core.progress import Control
from tests.core.archive.test_hostile import DAMAGED, HOSTILE
from tests.proof.corpus import honest_archives
from tests.proof.figures import Figures, Options
from tests.proof.mutants import Mutant, at_random, flipped, lied, rearranged, truncated

MOST_BYTES = 64 << 20
"""Memory that reading an archive may take."""
MOST_SECONDS = 5.0
"""For an archive of at most some megabytes; far above what any of them takes."""
_RANDOM = 20_000


@dataclass
class Tally:
    """What reading some archives has come to."""

    refused: Counter[str] = field(default_factory=Counter)
    """By the code of the error."""
    harmless: int = 0
    """Read, with every member as it was."""
    longest: float = 0.0
    """Seconds."""
    broken: list[str] = field(default_factory=list)


def judge(mutants: Iterator[Mutant], whole: bytes, *, told: bool = True) -> Tally:
    """Read each of them; `told` if the archive lists its contents, so that any change can be noticed."""
    tally = Tally()
    expected = dict(_by_path(whole))
    for name, data in mutants:
        begin = time.monotonic()
        try:
            found = dict(_by_path(data))
        except (ArchiveError, IncompatibleError) as error:
            tally.refused[error.code] += 1
            if not error.message.endswith((".", "?")):
                tally.broken.append(f"{name}: {error.message!r} is no sentence")
        except Exception as error:
            tally.broken.append(f"{name}: {type(error).__name__}: {error}")
        else:
            if found != expected and told:
                tally.broken.append(f"{name}: read without a complaint, with other contents")
            tally.harmless += 1
        tally.longest = max(tally.longest, time.monotonic() - begin)
    if tally.longest > MOST_SECONDS:
        tally.broken.append(f"reading took {tally.longest:.1f} s")
    return tally


def _by_path(archive: bytes) -> Iterator[tuple[str, Content]]:
    for content in read_archive(io.BytesIO(archive), lambda _count: None).contents:
        yield content.path, content


def carried_in(context: Context, mutants: Iterator[Mutant], folder: Path) -> Tally:
    """Import each of them, and plan a restore from it; what is refused leaves no trace in the data path."""
    tally = Tally()
    for name, data in mutants:
        source = folder / "given.tar.gz"
        source.write_bytes(data)
        before = _files(context.kino.data_path)
        begin = time.monotonic()
        try:
            plan = plan_restore(context, source, Control())
            imported = import_backup(context, source, Control()).backup
        except KinoBackupError as error:
            tally.refused[error.code] += 1
            if _files(context.kino.data_path) != before:
                tally.broken.append(f"{name}: refused, and something is left behind or changed")
        except Exception as error:
            tally.broken.append(f"{name}: {type(error).__name__}: {error}")
        else:
            tally.harmless += 1
            if not plan.blockers and imported.status is not BackupStatus.VERIFIED:
                tally.broken.append(f"{name}: restorable, and not verified")
            imported.path.unlink()
        tally.longest = max(tally.longest, time.monotonic() - begin)
    return tally


def _files(folder: Path) -> dict[str, bytes]:
    """What is in a data path, but for the memory of this program: jobs, lock and cache."""
    ours = folder / WORKING_FOLDER
    passing = {ours / "lock", *ours.glob("catalog.*")}
    return {
        str(path): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path not in passing and path.parent != ours / "jobs"
    }


def memory() -> int:
    """The most memory this process has had, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def run(options: Options) -> Figures:
    """Damage every archive of the corpus in every way, and read the hostile ones."""
    figures = Figures()
    with honest_archives() as (context, archives):
        ways: Mapping[str, Callable[[bytes], Iterator[Mutant]]] = {
            "each bit flipped": lambda archive: flipped(archive, options.stride),
            "cut at each block": truncated,
            "members rearranged": rearranged,
            "manifest edited": lied,
            "at random": lambda archive: at_random(archive, options.seed, _RANDOM // options.stride),
        }
        before = memory()
        for packer, archive in archives.items():
            for way, mutate in ways.items():
                if options.wants(way):
                    tally = judge(
                        mutate(archive), archive, told=packer != "Kino 0.3" and way != "manifest edited"
                    )
                    _report(figures, f"{packer}: {way}", tally)
        if options.wants("hostile"):
            tally = judge(hostile(), archives["ours"])
            if tally.harmless:
                tally.broken.append(f"{tally.harmless} of the hostile archives were taken")
            _report(figures, "hostile ones", tally)
        if options.wants("carried in"):
            with tempfile.TemporaryDirectory() as folder:
                given = chain(hostile(), *(way(archives["ours"]) for way in (rearranged, lied)))
                _report(figures, "carried in", carried_in(context, given, Path(folder)))
        grown = memory() - before
        figures.notes.append(f"Memory grew by {grown / 2**20:.0f} MB at most.")
        if grown > MOST_BYTES + _LARGEST_MUTANT:
            figures.broken.append(f"Memory grew by {grown / 2**20:.0f} MB.")
    return figures


_LARGEST_MUTANT = 64 << 20
"""The hostile archives themselves are made in this process, and unpacked by nobody."""


def hostile() -> Iterator[Mutant]:
    """The archives that the tests of the reader have."""
    for name, build in {**HOSTILE, **DAMAGED}.items():
        yield name, build()


def _report(figures: Figures, case: str, tally: Tally) -> None:
    figures.add(
        archives=case,
        cases=tally.harmless + tally.refused.total() + len(tally.broken),
        refused=tally.refused.total(),
        harmless=tally.harmless,
        errors=", ".join(f"{code} {count}" for code, count in tally.refused.most_common()),
        longest_ms=round(tally.longest * 1000),
    )
    figures.broken += [f"{case}, {what}" for what in tally.broken]
