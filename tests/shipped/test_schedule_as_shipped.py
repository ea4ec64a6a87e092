"""The schedule of Kino 0.3: what its page says, what Kino does, and what we tell and do about it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from kino_backup_tui.core.catalog.retention import FateReason
from kino_backup_tui.core.errors import LocationError, NoSpaceError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.settings import Frequency
from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.doctor import CheckStatus, diagnose
from kino_backup_tui.core.operations.listing import list_backups
from kino_backup_tui.core.operations.prune import prune
from kino_backup_tui.core.operations.run_due import DueOutcome, run_due
from kino_backup_tui.core.operations.schedule import (
    changed_schedule,
    preview_schedule,
    read_schedule,
    save_schedule,
)
from kino_backup_tui.core.operations.status import read_status
from kino_backup_tui.core.progress import Control
from kino_backup_tui.demo.schema import open_database
from kino_backup_tui.demo.shipped.data_path import RELEASE
from kino_backup_tui.demo.shipped.scheduler import is_due, run_if_due
from kino_backup_tui.presentation.text import fate_text
from tests.core.operations.restoring import small_disk
from tests.fakes import FakeClock
from tests.shipped.serving import values

MINUTE = timedelta(minutes=1)


def change(context: Context, **changes: Any) -> None:
    """Change the schedule as the form does."""
    save_schedule(context, changed_schedule(context, changes), Control())


def kino_looks(kino: Kino, now: datetime) -> bool:
    """Let Kino look whether a scheduled backup is due, and make it; True if there is a new one."""
    with closing(open_database(kino.database)) as connection:
        return run_if_due(connection, kino.data_path, RELEASE, now)


def next_backup_of_kino(kino: Kino, now: datetime) -> datetime | None:
    """When Kino, which looks at its clock once a minute, makes its next scheduled backup; within 40 days."""
    with closing(open_database(kino.database)) as connection:
        for minutes in range(1, 40 * 24 * 60):
            if is_due(connection, now + minutes * MINUTE):
                return now + minutes * MINUTE
    return None


@pytest.mark.parametrize("frequency", ["daily", "weekly", "monthly"])
@pytest.mark.parametrize("at", ["03:00", "10:58", "23:30"])
def test_the_next_backup_is_foretold_by_the_clock_and_the_days_that_kino_counts(
    shipped: Kino, shipped_context: Context, clock: FakeClock, frequency: str, at: str
) -> None:
    """In UTC, though the host is in Berlin; a week is six days, a month 28, from the last scheduled one."""
    with closing(open_database(shipped.database)) as connection:
        connection.execute("UPDATE config SET backup_schedule = ?, backup_time = ?", (frequency, at))
        connection.execute(
            "INSERT INTO backup (kind, filename, size_bytes, kino_version, schema_version, checksum_sha256,"
            " created_at) VALUES ('scheduled', 'gone', 1, '0.3.2', 1, '', '2026-04-25T03:00:12+00:00')"
        )

    foretold = preview_schedule(shipped_context, read_schedule(shipped_context)).next_runs[0]

    made = next_backup_of_kino(shipped, clock.now())
    assert made is not None
    assert timedelta(0) <= made - foretold < MINUTE
    assert foretold.utcoffset() == timedelta(hours=2)


def test_a_count_of_any_size_is_no_work_for_a_listing(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """Kino takes what its database holds; no run of a million years from now has a date."""
    back_up_as_kino(BackupKind.SCHEDULED)
    created = create_backup(shipped_context, Control(), kind=BackupKind.SCHEDULED).backup
    with closing(open_database(shipped.database)) as connection:
        connection.execute("UPDATE config SET backup_retention_count = ?", (2**63 - 1,))

    fate = list_backups(shipped_context).fates[created.path]

    assert (fate.rank, fate.keep, fate.goes_at) == (1, 2**63 - 1, None)


def test_a_row_of_the_last_day_there_is_holds_kino_up_for_ever(
    shipped: Kino, shipped_context: Context, clock: FakeClock
) -> None:
    """Nothing is foretold, and what looks at the schedule goes on."""
    with closing(open_database(shipped.database)) as connection:
        connection.execute(
            "INSERT INTO backup (kind, filename, size_bytes, kino_version, schema_version, checksum_sha256,"
            " created_at) VALUES ('scheduled', 'gone', 1, '0.3.2', 1, '', '9999-12-31T23:00:00+00:00')"
        )

    assert preview_schedule(shipped_context, read_schedule(shipped_context)).next_runs == ()
    assert next_backup_of_kino(shipped, clock.now()) is None
    assert read_status(shipped_context).next_run is None
    assert [backup.filename for backup in list_backups(shipped_context, everything=True).backups] == ["gone"]
    told = {check.name: check.text for check in reversed(list(diagnose(shipped_context)))}
    assert told["schedule"] == "Kino is expected to make no scheduled backup any more."
    assert "a scheduled backup of 9999-12-31 23:00 UTC, which is in the future" in told["index"]


def test_what_kino_itself_will_remove_is_foretold(
    shipped: Kino, shipped_context: Context, clock: FakeClock, back_up_as_kino: Callable[..., Path]
) -> None:
    """It counts what its list has as scheduled, whoever made it; this program leaves Kino's own alone."""
    ours = create_backup(shipped_context, Control(), kind=BackupKind.SCHEDULED).backup.filename
    manual, *nights = (
        back_up_as_kino(kind).name for kind in (BackupKind.MANUAL, *3 * [BackupKind.SCHEDULED])
    )
    wanted = replace(read_schedule(shipped_context), keep=2)

    preview = preview_schedule(shipped_context, wanted)

    assert [backup.filename for backup in preview.removes] == [ours, nights[0]]
    assert [backup.filename for backup in preview.by_kino] == [ours, nights[0]]
    off = preview_schedule(shipped_context, replace(wanted, enabled=False, frequency=Frequency.OFF))
    assert off.by_kino == ()
    change(shipped_context, keep=2)
    clock.advance(days=2, hours=-6)
    assert kino_looks(shipped, clock.now())
    left = {path.name for path in shipped.default_location.glob("*.gz")}
    assert {ours, nights[0]}.isdisjoint(left)
    assert {manual, nights[2]} <= left


