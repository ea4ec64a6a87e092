"""One Kino installation: its data path and what of it belongs to a backup."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from kino_backup_tui.core.files import Owner

WORKING_FOLDER = ".kino-backup"
"""Below the data path: lock, journals and caches of this program."""

SIDE_FILES = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database, by the end of its name (https://www.sqlite.org/tempfiles.html)."""


class Layout(NamedTuple):
    """Which files below the data path are Kino's state, by their names there and in an archive."""

    name: str
    database: str
    config: str | None
    secrets: str | None
    lock: str | None = None
    """A file that Kino keeps locked while it runs, and from before it opens its database; see flock(2)."""
    stop_signal: str | None = None
    """The signal that ends it in good order, where that is not SIGTERM."""
    leavings: tuple[str, ...] = ()
    """Patterns of files that it leaves in its data path and never removes."""
    location_leavings: tuple[str, ...] = ()
    """The same of those in the location of its backups."""
    keeps_index: bool = False
    """Whether it has a list of its backups in its database."""
    runs_schedule: bool = False
    """Whether it makes the scheduled backups itself."""
    tidies_at_start: bool = False
    """Whether it deletes and forgets, at its start, what its database and its disks do not agree on."""


DOCUMENTED = Layout("documented", database="db.sqlite", config="config.toml", secrets="secrets")
"""As Kino's documentation describes it."""
KINO_0_3 = Layout(
    "kino-0.3",
    database="kino.db",
    config=None,
    secrets=None,
    lock="kino-serve.lock",
    stop_signal="INT",
    leavings=("kino.db.pre-restore", "kino.db.restore-staged", "kino-restore-upload-*.tar.gz"),
    location_leavings=("kino-backup-*.sqlite", "kino-backup-*.sqlite-journal"),
    keeps_index=True,
    runs_schedule=True,
    tidies_at_start=True,
)
"""As Kino 0.3 is shipped: settings and secrets live inside the database."""
LAYOUTS = {layout.name: layout for layout in (DOCUMENTED, KINO_0_3)}


class Kino(NamedTuple):
    """A Kino, identified by its data path."""

    data_path: Path
    """Absolute and resolved."""
    layout: Layout = DOCUMENTED
    url: str | None = None
    """Where its HTTP API answers, if the admin configured it."""

    @property
    def database(self) -> Path:
        """The live SQLite database."""
        return self.data_path / self.layout.database

    @property
    def lock_file(self) -> Path | None:
        """What Kino locks while it runs; None if it does nothing of the kind."""
        return self.data_path / self.layout.lock if self.layout.lock else None

    @property
    def config_file(self) -> Path:
        """The settings file; it may be absent."""
        return self.data_path / (self.layout.config or DOCUMENTED.config or "")

    @property
    def secrets(self) -> Path:
        """The folder of provider credentials; it may be absent."""
        return self.data_path / (self.layout.secrets or DOCUMENTED.secrets or "")

    @property
    def default_location(self) -> Path:
        """Where backups go unless the settings say otherwise."""
        return self.data_path / "backups"

    @property
    def owner(self) -> Owner:
        """Who owns what we create: the database's owner, else the data path's."""
        for path in (self.database, self.data_path):
            try:
                status = path.stat()
            except OSError:
                continue
            return Owner(status.st_uid, status.st_gid)
        return Owner(os.geteuid(), os.getegid())
