"""The settings of Kino 0.3 are read from the row of its database, and only what differs is written there."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from datetime import time
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import (
    BusyError,
    DatabaseDamagedError,
    IncompatibleError,
    InvalidSettingsError,
    KinoBackupError,
    NotFoundError,
    NotPermittedError,
)
from kino_backup_tui.core.kino.home import KINO_0_3, Kino
from kino_backup_tui.core.kino.path_map import Mounted
from kino_backup_tui.core.kino.settings import KEEP_ALL, BackupSettings, Frequency
from kino_backup_tui.core.kino.settings_store import settings_store
from kino_backup_tui.demo.shipped.data_path import ShippedPaths, write_shipped_kino
from tests.fakes import FakeClock

DEFAULTS = BackupSettings(True, Frequency.DAILY, time(3, 0), 7, "")


def change(kino: Kino, sql: str, *values: object) -> None:
    """Change the database by hand."""
    with closing(sqlite3.connect(kino.database)) as connection, connection:
        connection.execute(sql, values)


def row_of(kino: Kino) -> dict[str, object]:
    """The whole row."""
    with closing(sqlite3.connect(kino.database)) as connection:
        connection.row_factory = sqlite3.Row
        return dict(connection.execute("SELECT * FROM config").fetchone())


def in_container(folder: Path, clock: FakeClock) -> Kino:
    """A Kino that runs in a container, where its data path is called /data."""
    inside = Path("/data")
    stored = ShippedPaths(inside, inside / "library", inside / "downloads")
    write_shipped_kino(folder / "kino", clock.now(), stored=stored)
    return Kino(folder / "kino", KINO_0_3)


def test_what_kino_makes_at_its_first_start_are_the_defaults(shipped: Kino) -> None:
    """The location, which Kino writes down in full, is the default one."""
    assert row_of(shipped)["backup_location_path"] == str(shipped.default_location)
    assert settings_store(shipped).load() == DEFAULTS
    assert settings_store(shipped).remarks() == ()


def test_saving_changes_the_columns_that_differ_and_no_others(shipped: Kino) -> None:
    """The rest of the row, secrets included, stays as it is."""
    before = row_of(shipped)
    settings_store(shipped).save(BackupSettings(True, Frequency.WEEKLY, time(4, 5), 7, "/mnt/nas"))
    changed = {"backup_schedule": "weekly", "backup_time": "04:05", "backup_location_path": "/mnt/nas"}
    assert row_of(shipped) == before | changed


def test_what_was_saved_is_read_again(shipped: Kino) -> None:
    """All of it."""
    wanted = BackupSettings(True, Frequency.MONTHLY, time(23, 59), 365, "/mnt/[nas] '1'")
    settings_store(shipped).save(wanted)
    assert settings_store(shipped).load() == wanted


def test_nothing_is_written_where_nothing_differs(shipped: Kino) -> None:
    """Values that Kino reads as the same stay as they are, in their own spelling."""
    change(shipped, "UPDATE config SET backup_schedule = ' DAILY ', backup_time = '3:00 '")
    with closing(sqlite3.connect(shipped.database)) as other:
        version = other.execute("PRAGMA data_version").fetchone()
        settings_store(shipped).save(DEFAULTS)
        assert other.execute("PRAGMA data_version").fetchone() == version
        settings_store(shipped).save(replace(DEFAULTS, keep=8))
        assert other.execute("PRAGMA data_version").fetchone() != version
    assert row_of(shipped)["backup_schedule"] == " DAILY "


@pytest.mark.parametrize(
    ("text", "frequency"),
    [
        ("daily", Frequency.DAILY),
        (" Weekly\n", Frequency.WEEKLY),
        ("MONTHLY", Frequency.MONTHLY),
        ("off", Frequency.OFF),
        ("cron:0 3 * * *", Frequency.OFF),
        ("hourly", Frequency.OFF),
        ("", Frequency.OFF),
        (b"daily\xff", Frequency.OFF),
    ],
)
def test_any_schedule_that_is_no_preset_is_off(
    shipped: Kino, text: str | bytes, frequency: Frequency
) -> None:
    """Kino trims it, and looks at neither case; whatever else it says runs nothing."""
    change(shipped, "UPDATE config SET backup_schedule = ?", text)
    settings = settings_store(shipped).load()
    assert (settings.frequency, settings.enabled) == (frequency, frequency is not Frequency.OFF)


def test_a_schedule_that_kino_takes_for_off_is_told_and_stays(shipped: Kino) -> None:
    """Until the admin chooses another one."""
    change(shipped, "UPDATE config SET backup_schedule = 'cron:0 3 * * *'")
    store = settings_store(shipped)
    assert store.remarks() == ('backup_schedule is "cron:0 3 * * *", which Kino takes for off.',)
    store.save(replace(store.load(), keep=3))
    assert row_of(shipped)["backup_schedule"] == "cron:0 3 * * *"
    store.save(replace(store.load(), enabled=True, frequency=Frequency.WEEKLY))
    assert row_of(shipped)["backup_schedule"] == "weekly"


def test_the_enabled_column_alone_disables_nothing(shipped: Kino) -> None:
    """Kino's scheduler does not look at it: it is said, and saving makes Kino's page tell the truth."""
    change(shipped, "UPDATE config SET backup_enabled = 0")
    store = settings_store(shipped)
    assert store.load() == DEFAULTS
    (remark,) = store.remarks()
    assert "Kino does not look at that box" in remark
    store.save(DEFAULTS)
    assert row_of(shipped)["backup_enabled"] == 1
    assert store.remarks() == ()


def test_disabling_writes_off_and_enabling_a_preset(shipped: Kino) -> None:
    """Beside the column that Kino's page shows."""
    store = settings_store(shipped)
    store.save(store.meant(DEFAULTS, replace(DEFAULTS, enabled=False)))
    assert (row_of(shipped)["backup_schedule"], row_of(shipped)["backup_enabled"]) == ("off", 0)
    off = store.load()
    assert off == replace(DEFAULTS, enabled=False, frequency=Frequency.OFF)
    store.save(store.meant(off, replace(off, enabled=True)))
    assert (row_of(shipped)["backup_schedule"], row_of(shipped)["backup_enabled"]) == ("daily", 1)


