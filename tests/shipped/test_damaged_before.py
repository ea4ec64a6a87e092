"""A Kino 0.3 whose database is damaged: nothing in it can be read, and it is restored all the same."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.restore.plan import RestoreResult
from tests.core.operations.restoring import restore, rollback
from tests.shipped.serving import values

BackUp = Callable[..., Path]


def damage(kino: Kino) -> bytes:
    """Overwrite all of its pages but the first; returns what is left of it."""
    size = kino.database.stat().st_size
    for end in ("-wal", "-shm"):
        kino.database.with_name(f"kino.db{end}").unlink(missing_ok=True)
    with kino.database.open("r+b") as stream:
        stream.seek(2000)
        stream.write(b"\xff" * (size - 2000))
    return kino.database.read_bytes()


def restored_over_damage(context: Context, archive: Path) -> tuple[bytes, RestoreResult]:
    """Damage the database, and restore a backup; what was damaged, and how that ended."""
    damaged = damage(context.kino)
    return damaged, restore(context, archive)


def test_it_is_restored_and_its_list_is_whole(
    shipped: Kino, shipped_context: Context, back_up_as_kino: BackUp
) -> None:
    """Kino's page shows the backup it came from, and not the damaged files, which it would restore unseen."""
    archive = back_up_as_kino()

    _, result = restored_over_damage(shipped_context, archive)

    assert result.outcome == "ok"
    assert values(shipped.database, "SELECT count(*) FROM movie") == [20]
    listed = values(shipped.database, "SELECT filename FROM backup")
    assert result.way_back
    assert listed == [archive.name]
    assert any(result.way_back in warning for warning in result.warnings)


def test_the_damaged_state_comes_back_as_it_was(
    shipped: Kino, shipped_context: Context, back_up_as_kino: BackUp
) -> None:
    """From the files that were kept, with a word on the list that cannot be written."""
    damaged, _ = restored_over_damage(shipped_context, back_up_as_kino())

    result = rollback(shipped_context)

    assert result.outcome == "ok"
    assert shipped.database.read_bytes() == damaged
    assert any("list of backups" in warning for warning in result.warnings)


def test_it_comes_back_from_its_raw_backup_too(
    shipped: Kino, shipped_context: Context, back_up_as_kino: BackUp
) -> None:
    """Once the kept files are gone."""
    damaged, result = restored_over_damage(shipped_context, back_up_as_kino())
    for kept in shipped.data_path.glob(".kino-backup/restore/*/old"):
        shutil.rmtree(kept)

    undone = rollback(shipped_context)

    assert (undone.outcome, result.way_back != "") == ("ok", True)
    assert shipped.database.read_bytes() == damaged
