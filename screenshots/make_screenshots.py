"""Draw the main screens of the sample Kino into this folder, as SVG and as PNG.

Run from the repository with the development dependencies: `python screenshots/make_screenshots.py`.
The clock stands still, and the sample shows itself under the path a real Kino has.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import resvg_py

os.environ["TEXTUAL_THEME"] = "textual-dark"
os.environ["TEXTUAL_ANIMATIONS"] = "none"
os.environ.pop("NO_COLOR", None)

# Textual reads its theme while it is imported, so everything that imports it comes after.
from textual.pilot import Pilot

from kino_backup_tui.core.catalog.locations import access_problem
from kino_backup_tui.core.errors import OperationCancelledError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.running import KinoState
from kino_backup_tui.core.kino.settings import BackupSettings
from kino_backup_tui.core.models import Backup
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.listing import Listing
from kino_backup_tui.core.operations.making import Created
from kino_backup_tui.core.operations.schedule import SchedulePreview
from kino_backup_tui.core.operations.status import Status
from kino_backup_tui.core.progress import CancelToken, Control, JobEvent, Stage
from kino_backup_tui.core.restore.plan import RestorePlan, RestoreResult
from kino_backup_tui.demo.sample import write_sample
from kino_backup_tui.tui.app import KinoBackupApp
from kino_backup_tui.tui.backend import Backend

FOLDER = Path(__file__).parent
SIZE = (80, 24)
FONT = "DejaVu Sans Mono"
SHOWN_PATH = Path("/var/lib/kino")
FREE = 85_899_345_920
READING = {"load", "preview", "show", "look"}


PRE_RESTORE = "kino-backup-pre-restore-2026-04-26T09-30-00-v0.4.2.tar.gz"
STAGES = (
    ("stage", 7.0, Stage.CHECKING_ARCHIVE, ""),
    ("note", 6.0, Stage.CHECKING_ARCHIVE, "5 files, every digest matches"),
    ("stage", 5.8, Stage.STAGING, ""),
    ("stage", 5.5, Stage.SAFETY_BACKUP, ""),
    ("note", 4.7, Stage.SAFETY_BACKUP, PRE_RESTORE),
    ("stage", 2.1, Stage.STOPPING, ""),
    ("note", 2.0, Stage.STOPPING, "kino.service, waiting for it to let go of the database"),
)
"""What the worker of a restore tells: kind, seconds ago, stage, note."""


@dataclass(frozen=True, slots=True)
class Story:
    """How the restore of a picture ends; None to stop in the middle of it."""

    result: RestoreResult | None = None


@dataclass(frozen=True, slots=True)
class StillClock:
    """Half past nine on a Sunday in Berlin."""

    instant: datetime = datetime(2026, 4, 26, 7, 30, tzinfo=UTC)

    def now(self) -> datetime:
        """The same instant each time."""
        return self.instant

    def zone(self) -> tzinfo:
        """Where the sample household lives."""
        return ZoneInfo("Europe/Berlin")


class SampleBackend(Backend):
    """The sample Kino, under the path and with the state that the reader of a README has at home."""

    def command(self, *words: str) -> str:
        """As it is printed for a Kino that is found by itself."""
        return " ".join(("kino-backup-tui", *words))

    def status(self) -> Status:
        """Running on a NAS."""
        running = KinoState(running=True, version="0.4.2")
        return replace(super().status(), kino=running, kino_version="0.4.2", data_path=SHOWN_PATH)

    def listing(self) -> Listing:
        """The sample's archives, as if they were there."""
        listing = super().listing()
        places = {one.path: SHOWN_PATH / "backups" / one.path.name for one in listing.backups}
        return listing._replace(
            backups=tuple(replace(one, path=places[one.path]) for one in listing.backups),
            fates={places[path]: fate for path, fate in listing.fates.items()},
        )

    def show(self, backup: Backup, control: Control) -> Backup:
        """All of the sample's manifests are read while listing."""
        if backup.manifest is None:
            return backup
        return replace(backup, manifest=replace(backup.manifest, host="nas01", data_path=str(SHOWN_PATH)))

    def preview(self, settings: BackupSettings, *, move: bool = False) -> SchedulePreview:
        """The usual place, with room."""
        preview = super().preview(settings, move=move)
        return replace(preview, location=SHOWN_PATH / "backups", free_bytes=FREE)

    def start_folder(self) -> Path:
        """A folder that is everywhere."""
        return Path("/")


class StoppedBackend(SampleBackend):
    """Stops a backup in the middle of packing, so that its progress can be drawn."""

    def create(self, control: Control, *, accept_location: bool = False) -> Created:
        """Tell of the first stages and wait to be cancelled."""
        for stage, began in ((Stage.DATABASE_SNAPSHOT, 4.0), (Stage.HASHING, 2.8), (Stage.PACKING, 2.1)):
            at = self.now() - timedelta(seconds=began)
            control.report(JobEvent("stage", "j", "create", at, stage))
        control.report(JobEvent("progress", "j", "create", self.now(), Stage.PACKING, 10_800_000, 18_900_000))
        while not control.cancel.cancelled:
            time.sleep(0.05)
        raise OperationCancelledError("The picture is taken.")


