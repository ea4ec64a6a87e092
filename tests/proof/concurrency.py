"""Writers at full speed, two tools, the timer, Kino restarting, restores, all at once; then all is judged.

Every backup that was made in those minutes, those that were removed again included, is restored by the real
code into a data path of its own, and must hold the state after one transaction: one that was the last at some
instant while the copy of the database was made.
"""

from __future__ import annotations

import fcntl
import random
import shutil
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.jobs.lock import current_holder
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import BackupStatus
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.listing import list_backups
from kino_backup_tui.core.operations.plan import plan_restore
from kino_backup_tui.core.operations.restoring import perform
from kino_backup_tui.core.operations.task import Task
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.restore.folders import OLD, restore_folder, transactions, work_folder
from kino_backup_tui.core.restore.journal import is_unsettled, read_record
from kino_backup_tui.core.workspace import workspace_of
from tests.proof import ledger
from tests.proof.crowd import Crowd, Effort, Made, assemble
from tests.proof.figures import Figures, Options
from tests.proof.history import Commits, journals_collected, overlapping, snapshot_times, wrong_turns
from tests.proof.household import Household, running
from tests.proof.visitor import visitors
from tests.proof.writer import read_notes

FACTOR = 10
"""A writer may wait so many times longer than without backups; told, for other programs run here, too."""


@dataclass(frozen=True)
class Case:
    """One run."""

    name: str
    effort: Effort
    writers: int = 2
    megabytes: int = 0
    alone_seconds: float = 10.0
    """How long the writers write beside nobody, for comparison."""


_MANY = 10**6
CASES = (
    Case("5 MB", Effort(_MANY, 180.0, restores=_MANY, kills=_MANY, kill_seconds=10.5)),
    Case("100 MB", Effort(_MANY, 120.0, restores=_MANY, kills=_MANY, kill_seconds=10.5), 4, 100),
)


def run(options: Options) -> Figures:
    """Every case; with a stride, that many times shorter."""
    figures = Figures()
    for case in CASES:
        if options.wants(case.name):
            effort = replace(case.effort, seconds=case.effort.seconds / options.stride)
            disturb(replace(case, effort=effort), figures, options.seed)
    return figures


def disturb(case: Case, figures: Figures, seed: int = 0) -> Crowd:
    """Run one case, judge it, and add its row to the figures."""
    with tempfile.TemporaryDirectory(prefix="kino-proof-") as name:
        base = Path(name).resolve()
        folder, copies = base / "household", base / "copies"
        folder.mkdir()
        copies.mkdir()
        with running(folder, writers=case.writers, megabytes=case.megabytes) as household:
            alone = time.time()
            time.sleep(case.alone_seconds)
            log_alone = household.log_bytes
            crowd = Crowd(household, case.effort, copies, random.Random(seed))  # noqa: S311 - no secret
            beside = time.time()
            with journals_collected(workspace_of(household.kino).jobs) as journals:
                assemble(crowd, *visitors())
            ended = time.time()
            household.rest()
            notes, errors = read_notes(folder)
            commits = Commits(notes)
            broken = [*crowd.complaints, *(f"a writer: {error}" for error in errors)]
            broken += overlapping(journals)
            broken += _left_behind(household)
            broken += _wrong_state(household, commits)
            _keep_the_rest(crowd, ended)
            numbers, wrong = _restored(crowd, base, commits, snapshot_times(journals))
            broken += wrong + wrong_turns(crowd.changes, commits, numbers)
        waits = [commits.waits(alone, beside), commits.waits(beside, ended)]
        _tell(case, figures, crowd, waits, (ended - beside, len(journals), log_alone))
        figures.broken += [f"{case.name}: {text}" for text in broken]
    return crowd


def _restored(
    crowd: Crowd, base: Path, commits: Commits, times: dict[str, tuple[float, float]]
) -> tuple[dict[str, int], list[str]]:
    """Restore each backup: the last transaction in it by its name, and what is wrong."""
    numbers: dict[str, int] = {}
    broken: list[str] = []

    def judge(made: Made) -> None:
        fresh = base / f"fresh-{made.name}"
        try:
            _restore_into(fresh, made.copy)
            found, wrong = ledger.read(fresh / "db.sqlite")
        except (KinoBackupError, sqlite3.Error, OSError) as error:
            broken.append(f"{made.name} cannot be restored: {error}")
            return
        finally:
            made.copy.unlink()
            shutil.rmtree(fresh, ignore_errors=True)
        numbers[made.name] = found.number
        broken.extend(f"{made.name}: {text}" for text in wrong)
        began, ended = times.get(made.name, (made.began, made.ended))
        allowed = commits.last_at(began, ended)
        if not any(first <= found.number <= last for first, last in allowed):
            broken.append(f"{made.name} ends with transaction {found.number}, not one of {allowed}")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(judge, crowd.made.values()))
    untimed = [name for name, made in crowd.made.items() if made.kind != "scheduled" and name not in times]
    return numbers, broken + [f"no journal tells when {name} was made" for name in untimed]


