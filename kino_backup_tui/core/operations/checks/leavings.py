"""What was left lying about, and what others than its owner can read."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from kino_backup_tui.core.errors import KinoBackupError, UndecidedError
from kino_backup_tui.core.files import name_of_user
from kino_backup_tui.core.jobs.lock import current_holder
from kino_backup_tui.core.kino.command import command_for
from kino_backup_tui.core.models import EntryRole
from kino_backup_tui.core.operations.checks.base import (
    NAMED,
    Check,
    Facts,
    failure,
    good,
    skipped,
    some_of,
    warning,
)
from kino_backup_tui.core.operations.last_restore import interrupted
from kino_backup_tui.core.restore.folders import work_folder
from kino_backup_tui.core.restore.journal import is_unsettled, read_record
from kino_backup_tui.core.restore.kept import needless_transactions
from kino_backup_tui.core.sizes import size_text
from kino_backup_tui.core.supervisors.held import is_holding
from kino_backup_tui.core.supervisors.systemd import SystemdSupervisor
from kino_backup_tui.core.workspace import is_abandoned

_MOST_FILES = 5000


def check_restore(facts: Facts) -> Iterator[Check]:
    """A restore that was interrupted keeps Kino from starting; so does a gate that it has left."""
    name, workspace = "restore", facts.session.workspace
    if (closed := workspace.closed_problem()) is not None:
        yield skipped(name, closed.message, closed.hint)
        return
    left = interrupted(facts.context)
    if left is not None:
        yield failure(
            name, UndecidedError(left.text, hint=f"Run: {command_for(facts.context.kino, 'apply')}")
        )
        return
    if current_holder(workspace) is not None:
        yield good(name, "An operation is running now.")
        return
    gate = facts.supervisor.gate_path if isinstance(facts.supervisor, SystemdSupervisor) else None
    if gate is not None and os.path.lexists(gate):
        yield warning(
            name,
            f"{gate} is left of a restore that is over; it asks kino-backup-tui before each start of Kino.",
            f"Run: {command_for(facts.context.kino, 'apply')}",
        )
    elif is_holding(facts.context.kino):
        yield warning(
            name,
            f"{facts.supervisor.name} is still kept from starting by itself, for a restore that is over.",
            f"Run: {command_for(facts.context.kino, 'apply')}",
        )
    else:
        yield good(name, "No restore was interrupted.")


def check_leftovers(facts: Facts) -> Iterator[Check]:
    """Unfinished archives, copies that a killed run has left, and what a restore that is over has left."""
    backups, _ = facts.session.scan()
    partials = [
        backup.path for backup in backups if backup.role is EntryRole.LEFTOVER and is_abandoned(backup.path)
    ]
    scratch = facts.session.workspace.scratch
    copies = [folder for folder in _entries(scratch) if is_abandoned(folder)]
    sets = _needless_sets(facts)
    if sets:
        size = sum(_bytes(path) for path in sets)
        yield warning(
            "leftovers",
            f"Files of a restore that is over take {size_text(size)}: {some_of(sets)}.",
            f"Run: {command_for(facts.context.kino, 'apply')}",
        )
    if not partials and not copies:
        if not sets:
            yield good("leftovers", "Nothing unfinished lies about.")
        return
    size = sum(_bytes(path) for path in (*partials, *copies))
    yield warning(
        "leftovers",
        f"Unfinished files of runs that were killed take {size_text(size)}: {some_of([*partials, *copies])}.",
        f"The next backup removes them: {command_for(facts.context.kino, 'create')}",
    )


def check_kinos_own(facts: Facts) -> Iterator[Check]:
    """What Kino itself leaves behind: whole databases, with all credentials in them."""
    layout = facts.context.kino.layout
    places = (
        (facts.context.kino.data_path, layout.leavings),
        (facts.session.location, layout.location_leavings),
    )
    left = [
        path for folder, patterns in places for pattern in patterns for path in sorted(folder.glob(pattern))
    ]
    if not left:
        return
    size = sum(_bytes(path) for path in left)
    yield warning(
        "kino_leftovers",
        f"Kino's own backups and restores have left {size_text(size)} of copies of its database, which it "
        f"never removes: {some_of(left)}.",
        f"Once Kino is well, and makes no backup just now: rm {shlex.join(map(str, left[:NAMED]))}",
    )


def check_privacy(facts: Facts) -> Iterator[Check]:
    """Archives hold credentials: nobody but their owner has any business with them."""
    name = "privacy"
    backups, _ = facts.session.scan()
    open_to_all = [
        backup.path
        for backup in backups
        if backup.role is not EntryRole.FOREIGN and _others_read(backup.path) and _others_reach(backup.path)
    ]
    folder = facts.session.workspace.folder
    if folder.is_dir() and stat.S_IMODE(folder.lstat().st_mode) & 0o077:
        yield warning(name, f"Others may look into {folder}.", f"Run: chmod 700 {shlex.quote(str(folder))}")
    if open_to_all:
        places = sorted({path.parent for path in open_to_all})
        yield warning(
            name,
            f"Every user of this host can read {len(open_to_all)} of the backups, with all credentials in "
            f"them: {some_of(open_to_all)}.",
            "\n".join(f"Run: chmod go-rwx {shlex.quote(str(place))}/kino-backup-*" for place in places),
        )
    else:
        yield good(name, "No other user can read the backups.")


def check_owners(facts: Facts) -> Iterator[Check]:
    """Files in the working folder that Kino's user could not change."""
    workspace = facts.session.workspace
    if not workspace.folder.is_dir():
        yield good("owners", f"{workspace.folder} is not there yet.")
        return
    foreign = [path for path in _below(workspace.folder) if path.lstat().st_uid != workspace.owner.uid]
    if not foreign:
        yield good("owners", f"All of {workspace.folder} belongs to the owner of Kino's database.")
        return
    owner, uid = workspace.owner, foreign[0].lstat().st_uid
    theirs = name_of_user(uid) or f"#{uid}"
    yield warning(
        "owners",
        f"{len(foreign)} files in {workspace.folder} belong to {theirs}, and not to the owner of "
        f"Kino's database: {some_of(foreign)}.",
        f"Run: chown -R -h {owner.uid}:{owner.gid} {shlex.quote(str(workspace.folder))}",
    )


def _needless_sets(facts: Facts) -> list[Path]:
    """What nobody can go back to any more; the end of a restore removes it, unless it was killed."""
    workspace = facts.session.workspace
    try:
        record = read_record(workspace)
        if record is None or is_unsettled(record):
            return []
        needless = needless_transactions(workspace, record, facts.context.clock.now())
    except (OSError, KinoBackupError):
        return []
    return [work_folder(workspace) / transaction for transaction in needless]


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _below(folder: Path) -> Iterator[Path]:
    yield folder
    count = 0
    for above, folders, files in os.walk(folder):
        for name in (*folders, *files):
            count += 1
            path = Path(above, name)
            if count <= _MOST_FILES and os.path.lexists(path):
                yield path


def _bytes(path: Path) -> int:
    total = 0
    for each in _below(path) if path.is_dir() else (path,):
        try:
            total += each.lstat().st_size
        except OSError:
            continue
    return total


def _others_read(path: Path) -> bool:
    try:
        return bool(path.lstat().st_mode & stat.S_IROTH)
    except OSError:
        return False


def _others_reach(path: Path) -> bool:
    """Whether all folders above let others through."""
    try:
        return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.parents)
    except OSError:
        return False
