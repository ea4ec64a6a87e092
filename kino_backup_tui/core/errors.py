"""Every way an operation can fail, as a named error.

    KinoBackupError                 a bug in this program unless it is one of these
    ├── UsageError                  the request itself makes no sense
    ├── NotFoundError               no such Kino, backup, job or file
    ├── ArchiveError                an archive, or the database in it, cannot be trusted
    │   ├── ArchiveDamagedError     it is not what was written
    │   ├── ArchiveRefusedError     it is built in a way no honest writer builds one
    │   └── DatabaseDamagedError    SQLite's integrity check failed
    ├── IncompatibleError           whole, but not for this Kino or this program
    ├── NoSpaceError                a file system is full, or would be
    ├── BusyError                   another operation, or a lock on the database, is in the way
    ├── LocationError               the backup location is not there, or cannot be written
    │   ├── UnknownLocationError    it is there, but not known to be the right one
    │   └── LibraryMissingError     the media files are not there, and Kino must not start without them
    ├── NotPermittedError           this user may not do that
    ├── InvalidSettingsError        config.toml says something Kino does not allow
    ├── ServiceError                Kino could not be stopped or started
    ├── StaleError                  there is no verified backup that is new enough
    ├── RolledBackError             a restore failed, and the state from before it is back
    ├── UndecidedError              an interrupted restore needs a decision of the admin
    └── OperationCancelledError     the user asked to stop, and it stopped
        └── DetachedError           only the watching has stopped; the operation goes on

Each class has a stable `code`, which JSON output, the journal and logs share. Exit codes belong to the
command line.
"""

from __future__ import annotations

from typing import ClassVar


class KinoBackupError(Exception):
    """Base class. Catch it at an entry point, never deeper.

    `message` says what happened and where; `hint` says what to do about it and may be empty.
    """

    code: ClassVar[str] = "internal"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def full_text(self) -> str:
        """The message and the hint, where both are told in one go."""
        return f"{self.message} {self.hint}".rstrip()


class UsageError(KinoBackupError):
    """The request is contradictory, incomplete or needs an answer nobody can give."""

    code = "usage"


class NotFoundError(KinoBackupError):
    """There is no such Kino, backup, job or file."""

    code = "not_found"


class ArchiveError(KinoBackupError):
    """An archive cannot be trusted."""

    code = "archive"


class ArchiveDamagedError(ArchiveError):
    """The archive is truncated, altered or unreadable in parts."""

    code = "archive_damaged"


class ArchiveRefusedError(ArchiveError):
    """The archive holds something no backup holds: links, odd names, duplicates, bombs."""

    code = "archive_refused"


class DatabaseDamagedError(ArchiveError):
    """SQLite reports the database as damaged."""

    code = "database_damaged"


class IncompatibleError(KinoBackupError):
    """Whole, but not usable with this Kino or this program."""

    code = "incompatible"


class NoSpaceError(KinoBackupError):
    """A file system has too little room, or a quota is used up."""

    code = "no_space"


class BusyError(KinoBackupError):
    """Another operation holds the lock, or the database is locked."""

    code = "busy"


class LocationError(KinoBackupError):
    """The backup location is missing, not a folder, or read-only."""

    code = "location_unavailable"


class UnknownLocationError(LocationError):
    """The backup location may be another disk than before, or none; accepting it is the way on."""

    code = "location_unknown"


class LibraryMissingError(LocationError):
    """The library that a database knows is not there: Kino would start by forgetting it."""

    code = "library_missing"


class NotPermittedError(KinoBackupError):
    """The current user may not read or write something that is needed."""

    code = "not_permitted"


class InvalidSettingsError(KinoBackupError):
    """The settings file has a value that is not allowed, or cannot be read."""

    code = "invalid_settings"


class ServiceError(KinoBackupError):
    """Kino could not be stopped or started, or somebody still has its database open."""

    code = "service"


class StaleError(KinoBackupError):
    """The newest verified backup is older than somebody wants it to be, or there is none."""

    code = "stale"


class RolledBackError(KinoBackupError):
    """A restore failed after it had begun to replace files; the state from before it is back."""

    code = "rolled_back"


class UndecidedError(KinoBackupError):
    """What a restore left is to be decided, or to be ended by `apply`; Kino may stay stopped until then."""

    code = "undecided"


class OperationCancelledError(KinoBackupError):
    """The operation was cancelled and has undone what it had begun."""

    code = "cancelled"


class DetachedError(OperationCancelledError):
    """Nobody watches the operation here any more; it goes on in its own process."""

    code = "detached"


def error_type(code: str | None) -> type[KinoBackupError]:
    """The class of errors that has this code; the base class for one that has no class."""
    by_code = {kind.code: kind for kind in _with_children(KinoBackupError)}
    return by_code.get(code or "", KinoBackupError)


def _with_children(kind: type[KinoBackupError]) -> list[type[KinoBackupError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in _with_children(child))]