def test_each_scheduled_backup_in_kinos_list_goes_on_the_day_that_is_told(
    shipped: Kino, shipped_context: Context, clock: FakeClock, back_up_as_kino: Callable[..., Path]
) -> None:
    """Kino counts its own beside those of this program, so these go earlier than if they were alone."""
    change(shipped_context, keep=3)
    back_up_as_kino(BackupKind.MANUAL)
    ours = create_backup(shipped_context, Control(), kind=BackupKind.SCHEDULED).backup
    clock.advance(minutes=1)
    own = [back_up_as_kino(BackupKind.SCHEDULED) for _ in range(2)]
    told = list_backups(shipped_context).fates

    fates = [told[path] for path in (ours.path, *own)]

    assert [(fate.reason, fate.rank, fate.keep) for fate in fates] == [
        (FateReason.COUNTED, rank, 3) for rank in (3, 2, 1)
    ]
    for fate, path in zip(fates, (ours.path, *own), strict=True):
        assert fate.goes_at is not None
        clock.instant = fate.goes_at - MINUTE
        assert not kino_looks(shipped, clock.now())
        assert path.exists()
        clock.instant = fate.goes_at
        assert kino_looks(shipped, clock.now())
        assert not path.exists()
    assert {path for path in told if path.exists()} == {path for path in told if not told[path].goes_at}