@pytest.mark.parametrize(
    ("before", "wanted", "meant"),
    [
        ((True, "weekly"), (False, "weekly"), (False, "off")),
        ((True, "weekly"), (True, "off"), (False, "off")),
        ((True, "weekly"), (True, "monthly"), (True, "monthly")),
        ((False, "off"), (True, "off"), (True, "daily")),
        ((False, "off"), (False, "weekly"), (True, "weekly")),
        ((False, "off"), (True, "weekly"), (True, "weekly")),
        ((False, "off"), (False, "off"), (False, "off")),
    ],
)
def test_the_box_and_the_preset_follow_the_one_that_was_changed(
    shipped: Kino, before: tuple[bool, str], wanted: tuple[bool, str], meant: tuple[bool, str]
) -> None:
    """For Kino they are one thing."""
    first, second, result = (
        replace(DEFAULTS, enabled=enabled, frequency=Frequency(frequency))
        for enabled, frequency in (before, wanted, meant)
    )
    assert settings_store(shipped).meant(first, second) == result


@pytest.mark.parametrize(
    ("column", "value", "key"),
    [
        ("backup_time", "25:00", "time"),
        ("backup_time", "", "time"),
        ("backup_time", "3 o'clock", "time"),
        ("backup_location_path", "backups", "location"),
        ("backup_location_path", "/mnt/\x1b[2J", "location"),
        ("backup_retention_count", "many", "keep"),
    ],
)
def test_a_bad_value_is_named_with_its_place_and_can_be_saved_over(
    shipped: Kino, column: str, value: str, key: str
) -> None:
    """As in config.toml."""
    change(shipped, f"UPDATE config SET {column} = ?", value)
    store = settings_store(shipped)
    with pytest.raises(InvalidSettingsError) as caught:
        store.load()
    assert caught.value.message.startswith(f"{shipped.database}, table config: {column} is ")
    assert store.load(replaced=[key]) == DEFAULTS
    store.save(DEFAULTS)
    assert store.load() == DEFAULTS


