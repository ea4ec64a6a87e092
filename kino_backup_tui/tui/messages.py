"""What workers tell the screen that started them. None of these travels further."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from kino_backup_tui.core.errors import KinoBackupError
    from kino_backup_tui.core.models import Backup
    from kino_backup_tui.core.operations.schedule import SchedulePreview
    from kino_backup_tui.core.operations.status import Status
    from kino_backup_tui.core.progress import JobEvent
    from kino_backup_tui.core.restore.plan import Interrupted
    from kino_backup_tui.tui.look_ahead import Look


@dataclass
class JobProgressed(Message, bubble=False):
    """News of a running job."""

    event: JobEvent

    def can_replace(self, message: Message) -> bool:
        """A reading replaces the reading before it; the start of a stage is never lost."""
        return (
            isinstance(message, JobProgressed)
            and message.event.event == "progress"
            and self.event.event == "progress"
            and message.event.stage == self.event.stage
        )


@dataclass
class JobFinished(Message, bubble=False):
    """The job did what it should."""

    said: str
    """What to tell the admin of it; may be empty."""


@dataclass
class JobFailed(Message, bubble=False):
    """The job ended with an error of the core."""

    error: KinoBackupError


@dataclass
class CatalogLoaded(Message, bubble=False):
    """A fresh look at the backups."""

    look: Look
    quiet: bool
    """Whether nobody asked for it."""


@dataclass
class StatusLoaded(Message, bubble=False):
    """A fresh look at Kino and its schedule."""

    status: Status
    interrupted: Interrupted | None = None
    """A restore that waits to be settled."""
    can_undo: bool = False
    """Whether there is a restore to undo."""


@dataclass
class LoadFailed(Message, bubble=False):
    """Something that is read in the background could not be read."""

    error: KinoBackupError


@dataclass
class BackupShown(Message, bubble=False):
    """A backup with its manifest."""

    backup: Backup


@dataclass
class PreviewReady(Message, bubble=False):
    """What the settings in the schedule form would mean."""

    preview: SchedulePreview