class RestoringBackend(SampleBackend):
    """Plans a real restore of the sample; what its worker tells is prepared, so that nothing is replaced."""

    def __init__(self, context: Context, story: Story) -> None:
        super().__init__(context)
        self._story = story
        self._plan: RestorePlan | None = None

    def plan_restore(
        self,
        source: Backup | Path,
        control: Control,
        *,
        safety_backup: bool = True,
        library_missing_ok: bool = False,
    ) -> RestorePlan:
        """The plan for the sample, as it would be for a service under the path of a real Kino."""
        path = source if isinstance(source, Path) else source.path
        real = self._context.kino.default_location / path.name
        plan = super().plan_restore(
            real, control, safety_backup=safety_backup, library_missing_ok=library_missing_ok
        )
        space = tuple(
            replace(one, folder=shown(one.folder, self._context), free_bytes=FREE) for one in plan.space
        )
        self._plan = replace(
            plan,
            source=path,
            data_path=SHOWN_PATH,
            now=replace(plan.now, kino_version="0.4.2"),
            supervisor="kino.service",
            controls=True,
            running=True,
            safety_location=SHOWN_PATH / "backups",
            space=space,
        )
        return self._plan

    def start_restore(
        self,
        plan: RestorePlan,
        control: Control,
        *,
        safety_backup: bool = True,
        library_missing_ok: bool = False,
    ) -> str:
        """There is no worker."""
        return "j"

    def watch(self, cancel: CancelToken, job: str | None = None) -> Iterator[JobEvent]:
        """The stages so far; then the end, or nothing more."""
        for kind, began, stage, note in STAGES:
            yield JobEvent(kind, "j", "restore", self.now() - timedelta(seconds=began), stage, note=note)
        while self._story.result is None:
            cancel.raise_if_cancelled()
            time.sleep(0.05)
        yield JobEvent("end", "j", "restore", self.now(), outcome=self._story.result.outcome)

    def read_result(self, job: str) -> RestoreResult | None:
        """The prepared end, of what was planned."""
        result = self._story.result
        if result is None or self._plan is None:
            return None
        tables = self._plan.backup.tables if result.outcome == "ok" else None
        return replace(result, source=self._plan.source.name, tables=tables)


class UnpluggedBackend(SampleBackend):
    """A backup location on a disk that is not there."""

    def create(self, control: Control, *, accept_location: bool = False) -> Created:
        """Refuse, in the program's own words."""
        problem = access_problem(Path("/mnt/nas/kino"))
        if problem is None:
            return super().create(control, accept_location=accept_location)
        raise problem


def shown(folder: Path, context: Context) -> Path:
    """A folder of the sample under the path it shows itself under."""
    return SHOWN_PATH / folder.relative_to(context.kino.data_path)


def restored(at: datetime) -> RestoreResult:
    """An end as one wants it."""
    return RestoreResult(
        job="j",
        operation="restore",
        outcome="ok",
        at=at,
        message="Restored.",
        kino_version="0.4.2",
        running=True,
        way_back=PRE_RESTORE,
        can_roll_back=True,
    )


def rolled_back(at: datetime) -> RestoreResult:
    """An end with a Kino that refuses to start."""
    return RestoreResult(
        job="j",
        operation="restore",
        outcome="rolled_back",
        at=at,
        message="kino.service failed and was restarted 3 times. The state from before the restore is back "
        "and Kino runs on it.",
        kino_version="0.4.2",
        running=True,
        way_back=PRE_RESTORE,
        failed_stage=Stage.CHECKING_HEALTH.value,
        log=(
            "listening on 127.0.0.1:8080",
            "stopping",
            "cannot start: /var/lib/kino/config.toml: [server] port must be a number from 1 to 65535",
        ),
        hint="The log of Kino tells why. Another backup may do.",
    )


def write(name: str, svg: str) -> None:
    """Write one picture in both forms."""
    (FOLDER / f"{name}.svg").write_text(svg, encoding="utf-8")
    png = resvg_py.svg_to_bytes(svg_string=svg.replace("Fira Code", FONT), font_family=FONT, width=1200)
    (FOLDER / f"{name}.png").write_bytes(bytes(png))


async def shoot(backend: Backend, name: str, *keys: str, size: tuple[int, int] = SIZE) -> None:
    """Press keys on the page and draw what is there then."""
    app = KinoBackupApp(backend)
    async with app.run_test(size=size, notifications=True) as pilot:
        await settle(pilot)
        for key in keys:
            await pilot.press(key)
            await settle(pilot)
        svg = app.export_screenshot(title="kino-backup-tui", simplify=True)
    write(name, svg)


async def settle(pilot: Pilot[None]) -> None:
    """Let readers finish; a stopped backup and a question go on."""
    await pilot.pause(0.6)
    while any(
        worker.group in {"load", "preview", "show"} and not worker.is_finished for worker in pilot.app.workers
    ):
        await pilot.pause(0.05)
    await pilot.pause()


async def main() -> None:
    """Draw every screen of the README."""
    clock = StillClock()
    with tempfile.TemporaryDirectory(prefix="kino-pictures-") as folder:
        data_path = Path(folder) / "kino"
        write_sample(data_path, clock)
        context = Context(Kino(data_path), clock, host="nas01")
        backend = SampleBackend(context)
        await shoot(backend, "page")
        await shoot(backend, "detail", "enter")
        await shoot(backend, "schedule", "s")
        await shoot(backend, "delete", "down", "down", "down", "d")
        await shoot(backend, "help", "question_mark")
        await shoot(backend, "import", "i")
        await shoot(StoppedBackend(context), "progress", "b")
        await shoot(UnpluggedBackend(context), "error", "b")
        older = (*["down"] * 9, "r")
        await shoot(RestoringBackend(context, Story()), "restore-dialog", *older)
        await shoot(RestoringBackend(context, Story()), "restore-progress", *older, "y")
        end = restored(clock.now())
        await shoot(RestoringBackend(context, Story(end)), "restore-result", *older, "y")
        refused = (*["down"] * 7, "r")
        end = rolled_back(clock.now())
        await shoot(RestoringBackend(context, Story(end)), "restore-rolled-back", *refused, "y")


if __name__ == "__main__":
    asyncio.run(main())
