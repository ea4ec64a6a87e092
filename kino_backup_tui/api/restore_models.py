"""What a restore is asked with, what it would do, and why it is refused, as /openapi.json describes them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from kino_backup_tui.api.job_models import Problem
from kino_backup_tui.api.models import Bytes, ErrorBody, Instant
from kino_backup_tui.api.utf8 import utf8
from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.core.restore.plan import RestorePlan
from kino_backup_tui.presentation.restore_objects import plan_object


class RestoreRequest(BaseModel):
    """How to restore; each field may be left out, and so may all of it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    dry_run: bool = Field(default=False, description="Only tell what would be done: the answer is the plan.")
    fingerprint: str | None = Field(
        default=None,
        pattern="^[0-9a-f]{64}$",
        description="That of a plan that somebody has seen: if the restore would do anything else by now, it "
        "is refused. Without it, it is restored as it is now, as `--yes` does.",
        examples=[None],
    )
    safety_backup: bool = Field(
        default=True,
        description="Save the current state as a backup first. The replaced files are kept anyway.",
    )
    library_missing_ok: bool = Field(
        default=False,
        description="Start Kino even if its media are not there. Kino 0.3 is expected to forget "
        "the media whose files it does not find.",
    )
    health_seconds: float = Field(
        default=180,
        ge=1,
        le=86400,
        description="How long Kino may take to become healthy before the restore is undone.",
    )


class State(BaseModel):
    """One side of the comparison: the backup, or Kino as it is now. What is not known is null."""

    created_at: Instant | None = Field(description="When it was made.")
    kind: BackupKind | None = Field(description="What kind of a backup it is.")
    kino_version: str | None = Field(description="The Kino it is of.", examples=["0.4.2"])
    schema_version: int | None = Field(description="How many migrations its database had.", examples=[12])
    tables: dict[str, int] | None = Field(description="Rows of its database.", examples=[{"film": 312}])
    host: str | None = Field(description="Where it was made.", examples=["nas01"])


class KinoNow(BaseModel):
    """Who stops and starts Kino, and whether it runs."""

    supervisor: str = Field(description="What does it.", examples=["kino.service"])
    controls: bool = Field(description="False where a person has to.")
    running: bool | None = Field(description="Null where that cannot be found out.")


class SafetyBackup(BaseModel):
    """How the state from before is kept, besides the replaced files."""

    how: Literal["backup", "raw", "none"] = Field(
        description="`raw` where the database is too damaged for a sound copy."
    )
    location: str | None = Field(description="Where it goes.", examples=["/var/lib/kino/backups"])


class SpaceNeed(BaseModel):
    """Room that one step needs in one folder."""

    step: str = Field(examples=["Staging"], description="The step.")
    folder: str = Field(examples=["/var/lib/kino"], description="The folder.")
    needed_bytes: Bytes = Field(description="What it needs.")
    free_bytes: Bytes = Field(description="What there is.")


class Change(BaseModel):
    """A setting that decides how Kino is reached, and will be another one."""

    setting: str = Field(examples=["server.port"], description="Its dotted name.")
    now: str = Field(examples=["8080"], description="As TOML; of a secret only whether it is set.")
    then: str = Field(examples=["8096"], description="The same, afterwards.")


class Removal(BaseModel):
    """Files that Kino deletes."""

    title: str = Field(description="Of what.", examples=["A Film 2026"])
    folder: str | None = Field(description="Where they are on this host.", examples=["/srv/downloads/film"])
    size_bytes: Bytes | None = Field(description="Their size, if it is known.")


class Library(BaseModel):
    """The files of the media that the database knows."""

    folder: str = Field(description="As Kino calls it.", examples=["/srv/media"])
    place: str = Field(description="On this host.", examples=["/srv/media"])
    entries: int = Field(description="Media in the database; 1001 stands for more than Kino looks for.")
    missing: int = Field(description="Those whose file is not there now.")
    forgets: int = Field(description="Those that Kino forgets.")
    examples: list[str] = Field(description="Some of the missing files.")
    problem: str | None = Field(description="Why the library as a whole is not there.")


class FirstBoot(BaseModel):
    """What Kino is expected to do at its first start on the restored database."""

    torrents: list[Removal] | None = Field(description="Removed with their files; null if not known.")
    downloads: list[Removal] = Field(description="Downloads whose files are deleted.")
    broken_off: int = Field(description="Downloads that count as failed from then on.")
    library: Library | None = Field(description="Null if no media are known.")


class Effect(BaseModel):
    """What becomes of something."""

    item: str = Field(examples=["Watch progress and history"], description="Of what.")
    after: str = Field(examples=["Restored"], description="What becomes of it.")


class Plan(BaseModel):
    """What a restore would do; nothing was changed to find that out."""

    fingerprint: str = Field(description="The same for two plans that do the same; see `RestoreRequest`.")
    operation: Literal["restore", "rollback"] = Field(description="What it is a plan of.")
    source: str = Field(description="The archive.")
    archive_sha256: str | None = Field(description="Its SHA-256, if it could be read.")
    data_path: str = Field(description="Kino's.", examples=["/var/lib/kino"])
    layout: str = Field(description="How Kino keeps its state there.", examples=["documented"])
    undoes: str | None = Field(description="Of a rollback: the archive whose restore is undone.")
    undone_at: Instant | None = Field(description="Of a rollback: when that was restored.")
    replaced: list[str] = Field(description="What leaves the data path.", examples=[["db.sqlite"]])
    arriving: list[str] = Field(description="What takes its place.", examples=[["db.sqlite"]])
    backup: State = Field(description="The backup.")
    now: State = Field(description="Kino as it is.")
    kino: KinoNow = Field(description="Who stops and starts it.")
    health_seconds: float = Field(description="As asked for.")
    safety: SafetyBackup = Field(description="How the current state is kept.")
    space: list[SpaceNeed] = Field(description="Room that it takes.")
    changes: list[Change] = Field(description="How Kino is reached afterwards, if that changes.")
    first_boot: FirstBoot | None = Field(description="Null where nothing is to be expected.")
    effects: list[Effect] = Field(description="What becomes of what.")
    warnings: list[str] = Field(description="What should be known, and forbids nothing.")
    blockers: list[Problem] = Field(description="Everything that forbids it; it can start if there is none.")


class RefusedBody(ErrorBody):
    """Why nothing was restored."""

    blockers: list[Problem] = Field(
        default=[], description="Everything that forbids it, each with its way out; the first is the error."
    )


class RefusedRestore(BaseModel):
    """A restore that was refused; nothing was changed."""

    error: RefusedBody


def restore_plan(plan: RestorePlan) -> Plan:
    """A plan as the API shows it."""
    return Plan.model_validate(utf8(plan_object(plan)) | {"fingerprint": plan.fingerprint})
