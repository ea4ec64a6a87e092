"""Whether Kino's own list of backups says what is there: its page, schedule and retention go by it alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.kino.command import command_for
from kino_backup_tui.core.kino.index import IndexRow
from kino_backup_tui.core.operations.checks.base import NAMED, Check, Facts, good, skipped, some_of, warning
from kino_backup_tui.core.operations.index_view import ahead_text
from kino_backup_tui.core.operations.indexing import repair_command
from kino_backup_tui.core.operations.reindex import IndexState, read_index

_NAME = "index"


def check_index(facts: Facts) -> Iterator[Check]:
    """Nothing is said of a Kino that keeps no such list."""
    now = facts.context.clock.now()
    try:
        state = read_index(facts.session, now)
    except KinoBackupError as error:
        yield skipped(_NAME, f"Kino's own list of backups was not compared: {error.message}", error.hint)
        return
    if not state.is_kept:
        return
    found = list(_problems(state, facts))
    if found:
        yield from found
    else:
        yield good(_NAME, f"Kino's own list names {state.listed} backups, and they are the files there.")


def _problems(state: IndexState, facts: Facts) -> Iterator[Check]:
    kino = facts.context.kino
    run = f"Run: {repair_command(kino)}"
    if state.ahead:
        yield warning(
            _NAME,
            ahead_text(state.ahead),
            f"{run}\nIt lists it as a manual one if its file is there.",
        )
    if state.missing:
        yield warning(
            _NAME,
            f"Kino's own list names {_counted(state.missing)} without a file in {facts.session.location}: "
            f"{some_of([row.filename for row in state.missing])}. Kino shows what it cannot restore.",
            f"{run}\nIf the files are in a former location: "
            f"{command_for(kino, 'schedule', 'set', '--move')} brings them along.",
        )
    if state.leading_out:
        yield warning(
            _NAME,
            f"Kino's own list names {_counted(state.leading_out)} outside its location, which Kino would "
            f"read and delete: {some_of([row.filename for row in state.leading_out])}.",
            f"{run}\nIt removes the entries and touches no such file.",
        )
    if state.superseded:
        yield warning(
            _NAME,
            f"Kino's own list has entries for files that another one has replaced: "
            f"{some_of([row.filename for row in state.superseded])}.",
            run,
        )
    if state.differing:
        names = [backup.filename for backup in state.differing]
        yield warning(
            _NAME,
            f"Kino's own list describes another file than there is: {some_of(names)}.",
            "\n".join(f"Run: {command_for(kino, 'verify', name)}" for name in names[:NAMED]),
        )
    if state.unlisted:
        yield warning(
            _NAME,
            f"Kino's own list, and so its page, lacks {len(state.unlisted)} of the backups: "
            f"{some_of([backup.filename for backup in state.unlisted])}.",
            run,
        )


def _counted(rows: Sequence[IndexRow]) -> str:
    return "a backup" if len(rows) == 1 else f"{len(rows)} backups"