def test_what_is_beyond_the_number_of_kinos_list_goes_with_its_next_run(
    shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """Whoever made it; what only this program's retention removes goes with the next prune."""
    ours = create_backup(shipped_context, Control(), kind=BackupKind.SCHEDULED).backup
    own = [back_up_as_kino(BackupKind.SCHEDULED) for _ in range(2)]
    change(shipped_context, keep=1)

    listing = list_backups(shipped_context)

    gone = [listing.fates[path] for path in (ours.path, own[0])]
    (run,) = preview_schedule(shipped_context, read_schedule(shipped_context)).next_runs[:1]
    assert [(fate.reason, fate.rank, fate.goes_at) for fate in gone] == [
        (FateReason.NEXT_TO_GO_BY_KINO, 3, run),
        (FateReason.NEXT_TO_GO_BY_KINO, 2, run),
    ]
    assert fate_text(gone[0], UTC) == "Goes at Kino's next scheduled backup: beyond the 1 kept."
    assert prune(shipped_context, Control(), dry_run=True).removed == ()


def test_what_kinos_list_does_not_name_it_does_not_remove(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """A file of its own without an entry has no day; one of ours has that of our own retention."""
    own = back_up_as_kino(BackupKind.SCHEDULED)
    ours = create_backup(shipped_context, Control(), kind=BackupKind.SCHEDULED).backup
    with closing(open_database(shipped.database)) as connection:
        connection.execute("DELETE FROM backup")

    fates = list_backups(shipped_context).fates

    assert (fates[own].reason, fates[own].goes_at) == (FateReason.MADE_BY_KINO, None)
    assert (fates[ours.path].reason, fates[ours.path].rank) == (FateReason.COUNTED, 1)


def test_a_file_elsewhere_is_not_removed_by_kino(
    shipped: Kino, shipped_context: Context, tmp_path: Path, back_up_as_kino: Callable[..., Path]
) -> None:
    """It joins the names of its list to its present location: the entries go, the files stay."""
    for _ in range(2):
        back_up_as_kino(BackupKind.SCHEDULED)
    (tmp_path / "disk").mkdir()
    wanted = replace(read_schedule(shipped_context), keep=1)

    assert len(preview_schedule(shipped_context, wanted).removes) == 1
    assert preview_schedule(shipped_context, replace(wanted, location=str(tmp_path / "disk"))).removes == ()


def test_a_row_of_the_future_that_holds_kino_up_is_told_beside_the_next_runs(
    shipped: Kino, shipped_context: Context
) -> None:
    """The first of them is a year away: the reason is named, and what puts it right."""
    with closing(open_database(shipped.database)) as connection:
        connection.execute(
            "INSERT INTO backup (kind, filename, size_bytes, kino_version, schema_version, checksum_sha256,"
            " created_at) VALUES ('scheduled', 'gone', 1, '0.3.2', 1, '', '2027-04-26T03:00:12+00:00')"
        )
    settings = read_schedule(shipped_context)

    preview = preview_schedule(shipped_context, settings)

    assert preview.next_runs[0].isoformat() == "2027-04-27T05:00:00+02:00"
    (remark,) = preview.remarks
    assert "a scheduled backup of 2027-04-26 03:00 UTC, which is in the future" in remark
    assert remark.endswith("reindex` puts that right.")
    off = replace(settings, enabled=False, frequency=Frequency.OFF)
    assert preview_schedule(shipped_context, off).remarks == ()


def test_a_time_that_means_nothing_leaves_off_off(shipped: Kino, shipped_context: Context) -> None:
    """The box and the preset say the same."""
    with closing(open_database(shipped.database)) as connection:
        connection.execute("UPDATE config SET backup_time = 'noon', backup_schedule = 'off'")

    offered = read_status(shipped_context).settings

    assert (offered.enabled, offered.frequency) == (False, Frequency.OFF)


def test_a_time_that_means_nothing_leaves_the_other_columns_as_they_are(
    shipped: Kino, shipped_context: Context
) -> None:
    """Saving the form that shows them sets the time, and removes no backup that Kino was to keep."""
    with closing(open_database(shipped.database)) as connection:
        connection.execute(
            "UPDATE config SET backup_time = 'noon', backup_schedule = 'monthly', backup_retention_count = 30"
        )

    offered = read_status(shipped_context).settings
    save_schedule(shipped_context, offered, Control())

    assert (offered.frequency, offered.keep) == (Frequency.MONTHLY, 30)
    row = "SELECT backup_schedule || ' ' || backup_time || ' ' || backup_retention_count FROM config"
    assert values(shipped.database, row) == ["monthly 03:00 30"]


def test_switched_off_is_off_and_switched_on_is_on(
    shipped: Kino, shipped_context: Context, clock: FakeClock
) -> None:
    """Kino does not look at "Enabled", so the schedule itself is switched."""
    change(shipped_context, frequency=Frequency.WEEKLY)
    change(shipped_context, enabled=False)
    off = "SELECT backup_enabled || ' ' || backup_schedule FROM config"
    assert values(shipped.database, off) == ["0 off"]
    assert next_backup_of_kino(shipped, clock.now()) is None
    assert not read_schedule(shipped_context).runs

    change(shipped_context, enabled=True, frequency=Frequency.WEEKLY)

    assert values(shipped.database, off) == ["1 weekly"]
    assert next_backup_of_kino(shipped, clock.now()) is not None


def test_what_kino_s_page_has_changed_meanwhile_stays(shipped: Kino, shipped_context: Context) -> None:
    """Another time does not bring back the retention that a form still showed."""
    before = read_schedule(shipped_context)
    with closing(open_database(shipped.database)) as connection:
        connection.execute("UPDATE config SET backup_retention_count = 12")

    save_schedule(shipped_context, replace(before, time=time(4, 15)), Control(), before=before)

    assert read_schedule(shipped_context) == replace(before, time=time(4, 15), keep=12)


def test_an_enabled_that_kino_ignores_is_not_taken_for_an_answer(
    shipped: Kino, shipped_context: Context
) -> None:
    """Where its page has "Enabled" off, and the schedule is daily, Kino makes backups, and so we say."""
    with closing(open_database(shipped.database)) as connection:
        connection.execute("UPDATE config SET backup_enabled = 0")

    preview = preview_schedule(shipped_context, read_schedule(shipped_context))

    assert preview.settings.runs
    assert preview.next_runs


def test_a_full_disk_gets_no_leavings_of_ours(
    shipped: Kino, shipped_context: Context, tmp_path: Path
) -> None:
    """Kino tries again every minute, and leaves a file each time; our attempt leaves the disk as it was."""
    disk = tmp_path / "disk"
    with small_disk(disk, 100):
        with closing(open_database(shipped.database)) as connection:
            connection.execute("UPDATE config SET backup_location_path = ?", (str(disk),))
            connection.execute("INSERT INTO webhook_target (url, headers) VALUES ('', randomblob(300000))")
        for minute in range(3):
            assert not kino_looks(shipped, datetime.fromisoformat(f"2026-04-26T03:0{minute}:00+00:00"))
        left = sorted(path.name for path in disk.iterdir())

        with pytest.raises(NoSpaceError):
            create_backup(shipped_context, Control(), accept_location=True)

        assert [name for name in left if name.endswith(".sqlite")]
        assert sorted(path.name for path in disk.iterdir() if path.name in left) == left
        assert not [path.name for path in disk.iterdir() if "partial" in path.name]
    said = "SELECT message FROM log_entry WHERE target = 'kino::backup'"
    assert len(values(shipped.database, said)) == 3


def test_a_backup_that_kino_has_missed_is_made_up_for(
    shipped: Kino, shipped_context: Context, clock: FakeClock
) -> None:
    """Asleep from three to four, Kino waits for the next day; we do not."""
    clock.instant = datetime.fromisoformat("2026-04-26T03:30:00+00:00")
    create_backup(shipped_context, Control(), kind=BackupKind.SCHEDULED)
    clock.instant = datetime.fromisoformat("2026-04-27T05:30:00+00:00")
    assert not kino_looks(shipped, clock.now())

    run = run_due(shipped_context, Control())

    assert run.outcome is DueOutcome.MADE
    assert not kino_looks(shipped, datetime.fromisoformat("2026-04-28T03:30:00+00:00"))


def test_a_backup_that_kino_makes_itself_is_not_made_twice(
    shipped: Kino, shipped_context: Context, clock: FakeClock
) -> None:
    """Neither while its hour lasts, nor after it was made."""
    clock.instant = datetime.fromisoformat("2026-04-26T03:10:00+00:00")
    assert kino_looks(shipped, clock.now())
    clock.instant = datetime.fromisoformat("2026-04-27T03:10:00+00:00")
    assert run_due(shipped_context, Control()).outcome is DueOutcome.NOT_DUE
    assert kino_looks(shipped, clock.now())
    clock.instant = datetime.fromisoformat("2026-04-27T09:00:00+00:00")
    assert run_due(shipped_context, Control()).outcome is DueOutcome.NOT_DUE


def test_a_disk_that_is_not_mounted_is_not_written_under(
    shipped: Kino, shipped_context: Context, tmp_path: Path
) -> None:
    """Kino makes the folder and fills the disk of the system; we miss our mark there, and stop."""
    disk = tmp_path / "nas"
    with small_disk(disk, 4096):
        change(shipped_context, location=str(disk))
        create_backup(shipped_context, Control())

    with pytest.raises(LocationError):
        create_backup(shipped_context, Control())

    assert list(disk.iterdir()) == []
    assert kino_looks(shipped, datetime.fromisoformat("2026-04-26T03:10:00+00:00"))
    assert len(list(disk.iterdir())) == 1


def test_a_preset_is_called_by_its_name(shipped_context: Context) -> None:
    """Kino's page says "Daily" whatever is set."""
    change(shipped_context, frequency=Frequency.WEEKLY)

    preview = preview_schedule(shipped_context, read_schedule(shipped_context))

    assert preview.settings.frequency is Frequency.WEEKLY
    assert "6 days" in " ".join(preview.terms.remarks)


def test_what_kino_has_left_behind_is_told(shipped: Kino, shipped_context: Context) -> None:
    """Copies of its database from a full disk and from its restores, which it never removes."""
    shipped.default_location.mkdir()
    left = (
        shipped.default_location / "kino-backup-aB3xYz.sqlite",
        shipped.data_path / "kino.db.pre-restore",
        shipped.data_path / "kino.db.restore-staged",
        shipped.data_path / "kino-restore-upload-aB3xYz.tar.gz",
    )
    for path in left:
        path.write_bytes(b"a whole database")

    told = [check for check in diagnose(shipped_context) if check.name == "kino_leftovers"]

    assert [check.status for check in told] == [CheckStatus.WARN]
    assert "kino.db.pre-restore" in told[0].text
