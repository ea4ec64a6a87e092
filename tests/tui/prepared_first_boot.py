"""Prepared restores on Kino 0.3: what its first start does, and a library that is not there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kino_backup_tui.core.errors import LibraryMissingError
from kino_backup_tui.core.kino.home import KINO_0_3
from kino_backup_tui.core.restore.compare import effects_of
from kino_backup_tui.core.restore.first_boot import FirstBoot, Library, Removal
from kino_backup_tui.core.restore.plan import Change, RestorePlan, State
from tests.tui.prepared import LOCATION
from tests.tui.prepared_restore import plan

SHIPPED_ARCHIVE = "kino-backup-2026-04-15T03-00-12Z-v0.3.2.tar.gz"
LIBRARY = Library("/mnt/nas/films", 812, 0, (), "")
SOME_GONE = Library(
    "/mnt/nas/films",
    812,
    5,
    tuple(f"/mnt/nas/films/{title}/{title}.mkv" for title in ("Ferry [1931]", "Umbrella", "Übung 日本語")),
    "",
)
TORRENTS = (
    Removal("A.Jury.for.Wanda.1983.1080p", Path("/var/lib/kino/downloads/a"), 41_000_000_000),
    Removal("The Long Ferry", Path("/var/lib/kino/downloads/b"), 2_000_000_000),
)
FINISHED = (Removal("Olga's Lighthouse", Path("/var/lib/kino/downloads/c"), 5_000_000),)
MISSING = LibraryMissingError(
    "The library /mnt/nas/films is not there: Kino would forget 812 of its 812 media at its start.",
    hint="Mount it, then try again; or let Kino start without it, with --library-missing-ok.",
)
_THEN = {"movie": 305, "show": 14, "episode": 780, "media": 812, "session": 3}
_HERE = {"movie": 312, "show": 14, "episode": 801, "media": 840, "session": 4}


def shipped_plan(boot: FirstBoot | None, *blockers: LibraryMissingError) -> RestorePlan:
    """The prepared restore, of a Kino 0.3."""
    prepared = plan(
        source=LOCATION / SHIPPED_ARCHIVE,
        changes=(Change("api_key", "set", "another one"), Change("listen_port", "8081", "80")),
    )
    return replace(
        prepared,
        replaced=("kino.db",),
        arriving=("kino.db",),
        layout=KINO_0_3.name,
        backup=State(prepared.backup.created_at, prepared.backup.kind, "0.3.2", 1, _THEN),
        now=State(None, None, "0.3.2", 1, _HERE),
        effects=effects_of(KINO_0_3),
        first_boot=boot,
        blockers=blockers,
    )
