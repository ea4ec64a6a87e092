"""Kino's own list of its backups, beside the files: the table `backup` of Kino 0.3.

Kino's web page shows, downloads, restores and deletes what the table lists, and its schedule and retention
look at nothing else. So it is kept in step with the files; the files decide. Kino may run and write
meanwhile: every change is one short transaction. As Kino's documentation describes it, there is no such list.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.settings import KEEP_ALL
from kino_backup_tui.core.models import Migration

SCHEDULED, MANUAL = "scheduled", "manual"


class IndexRow(NamedTuple):
    """One row; without an id and a schema version it is one that is to be put."""

    kind: str
    filename: str
    """Of a file in the current location. What Kino wrote is a bare name, but nothing enforces that."""
    size_bytes: int
    kino_version: str
    checksum_sha256: str
    """Of the archive file, in lower-case hexadecimal."""
    created_at: str
    """RFC 3339, in UTC with the offset +00:00."""
    schema_version: int | None = None
    id: int | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the name is that of a file in a folder; one that leads elsewhere is never followed."""
        return self.filename not in ("", ".", "..") and not set("/\0") & set(self.filename)

    @property
    def instant(self) -> datetime | None:
        """The date of the backup, aware, in UTC; None if it is none that Kino or a calendar could have."""
        try:
            instant = datetime.fromisoformat(self.created_at)
            return instant.astimezone(UTC) if instant.tzinfo else None
        except (ValueError, OverflowError):
            return None

    def is_of(self, size_bytes: int, checksum_sha256: str) -> bool:
        """Whether the row describes a file of this size and digest."""
        return (self.size_bytes, self.checksum_sha256) == (size_bytes, checksum_sha256)


def created_at_text(instant: datetime) -> str:
    """A date as the table has it."""
    return instant.astimezone(UTC).isoformat()


def scheduled(rows: Iterable[IndexRow]) -> list[IndexRow]:
    """The rows that Kino counts for its retention, the newest first.

    That is what is listed as scheduled, whoever made it, by the text of the dates.
    """
    counted = [row for row in rows if row.kind == SCHEDULED]
    return sorted(counted, key=lambda row: row.created_at, reverse=True)


def beyond(rows: Iterable[IndexRow], keep: int) -> list[IndexRow]:
    """The rows that Kino removes, with their files, after a scheduled backup of its own; oldest first."""
    return [] if keep == KEEP_ALL else scheduled(rows)[keep:][::-1]


class BackupIndex(Protocol):
    """Kino's own list of backups.

    Each method raises `NotFoundError` (no database), `NotPermittedError`, `BusyError` (locked for
    some seconds), `DatabaseDamagedError`, `IncompatibleError` (the table is not as Kino 0.3 makes it),
    `NoSpaceError`, `LocationError`. None of that says anything of a backup.
    """

    @property
    def is_kept(self) -> bool:
        """Whether this Kino has such a list at all; without one, nothing is listed and nothing happens."""
        ...

    def rows(self) -> tuple[IndexRow, ...]:
        """All rows, the newest first."""
        ...

    def migrations(self) -> tuple[Migration, ...]:
        """Those of the database that the list is in; what Kino restores from the list must have the same.

        None of them if it does not say.
        """
        ...

    def update(self, put: Sequence[IndexRow], drop: Collection[IndexRow] = ()) -> None:
        """Remove the rows to be dropped, and have each file of the others listed by one row.

        A row that describes the very file stays as it is, and other rows of its name go.
        """
        ...

    def forget(self, filenames: Collection[str]) -> None:
        """Remove every row of these files."""
        ...


class NoIndex:
    """A Kino without a list of its own: the files are the index."""

    is_kept = False

    def rows(self) -> tuple[IndexRow, ...]:
        """None."""
        return ()

    def migrations(self) -> tuple[Migration, ...]:
        """None that matter."""
        return ()

    def update(self, put: Sequence[IndexRow], drop: Collection[IndexRow] = ()) -> None:
        """Nothing to do."""

    def forget(self, filenames: Collection[str]) -> None:
        """Nothing to do."""


def index_of(kino: Kino) -> BackupIndex:
    """The list of backups that a Kino keeps."""
    if not kino.layout.keeps_index:
        return NoIndex()
    from kino_backup_tui.core.kino.index_table import TableIndex  # only there a database is opened for it

    return TableIndex(kino.database)
