"""reindex and doctor on Kino's own list of backups, as a process of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus, EntryRole
from kino_backup_tui.presentation.text import is_way_back
from tests.cli.harness import Cli
from tests.fakes import FakeClock


def out_of_step(kino: Kino, back_up_as_kino: Callable[..., Path], clock: FakeClock) -> tuple[str, str, str]:
    """A backup without a row, a row without a backup, and one from the future."""
    unlisted, lost = back_up_as_kino(), back_up_as_kino()
    lost.unlink()
    clock.advance(days=36500)
    ahead = back_up_as_kino(BackupKind.SCHEDULED)
    with closing(sqlite3.connect(kino.database)) as connection, connection:
        connection.execute("DELETE FROM backup WHERE filename = ?", (unlisted.name,))
    return unlisted.name, lost.name, ahead.name


def test_doctor_finds_what_reindex_puts_right(
    shipped: Kino, back_up_as_kino: Callable[..., Path], clock: FakeClock
) -> None:
    """Told first, done then, and after that there is nothing to do."""
    cli = Cli(shipped.data_path)
    unlisted, lost, ahead = out_of_step(shipped, back_up_as_kino, clock)

    found = [check for check in cli.run("doctor", "--json").json if check["name"] == "index"]
    assert {check["status"] for check in found} == {"warn"}
    for name, words in ((unlisted, "lacks 1 of"), (lost, "without a file"), ("2126", "in the future")):
        assert any(name in check["text"] and words in check["text"] for check in found)

    told = cli.run("reindex", "--dry-run", "--json").json
    assert told["dry_run"] is True
    done = cli.run("reindex")

    assert done.code == 0, done.err
    assert done.out.splitlines() == [f"+ {unlisted}", f"- {lost}", f"~ {ahead}"]
    assert ([backup["filename"] for backup in told["added"]], told["removed"], told["relisted"]) == (
        [unlisted],
        [lost],
        [ahead],
    )
    (after,) = [check for check in cli.run("doctor", "--json").json if check["name"] == "index"]
    assert after["status"] == "ok"
    assert cli.run("reindex").err == "Kino's own list is in step with the files.\n"


def test_a_backup_that_only_kino_knows_is_in_the_whole_list_alone(
    shipped: Kino, back_up_as_kino: Callable[..., Path]
) -> None:
    """Nothing can be restored from it; deleting it removes the entry."""
    cli = Cli(shipped.data_path)
    archive = back_up_as_kino()
    archive.unlink()

    assert cli.run("list").out == ""
    listed = cli.run("list", "--all")
    assert "missing file" in listed.out
    (row,) = cli.run("list", "--all", "--json").json
    assert (row["role"], row["status"], row["checksum_sha256"]) == ("missing", "unverified", None)
    for verb in ("restore", "verify"):
        refused = cli.run(verb, archive.name, *(["--yes"] if verb == "restore" else []))
        assert refused.code in (3, 4), refused
    assert cli.run("delete", archive.name, "--yes").code == 0
    assert cli.run("list", "--all").out == ""


def test_as_documented_there_is_no_list_to_look_at(cli: Cli) -> None:
    """Doctor says nothing of it, and reindex that there is none."""
    assert not [check for check in cli.run("doctor", "--json").json if check["name"] == "index"]
    result = cli.run("reindex")
    assert (result.code, result.out) == (0, "")
    assert "keeps no list" in result.err


def test_verify_says_that_kinos_archives_record_nothing(
    shipped: Kino, back_up_as_kino: Callable[..., Path]
) -> None:
    """Verified all the same: that is no damage."""
    cli = Cli(shipped.data_path)
    archive = back_up_as_kino()

    result = cli.run("verify", archive.name)

    assert result.code == 0
    assert result.out.startswith(
        f"✓ verified    {archive.name}: whole, with a sound database; nothing recorded"
    )


def test_a_way_back_without_a_file_is_none(shipped: Kino, back_up_as_kino: Callable[..., Path]) -> None:
    """An entry of a pre-restore backup marks nothing, and cannot be exported either."""
    archive = back_up_as_kino(BackupKind.PRE_RESTORE)
    archive.unlink()
    ghost = Backup(
        path=archive,
        id=1,
        role=EntryRole.MISSING,
        status=BackupStatus.UNVERIFIED,
        size_bytes=1,
        kind=BackupKind.PRE_RESTORE,
    )

    assert not is_way_back(ghost, archive.name)
    assert is_way_back(replace(ghost, role=EntryRole.BACKUP), archive.name)
    result = Cli(shipped.data_path).run("export", archive.name, str(shipped.data_path.parent))
    assert (result.code, "has no file" in result.err) == (3, True)
