"""The sample library is believable, repeatable, and as old as one asks for."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kino_backup_tui.demo.library import Library
from kino_backup_tui.demo.schema import migrate, open_database
from kino_backup_tui.demo.story import COLUMNS

END = datetime(2026, 4, 26, 7, 0, tzinfo=UTC)
_COUNTS = ("film", "series", "watch_event", "log_entry")


def write(path: Path, library: Library, *upto: datetime) -> None:
    """Write a database in one step or in several."""
    with closing(open_database(path)) as connection:
        migrate(connection, END)
        for instant in upto:
            library.write(connection, instant)


def content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables of the library."""
    with closing(open_database(path)) as connection:
        return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in COLUMNS}


def counts(path: Path) -> dict[str, int]:
    """The numbers of rows that a page would show."""
    return {table: len(rows) for table, rows in content(path).items() if table in _COUNTS}


def test_the_household_has_what_a_page_would_show(tmp_path: Path) -> None:
    """Some hundred films, some dozen series, a good year of watching, in about five megabytes."""
    write(tmp_path / "db", Library(END), END)

    assert counts(tmp_path / "db") == {"film": 312, "series": 14, "watch_event": 1204, "log_entry": 9600}
    assert 4_500_000 < (tmp_path / "db").stat().st_size < 5_600_000


def test_the_database_is_sound(tmp_path: Path) -> None:
    """SQLite finds neither damage nor a foreign key that leads nowhere."""
    write(tmp_path / "db", Library(END), END)

    with closing(open_database(tmp_path / "db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA journal_mode").fetchall() == [("wal",)]


def test_the_same_seed_gives_the_same_rows(tmp_path: Path) -> None:
    """Nothing depends on the time of day or on chance; another seed gives other rows."""
    write(tmp_path / "one", Library(END, seed=1), END)
    write(tmp_path / "again", Library(END, seed=1), END)
    write(tmp_path / "other", Library(END, seed=2), END)

    assert content(tmp_path / "one") == content(tmp_path / "again")
    assert content(tmp_path / "one")["film"] != content(tmp_path / "other")["film"]


def test_an_earlier_database_has_less_in_it(tmp_path: Path) -> None:
    """Three weeks before, some films were not there and some evenings had not been."""
    write(tmp_path / "then", Library(END), END - timedelta(days=21))
    write(tmp_path / "now", Library(END), END)

    then, now = counts(tmp_path / "then"), counts(tmp_path / "now")
    assert all(0 < then[table] < now[table] for table in ("film", "watch_event", "log_entry"))


def test_writing_in_steps_gives_what_one_step_gives(tmp_path: Path) -> None:
    """A database may live on: it ends with the same rows."""
    steps = [END - timedelta(days=days) for days in (90, 30, 30, 1, 0)]
    write(tmp_path / "steps", Library(END), *steps)
    write(tmp_path / "once", Library(END), END)

    assert content(tmp_path / "steps") == content(tmp_path / "once")


def test_titles_hold_what_careless_programs_trip_over(tmp_path: Path) -> None:
    """Brackets, quotes, spaces, percent signs, and letters of other scripts."""
    write(tmp_path / "db", Library(END), END)

    titles = " ".join(str(row[1]) for row in content(tmp_path / "db")["film"])
    assert all(part in titles for part in ("[", "'", "%", "Ż", "夜"))