@pytest.mark.parametrize(("count", "keep"), [(0, KEEP_ALL), (-3, KEEP_ALL), (1, 1), (5000, 5000)])
def test_a_count_of_nothing_or_less_keeps_all_and_one_beyond_the_form_counts(
    shipped: Kino, count: int, keep: int
) -> None:
    """Kino knows no limit; what nobody changes stays as it is."""
    change(shipped, "UPDATE config SET backup_retention_count = ?", count)
    store = settings_store(shipped)
    assert store.load() == replace(DEFAULTS, keep=keep)
    store.save(replace(store.load(), time=time(4, 0)))
    assert row_of(shipped)["backup_retention_count"] == count


def test_a_count_that_nobody_may_choose_is_refused(shipped: Kino) -> None:
    """The limits are those of Kino's page."""
    before = row_of(shipped)
    for keep in (366, KEEP_ALL):
        with pytest.raises(InvalidSettingsError, match="from 1 to 365"):
            settings_store(shipped).save(replace(DEFAULTS, keep=keep))
    assert row_of(shipped) == before


def test_an_empty_location_is_the_default(shipped: Kino) -> None:
    """Spaces are nothing."""
    change(shipped, "UPDATE config SET backup_location_path = '  '")
    assert settings_store(shipped).load() == DEFAULTS
    settings_store(shipped).save(replace(DEFAULTS, location="/mnt/nas"))
    settings_store(shipped).save(DEFAULTS)
    assert row_of(shipped)["backup_location_path"] == ""


def test_paths_of_a_container_are_read_and_written_by_their_names_on_the_host(
    tmp_path: Path, clock: FakeClock
) -> None:
    """Below the data path; the default location is the default one there, too."""
    kino = in_container(tmp_path, clock)
    store = settings_store(kino)
    assert store.load() == DEFAULTS
    assert "Kino calls the location /data/backups" in " ".join(store.remarks())
    store.save(replace(DEFAULTS, location=str(kino.data_path / "other")))
    assert row_of(kino)["backup_location_path"] == "/data/other"
    assert store.load().location == str(kino.data_path / "other")
    store.save(DEFAULTS)
    assert row_of(kino)["backup_location_path"] == ""


def test_a_default_location_that_stayed_behind_when_the_data_moved_is_put_right_by_saving(
    shipped: Kino, tmp_path: Path
) -> None:
    """Kino writes down its first data path in full, and goes on using that."""
    shipped.data_path.rename(tmp_path / "moved")
    kino = shipped._replace(data_path=tmp_path / "moved")
    store = settings_store(kino)
    assert store.load() == DEFAULTS
    (remark,) = store.remarks()
    assert str(shipped.default_location) in remark
    assert "Kino goes on using that folder until the schedule is saved" in remark
    store.save(DEFAULTS)
    assert row_of(kino)["backup_location_path"] == ""
    assert store.remarks() == ()


def test_a_folder_that_is_mounted_into_the_container_is_found_and_asked_for_only_then(
    tmp_path: Path, clock: FakeClock
) -> None:
    """To ask a container engine takes time; the data path tells by itself."""
    kino = in_container(tmp_path, clock)
    asked = []

    def mounts() -> list[Mounted]:
        asked.append(True)
        return [Mounted("/backup", Path("/mnt/nas/kino"))]

    store = settings_store(kino, mounts)
    store.load()
    assert not asked
    change(kino, "UPDATE config SET backup_location_path = '/backup/daily'")
    assert store.load().location == "/mnt/nas/kino/daily"
    assert asked
    store.save(replace(store.load(), location="/mnt/nas/kino"))
    assert row_of(kino)["backup_location_path"] == "/backup"


