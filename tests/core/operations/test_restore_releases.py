"""Which backup a Kino 0.3 can start on: decided by its migrations, told by the names of releases."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import IncompatibleError
from kino_backup_tui.core.kino.home import KINO_0_3, Kino
from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.plan import plan_restore
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.restore.plan import RestorePlan
from kino_backup_tui.demo.schema import open_database
from kino_backup_tui.demo.shipped.archive import write_archive
from kino_backup_tui.demo.shipped.backing_up import back_up
from kino_backup_tui.demo.shipped.data_path import write_shipped_kino
from tests.fakes import FakeClock


@pytest.fixture
def archive_of(tmp_path: Path, clock: FakeClock) -> Callable[[str], Path]:
    """An archive that another release of Kino has made of its own data path."""

    def make(release: str) -> Path:
        data_path = tmp_path / f"kino-{release}"
        write_shipped_kino(data_path, clock.now(), release=release)
        with closing(open_database(data_path / "kino.db")) as connection:
            return back_up(connection, data_path, BackupKind.MANUAL, release, clock.now())

    return make


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have a program `kino` that says which release it is."""

    def install(release: str) -> None:
        program = tmp_path / "bin" / "kino"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\necho kino {release}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")

    return install


def refusals(plan: RestorePlan) -> list[IncompatibleError]:
    """What forbids it for good."""
    return [problem for problem in plan.blockers if isinstance(problem, IncompatibleError)]


def test_a_backup_of_kino_0_2_is_refused_with_the_releases_that_take_it(
    shipped_context: Context, archive_of: Callable[[str], Path]
) -> None:
    """Both say schema version 1, and both have one migration of the same number."""
    (problem,) = refusals(plan_restore(shipped_context, archive_of("0.2.1"), Control()))

    assert "one of Kino 0.1.0, 0.2.0 or 0.2.1" in problem.message
    assert "expected not to start" in problem.message
    assert "Kino 0.2.1" in problem.hint


def test_a_backup_of_the_same_edition_is_taken(
    shipped_context: Context, archive_of: Callable[[str], Path]
) -> None:
    """0.3.0, 0.3.1 and 0.3.2 have the same schema."""
    assert refusals(plan_restore(shipped_context, archive_of("0.3.0"), Control())) == []


def test_the_installed_release_decides_where_the_database_is_damaged(
    shipped_context: Context, archive_of: Callable[[str], Path], installed: Callable[[str], None]
) -> None:
    """An older backup is not always one that a newer Kino can migrate."""
    installed("0.3.2")
    for end in ("-wal", "-shm"):
        file = shipped_context.kino.database
        file.with_name(file.name + end).unlink(missing_ok=True)
    shipped_context.kino.database.write_bytes(b"no database " * 1000)

    (problem,) = refusals(plan_restore(shipped_context, archive_of("0.2.0"), Control()))

    assert "0.1.0, 0.2.0 or 0.2.1" in problem.message


@pytest.mark.parametrize("release", [None, "0.3.2"])
def test_where_there_is_no_kino_yet_the_releases_that_take_it_are_told(
    tmp_path: Path,
    clock: FakeClock,
    archive_of: Callable[[str], Path],
    installed: Callable[[str], None],
    release: str | None,
) -> None:
    """Nothing says which one will be started; a program that is installed does, and decides."""
    (tmp_path / "new").mkdir()
    installed(release or "of another kind")
    context = Context(Kino(tmp_path / "new"), clock, host="nas01")

    plan = plan_restore(context, archive_of("0.2.0"), Control())

    assert len(refusals(plan)) == (release is not None)
    assert sum("0.1.0, 0.2.0 or 0.2.1" in warning for warning in plan.warnings) == (release is None)


def test_after_an_upgrade_that_does_not_start_the_newer_backup_is_the_right_one(
    tmp_path: Path, clock: FakeClock, archive_of: Callable[[str], Path], installed: Callable[[str], None]
) -> None:
    """The live database is that of 0.2 still; what counts is the program that is to start."""
    write_shipped_kino(tmp_path / "kino", clock.now(), release="0.2.1")
    installed("0.3.2")
    context = Context(Kino(tmp_path / "kino", KINO_0_3), clock, host="nas01")

    assert refusals(plan_restore(context, archive_of("0.3.2"), Control())) == []
    assert len(refusals(plan_restore(context, archive_of("0.2.0"), Control()))) == 1


def test_a_backup_of_half_a_migration_is_refused(
    shipped_context: Context, archive_of: Callable[..., Path], tmp_path: Path, clock: FakeClock
) -> None:
    """sqlx calls such a database dirty, and does not start on it."""
    archive_of("0.3.2")
    database = tmp_path / "kino-0.3.2" / "kino.db"
    with closing(open_database(database)) as connection:
        with connection:
            connection.execute(
                "INSERT INTO _sqlx_migrations VALUES (20270101000001, 'later', '2027', FALSE, x'00', -1)"
            )
        clock.advance(minutes=1)
        archive = back_up(connection, database.parent, BackupKind.MANUAL, "0.3.2", clock.now())

    (problem,) = refusals(plan_restore(shipped_context, archive, Control()))

    assert "has not come to its end" in problem.message


@pytest.fixture
def archive_with(shipped: Kino, tmp_path: Path, clock: FakeClock) -> Callable[[str], Path]:
    """An archive of the database after some statements."""

    def make(statements: str) -> Path:
        database = tmp_path / "changed.db"
        with closing(sqlite3.connect(shipped.database)) as connection:
            connection.execute("VACUUM INTO ?", (str(database),))
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.executescript(statements)
        archive = tmp_path / "kino-backup-2026-04-26T09-00-00Z-v0.3.2.tar.gz"
        write_archive(archive, database, kind=BackupKind.MANUAL, version="0.3.2", created_at=clock.now())
        return archive

    return make


@pytest.mark.parametrize("lost", ["_sqlx_migrations", "config"])
def test_a_database_that_is_none_of_kino_is_refused(
    shipped_context: Context, archive_with: Callable[[str], Path], lost: str
) -> None:
    """Kino would not start on it, or start as if it were new, with a new key and an empty library."""
    archive = archive_with(f"DROP TABLE {lost}")

    (problem,) = refusals(plan_restore(shipped_context, archive, Control()))

    assert "none of Kino" in problem.message


def test_a_database_that_is_none_of_kino_is_refused_where_there_is_no_kino_yet(
    archive_with: Callable[[str], Path], clock: FakeClock, tmp_path: Path
) -> None:
    """There is nothing to compare with, but also no Kino without settings."""
    (tmp_path / "new").mkdir()
    context = Context(Kino(tmp_path / "new"), clock, host="nas01")

    (problem,) = refusals(plan_restore(context, archive_with("DROP TABLE config"), Control()))

    assert "no table config" in problem.message


def test_a_backup_without_settings_is_told_of(
    shipped_context: Context, archive_with: Callable[[str], Path]
) -> None:
    """What else is in it may be all that is left."""
    plan = plan_restore(shipped_context, archive_with("DELETE FROM config"), Control())

    assert refusals(plan) == []
    assert any("another API key" in warning for warning in plan.warnings)
