"""A backend with prepared answers: the same screen on every machine, at every time of day."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from kino_backup_tui.core.archive.manifest import Content, LeftOut, Manifest
from kino_backup_tui.core.catalog.dates import Dates
from kino_backup_tui.core.catalog.retention import Fate, FateReason
from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.jobs.journal import JobRecord
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.running import KinoState
from kino_backup_tui.core.kino.settings import BackupSettings
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus, EntryRole
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.failing import Failing
from kino_backup_tui.core.operations.freshness import measure_freshness
from kino_backup_tui.core.operations.listing import Listing
from kino_backup_tui.core.operations.making import Created
from kino_backup_tui.core.operations.move import Moved
from kino_backup_tui.core.operations.moving import Left
from kino_backup_tui.core.operations.schedule import SchedulePreview
from kino_backup_tui.core.operations.service_plan import ServicePlan
from kino_backup_tui.core.operations.status import NOBODY, Status
from kino_backup_tui.core.progress import CancelToken, Control, JobEvent
from kino_backup_tui.core.restore.plan import Interrupted, RestorePlan, RestoreResult
from kino_backup_tui.core.timers.base import Installed, Runner
from kino_backup_tui.core.timetable import DocumentedTimetable
from kino_backup_tui.tui.backend import Backend
from tests.fakes import FakeClock

ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 4, 26, 9, 30, tzinfo=ZONE).astimezone(UTC)
DATA_PATH = Path("/var/lib/kino")
LOCATION = DATA_PATH / "backups"


TIMER = Runner("systemd", "kino-backup-tui.timer", active=True, text="kino-backup-tui.timer")
UNITS = Path("/etc/systemd/system")
SERVICE_PLAN = ServicePlan(
    name="kino-backup-tui.timer",
    files=(UNITS / "kino-backup-tui.service", UNITS / "kino-backup-tui.timer"),
    account="kino",
    user=False,
    minutes=15,
    problem=None,
)


def manifest(backup_kind: BackupKind, created_at: datetime, version: str, schema: int) -> Manifest:
    """What one of our archives says of itself."""
    paths = (
        "config.toml",
        "db.sqlite",
        "secrets/opensubtitles.key",
        "secrets/tmdb.key",
        "secrets/trakt.json",
    )
    sizes = (2_481, 18_886_656, 64, 40, 212)
    return Manifest(
        kino_version=version,
        schema_version=schema,
        kind=backup_kind,
        created_at=created_at,
        contents=tuple(
            Content(path, size, hashlib.sha256(path.encode()).hexdigest())
            for path, size in zip(paths, sizes, strict=True)
        ),
        tables={"film": 312, "series": 14, "episode": 801, "user": 4, "watch_event": 1_204},
        left_out=(LeftOut("secrets/current", "a symbolic link"),),
        layout="documented",
        instance="6c1f6a52",
        host="nas01",
        data_path=str(DATA_PATH),
        created_by="kino-backup-tui 0.1.0",
        database_state="consistent",
    )


def backup(
    kind: BackupKind,
    local: str,
    *,
    size: int = 4_928_307,
    version: str = "0.4.2",
    schema: int = 12,
    status: BackupStatus = BackupStatus.VERIFIED,
    problem: str = "",
    filename: str = "",
) -> Backup:
    """One backup in the default location; `local` is its time in Berlin."""
    created_at = datetime.fromisoformat(local).replace(tzinfo=ZONE)
    name = kind.value.replace("_", "-")
    path = LOCATION / (filename or f"kino-backup-{name}-{created_at:%Y-%m-%dT%H-%M-%S}-v{version}.tar.gz")
    damaged = status is BackupStatus.DAMAGED
    return Backup(
        path=path,
        id=int.from_bytes(hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).digest()[:6]),
        role=EntryRole.BACKUP,
        status=status,
        size_bytes=size,
        kind=kind,
        created_at=created_at,
        kino_version=version,
        schema_version=schema,
        checksum_sha256=None if damaged else hashlib.sha256(path.name.encode("utf-8", "replace")).hexdigest(),
        verified_at=created_at + timedelta(seconds=4) if status is BackupStatus.VERIFIED else None,
        problem=problem,
        manifest=None if damaged else manifest(kind, created_at, version, schema),
    )


def household() -> list[Backup]:
    """The weeks of a household: all kinds, one damaged, one leftover, one foreign file."""
    scheduled, manual, before = BackupKind.SCHEDULED, BackupKind.MANUAL, BackupKind.PRE_RESTORE
    backups = [
        backup(scheduled, "2026-04-26T03:00:00"),
        backup(manual, "2026-04-25T18:12:44", size=4_918_112),
        backup(scheduled, "2026-04-25T03:00:00", size=4_910_002),
        backup(before, "2026-04-24T21:40:03", size=4_806_377),
        backup(
            scheduled,
            "2026-04-24T03:00:00",
            status=BackupStatus.DAMAGED,
            problem="db.sqlite in the archive is not what was written: its digest differs.",
        ),
        backup(scheduled, "2026-04-23T03:00:00", size=4_790_551),
        backup(scheduled, "2026-04-22T03:00:00", size=4_788_930, status=BackupStatus.UNVERIFIED),
        backup(scheduled, "2026-04-15T03:00:00", size=4_705_219, version="0.4.1", schema=11),
        backup(manual, "2026-03-29T20:05:00", size=4_402_731, version="0.4.1", schema=11),
    ]
    leftover = LOCATION / ".kino-backup-manual-2026-04-20T11-00-00-v0.4.2.tar.gz.partial"
    unknown = BackupStatus.UNVERIFIED
    return [
        *backups,
        Backup(leftover, 1, EntryRole.LEFTOVER, unknown, 1_048_576, problem="An interrupted run left it."),
        Backup(LOCATION / "README.txt", 2, EntryRole.FOREIGN, unknown, 311, problem="Not a backup of Kino."),
    ]


def fates(backups: Sequence[Backup]) -> dict[Path, Fate]:
    """Why each is kept."""
    result = {}
    rank = 0
    for one in backups:
        if one.role is not EntryRole.BACKUP:
            result[one.path] = Fate(FateReason.NOT_A_BACKUP)
        elif one.kind is BackupKind.MANUAL:
            result[one.path] = Fate(FateReason.MANUAL)
        elif one.kind is BackupKind.PRE_RESTORE:
            result[one.path] = Fate(FateReason.PRE_RESTORE)
        elif one.status is BackupStatus.DAMAGED:
            result[one.path] = Fate(FateReason.DAMAGED)
        elif one.status is BackupStatus.UNVERIFIED:
            result[one.path] = Fate(FateReason.UNVERIFIED)
        else:
            rank += 1
            goes = NOW + timedelta(days=8 - rank)
            result[one.path] = Fate(FateReason.COUNTED, rank=rank, keep=7, goes_at=goes)
    return result


class PreparedBackend(Backend):
    """Answers from memory. `error` is what every changing operation ends with, if set."""

    def __init__(self, backups: Sequence[Backup] = (), *, error: KinoBackupError | None = None) -> None:
        self.clock = FakeClock(NOW)
        super().__init__(Context(Kino(DATA_PATH), self.clock, host="nas01"))
        self.backups = list(backups)
        self.error = error
        self.settings = BackupSettings()
        self.settings_problem: KinoBackupError | None = None
        self.location_problem: KinoBackupError | None = None
        self.state = KinoState(running=True, pid=812, version="0.4.2")
        self.job: JobRecord | None = None
        self.removes: tuple[Backup, ...] = ()
        self.movable: tuple[Backup, ...] = ()
        self.left: tuple[Left, ...] = ()
        self.failing: Failing | None = None
        self.runner = NOBODY
        self.unattended = False
        self.service_plan = SERVICE_PLAN
        self.events: tuple[JobEvent, ...] = ()
        self.worker_events: tuple[JobEvent, ...] = ()
        """Of a worker that is watched, until it is held; `events` if there are none."""
        self.last_events: tuple[JobEvent, ...] = ()
        """Of that worker, from then on."""
        self.hold = threading.Event()
        """Cleared, operations report their events and then go on until they are cancelled."""
        self.hold.set()
        self.plan: RestorePlan | None = None
        self.plan_with_less: RestorePlan | None = None
        """What planning answers without a safety backup, if that is another plan."""
        self.result: RestoreResult | None = None
        self.is_interrupted: Interrupted | None = None
        self.way = ""
        self.told: list[str] = []
        """What was asked of the restore's operations, in order."""
        self.locked = False
        """Whether others are at work, so that no worker starts."""
        self.stops = True
        """Whether a worker that is asked to stop says that it still can."""

    def start_folder(self) -> Path:
        """A folder that is everywhere."""
        return Path("/")

    def status(self) -> Status:
        """The prepared head of the page."""
        mine = [one for one in self.backups if one.role is EntryRole.BACKUP]
        return Status(
            kino=self.state,
            kino_version="0.4.2",
            host="nas01",
            data_path=DATA_PATH,
            zone="Europe/Berlin",
            settings=self.settings,
            terms=DocumentedTimetable(ZONE).terms(self.settings),
            settings_problem=self.settings_problem,
            location=LOCATION,
            location_problem=self.location_problem,
            free_bytes=85_899_345_920,
            next_run=datetime(2026, 4, 27, 3, 0, tzinfo=ZONE) if self.settings.runs else None,
            newest=mine[0] if mine else None,
            freshness=measure_freshness(mine, None, Dates(NOW)),
            counts={},
            job=self.job,
            failing=self.failing,
            runner=self.runner,
            unattended=self.unattended,
        )

    def listing(self) -> Listing:
        """The prepared list."""
        return Listing(tuple(self.backups), fates(self.backups), LOCATION)

    def complete(self, cancel: CancelToken) -> bool:
        """Nothing is further inside."""
        return False

    def show(self, backup: Backup, control: Control) -> Backup:
        """It is all there."""
        return backup

    def create(self, control: Control, *, accept_location: bool = False) -> Created:
        """A new first line of the list."""
        self._play(control)
        made = backup(BackupKind.MANUAL, "2026-04-26T09:30:00")
        self.backups.insert(0, made)
        return Created(made)

    def verify(self, backup: Backup, control: Control) -> Backup:
        """As good as ever."""
        self._play(control)
        return backup

    def meant(self, before: BackupSettings, wanted: BackupSettings) -> BackupSettings:
        """As it was typed."""
        return wanted

    def preview(self, settings: BackupSettings, *, move: bool = False) -> SchedulePreview:
        """Five nights, the first of them nine hours and a half away."""
        first = datetime.combine(NOW.astimezone(ZONE).date() + timedelta(days=1), settings.time, tzinfo=ZONE)
        return SchedulePreview(
            settings=settings,
            zone="Europe/Berlin",
            terms=DocumentedTimetable(ZONE).terms(settings),
            next_runs=tuple(first + timedelta(days=day) for day in range(5)) if settings.runs else (),
            removes=self.removes if settings.keep < 7 else (),
            location=LOCATION,
            free_bytes=85_899_345_920,
            same_disk=True,
            movable=self.movable if settings.location else (),
        )

    def move(self, control: Control) -> Moved:
        """Everything that can be, is."""
        self.told.append("move")
        self._play(control)
        return Moved(self.movable, self.left, ())

    def plan_service(self) -> ServicePlan:
        """The prepared plan."""
        return self.service_plan

    def install_service(self, plan: ServicePlan) -> Installed:
        """A timer that is there at once."""
        self.told.append(f"install {plan.name}")
        self._play(Control())
        self.runner, self.unattended = TIMER, False
        done = (*(f"Wrote {file}." for file in plan.files), f"Enabled and started {plan.name}.")
        return Installed("systemd", plan.name, plan.files, written=plan.files, done=done)

    def save(
        self,
        settings: BackupSettings,
        control: Control,
        *,
        before: BackupSettings | None = None,
        accept_location: bool = False,
    ) -> SchedulePreview:
        """Kept in memory."""
        self._play(control)
        self.settings = settings
        return self.preview(settings)

    def plan_restore(
        self,
        source: Backup | Path,
        control: Control,
        *,
        safety_backup: bool = True,
        library_missing_ok: bool = False,
    ) -> RestorePlan:
        """The prepared plan."""
        path = source if isinstance(source, Path) else source.path
        self.told.append(f"plan {path.name}{_waived(safety_backup, library_missing_ok)}")
        return self._planned(control, safety_backup and not library_missing_ok)

    def plan_rollback(
        self, control: Control, *, safety_backup: bool = True, library_missing_ok: bool = False
    ) -> RestorePlan:
        """The prepared plan."""
        self.told.append("plan rollback")
        return self._planned(control, safety_backup and not library_missing_ok)

    def _planned(self, control: Control, everything: bool) -> RestorePlan:
        self._play(control)
        assert self.plan is not None
        return self.plan if everything else self.plan_with_less or self.plan

    def start_restore(
        self,
        plan: RestorePlan,
        control: Control,
        *,
        safety_backup: bool = True,
        library_missing_ok: bool = False,
    ) -> str:
        """A worker that tells the prepared events; it waits for the lock while `locked` is set."""
        while self.locked:
            control.cancel.raise_if_cancelled()
            time.sleep(0.01)
        self.told.append(f"start {plan.operation}{_waived(safety_backup, library_missing_ok)}")
        return "j1"

    def cancel_restore(self, job: str) -> bool:
        """The prepared answer."""
        self.told.append(f"cancel {job}")
        return self.stops

    def read_result(self, job: str) -> RestoreResult | None:
        """The prepared result."""
        return self.result

    def interrupted(self) -> Interrupted | None:
        """The prepared interruption."""
        return self.is_interrupted

    def settle(self, control: Control, keep: str | None = None) -> RestoreResult | None:
        """The prepared result; nothing is interrupted any more."""
        self.told.append(f"settle {keep}")
        self._play(control)
        self.is_interrupted = None
        return self.result

    def way_back(self) -> str:
        """The prepared name."""
        return self.way

    def can_undo(self) -> bool:
        """Where there is a way back."""
        return bool(self.way)

    def watch(self, cancel: CancelToken, job: str | None = None) -> Iterator[JobEvent]:
        """The prepared events, and then nothing until it is held no longer."""
        yield from self.worker_events or self.events
        while not self.hold.wait(0.01):
            cancel.raise_if_cancelled()
        yield from self.last_events

    def _play(self, control: Control) -> None:
        for event in self.events:
            control.report(event)
        while not self.hold.wait(0.01):
            control.cancel.raise_if_cancelled()
        if self.error is not None:
            raise self.error


def many(count: int) -> list[Backup]:
    """One scheduled backup a night, `count` nights back."""
    newest = backup(BackupKind.SCHEDULED, "2026-04-26T03:00:00")
    nights = []
    for night in range(count):
        created_at = datetime(2026, 4, 26, 3, 0, tzinfo=ZONE) - timedelta(days=night)
        path = LOCATION / f"kino-backup-scheduled-{created_at:%Y-%m-%dT%H-%M-%S}-v0.4.2.tar.gz"
        nights.append(replace(newest, path=path, id=night, created_at=created_at))
    return nights


def _waived(safety_backup: bool, library_missing_ok: bool) -> str:
    return f"{'' if safety_backup else ' without safety'}{' without library' if library_missing_ok else ''}"