def test_a_column_that_is_not_there_has_its_default_and_cannot_be_set(shipped: Kino) -> None:
    """Which columns there are is asked of the database."""
    change(shipped, "ALTER TABLE config DROP COLUMN backup_retention_count")
    store = settings_store(shipped)
    assert store.load() == DEFAULTS
    store.save(replace(DEFAULTS, time=time(5, 0)))
    before = row_of(shipped)
    with pytest.raises(IncompatibleError, match="no column backup_retention_count"):
        store.save(replace(DEFAULTS, time=time(6, 0), keep=3))
    assert row_of(shipped) == before


def test_the_database_of_kino_0_2_has_its_settings_in_the_same_columns(
    tmp_path: Path, clock: FakeClock
) -> None:
    """Its table has two columns fewer."""
    write_shipped_kino(tmp_path / "kino", clock.now(), release="0.2.1")
    kino = Kino(tmp_path / "kino", KINO_0_3)
    settings_store(kino).save(replace(DEFAULTS, keep=30))
    assert settings_store(kino).load() == replace(DEFAULTS, keep=30)


def _remove(kino: Kino) -> None:
    kino.database.unlink()


def _empty(kino: Kino) -> None:
    kino.database.write_bytes(b"")


def _overwrite(kino: Kino) -> None:
    kino.database.write_bytes(b"no database at all" * 1000)


def _drop(kino: Kino) -> None:
    change(kino, "DROP TABLE config")


def _clear(kino: Kino) -> None:
    change(kino, "DELETE FROM config")


@pytest.mark.parametrize(
    ("spoil", "kind", "says"),
    [
        (_remove, NotFoundError, "There is no database"),
        (_empty, IncompatibleError, "no table config"),
        (_overwrite, DatabaseDamagedError, "file is not a database"),
        (_drop, IncompatibleError, "no table config"),
        (_clear, InvalidSettingsError, "no row of settings yet"),
    ],
)
def test_a_database_without_settings_is_one_clear_error_and_stays_as_it_is(
    shipped: Kino, spoil: Callable[[Kino], None], kind: type[KinoBackupError], says: str
) -> None:
    """Reading and writing alike."""
    spoil(shipped)
    before = sorted((path.name, path.stat().st_size) for path in shipped.data_path.glob("kino.db*"))
    for attempt in (settings_store(shipped).load, lambda: settings_store(shipped).save(DEFAULTS)):
        with pytest.raises(kind, match=says) as caught:
            attempt()
        assert str(shipped.database) in caught.value.message
    after = sorted((path.name, path.stat().st_size) for path in shipped.data_path.glob("kino.db*"))
    assert after == before


def test_a_database_that_stays_locked_is_busy_and_can_be_read_meanwhile(
    shipped: Kino, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that never ends holds up saving, and in WAL mode only that."""
    monkeypatch.setattr("kino_backup_tui.core.kino.config_row.BUSY_SECONDS", 0.1)
    with closing(sqlite3.connect(shipped.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert settings_store(shipped).load() == DEFAULTS
        with pytest.raises(BusyError, match="is locked"):
            settings_store(shipped).save(replace(DEFAULTS, keep=3))
        other.execute("ROLLBACK")
    settings_store(shipped).save(replace(DEFAULTS, keep=3))


def test_the_database_of_another_user_is_not_touched(
    public_path: Path, clock: FakeClock, nobody: Callable[[], AbstractContextManager[None]]
) -> None:
    """Files that SQLite would make beside it could not be written by Kino."""
    write_shipped_kino(public_path / "kino", clock.now())
    kino = Kino(public_path / "kino", KINO_0_3)
    names = sorted(path.name for path in kino.data_path.iterdir())
    with nobody(), pytest.raises(NotPermittedError, match="belongs to another user"):
        settings_store(kino).load()
    assert sorted(path.name for path in kino.data_path.iterdir()) == names