def _restore_into(data_path: Path, archive: Path) -> None:
    """Do what a worker does, where there was nothing before."""
    data_path.mkdir()
    context = Context(Kino(data_path), host="nas01")
    plan = plan_restore(context, archive, Control())
    if plan.blockers:
        raise plan.blockers[0]
    task = Task("20260426T030000-abcdef", "restore", archive, False, plan.fingerprint, True, 180.0, False)
    perform(context, task, Control())


def _keep_the_rest(crowd: Crowd, began: float) -> None:
    """The pre-restore backups, too; of all others there is a copy as of all that was made."""
    for backup in list_backups(Context(crowd.household.kino)).backups:
        if backup.filename not in crowd.made and backup.kind is not None:
            crowd.keep(backup.filename, backup.kind.value, began)


def _wrong_state(household: Household, commits: Commits) -> list[str]:
    """The live database once all has come to rest: nothing of what was committed is missing."""
    found, wrong = ledger.read(household.kino.database)
    last = commits.end_of(household.period())
    if not last.first <= found.number <= last.last:
        wrong.append(f"it ends with transaction {found.number}, the writers with {last}")
    return [f"the live database: {text}" for text in wrong]


def _left_behind(household: Household) -> list[str]:
    """What must not be there once nobody works any more: partial files, copies, locks, damage, processes."""
    kino = household.kino
    workspace = workspace_of(kino)
    wrong = [f"{path.name} lies about" for path in kino.data_path.rglob("*.partial")]
    wrong += [f"scratch/{path.name} lies about" for path in workspace.scratch.glob("*")]
    wrong += [f"{path.name} lies about" for path in restore_folder(workspace).glob("received-*")]
    for name in transactions(workspace):
        sets = {path.name for path in (work_folder(workspace) / name).iterdir() if any(path.iterdir())}
        wrong += [f"the {each} set of a restore lies about" for each in sets - {OLD}]
    if is_unsettled(read_record(workspace)):
        wrong.append("a restore is not settled")
    if (holder := current_holder(workspace)) is not None:
        wrong.append(f"{holder.operation} still holds the lock")
    for path in workspace.folder.iterdir():
        if path.is_file() and not _is_free(path):
            wrong.append(f"{path.name} is still locked")
    for backup in list_backups(Context(kino)).backups:
        if backup.status is not BackupStatus.VERIFIED:
            wrong.append(f"{backup.filename} is {backup.status.value} in the end: {backup.problem}")
    return wrong


def _is_free(path: Path) -> bool:
    with path.open("rb") as stream:
        try:
            fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _tell(
    case: Case, figures: Figures, crowd: Crowd, waits: Sequence[list[float]], run: tuple[float, int, int]
) -> None:
    """Add the row, and what is worth knowing besides."""
    alone, beside = waits
    seconds, jobs, log_alone = run
    factor = beside[-1] / alone[-1]
    kinds = Counter(made.kind for made in crowd.made.values())
    changes = Counter(f"{change.operation}: {change.outcome}" for change in crowd.changes)
    row: dict[str, str | int | float] = {
        "case": case.name,
        "seconds": round(seconds),
        "writers": case.writers,
        "transactions": len(beside),
        "backups judged": sum(kinds.values()),
        "restores and rollbacks": len(crowd.changes),
        "jobs": jobs,
        "Kino killed": crowd.counts["server killed"],
        "writers killed": crowd.counts["writer killed"],
        "p99.9 alone, ms": _milliseconds(alone[len(alone) * 999 // 1000]),
        "p99.9 beside, ms": _milliseconds(beside[len(beside) * 999 // 1000]),
        "longest alone, ms": _milliseconds(alone[-1]),
        "longest beside, ms": _milliseconds(beside[-1]),
        "log alone, MB": round(log_alone / 1e6),
        "log beside, MB": round(crowd.log_peak / 1e6),
    }
    figures.add(**row)
    judged = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    figures.notes.append(
        f"{case.name}: judged {judged}; {_listed(changes)}; ended with {_listed(crowd.counts)}"
    )
    if factor > FACTOR:
        figures.notes.append(f"{case.name}: the longest wait was {factor:.0f} times as long as alone")


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in sorted(counts.items()))
