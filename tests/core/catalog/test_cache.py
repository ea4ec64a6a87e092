"""What is remembered of archives, and how little space that takes."""

from __future__ import annotations

import gc
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kino_backup_tui.core.archive.manifest import Content, LeftOut, Manifest
from kino_backup_tui.core.catalog.cache import Cache, Known, fingerprint_of
from kino_backup_tui.core.catalog.scan import scan_location
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import BackupKind, BackupStatus, Migration
from kino_backup_tui.core.workspace import Workspace, workspace_of

MANIFEST = Manifest(
    "0.4.2",
    2,
    BackupKind.SCHEDULED,
    datetime(2026, 4, 26, 3, tzinfo=UTC),
    contents=(
        Content("config.toml", 12, "a" * 64),
        Content("db.sqlite", 4096, "b" * 64),
        Content("secrets/trakt.json", 3, "c" * 64),
    ),
    migrations=(Migration(1, "00ff"), Migration(2, "ff00")),
    tables={"film": 3, "user": 1},
    left_out=(LeftOut("secrets/link", "a symbolic link"),),
    layout="documented",
    instance="ours",
    host="nas01",
    data_path="/var/lib/kino",
    created_by="kino-backup-tui 0.1.0",
    database_state="consistent",
)


@pytest.fixture
def workspace(kino: Kino) -> Workspace:
    """The working folder of a Kino."""
    return workspace_of(kino)


def remember(workspace: Workspace, location: Path, manifests: dict[str, Manifest]) -> None:
    """Put files into a location, and into the cache what their manifests would say."""
    location.mkdir(exist_ok=True)
    known = []
    for name, manifest in manifests.items():
        (location / name).write_bytes(b"archive")
        fingerprint = fingerprint_of((location / name).lstat())
        known.append((location / name, Known(fingerprint, BackupStatus.VERIFIED, manifest)))
    Cache(workspace).remember(known)


@pytest.mark.parametrize(
    "manifest",
    [
        MANIFEST,
        Manifest(None, None, None, None),
        replace(MANIFEST, contents=MANIFEST.contents[:1], tables={}),
        replace(MANIFEST, contents=(*MANIFEST.contents[1:2], Content("db.sqlite-wal", 0, "d" * 64))),
    ],
    ids=["ours", "empty", "no database", "raw"],
)
def test_a_manifest_is_remembered_whole(workspace: Workspace, tmp_path: Path, manifest: Manifest) -> None:
    """What another process reads from the cache is what was put there, order and all."""
    remember(workspace, tmp_path, {"a.tar.gz": manifest})
    path = tmp_path / "a.tar.gz"

    known = Cache(workspace).get(str(tmp_path), path.name, fingerprint_of(path.lstat()))

    assert known is not None
    assert known.manifest == manifest
    assert known.manifest is not None
    assert list(known.manifest.tables) == list(manifest.tables)


def test_what_archives_have_in_common_is_kept_once(workspace: Workspace, tmp_path: Path) -> None:
    """A night's archive adds its date and its database, not the migrations and names all over again."""
    nights = {
        f"{day}.tar.gz": replace(MANIFEST, created_at=datetime(2026, 4, day, 3, tzinfo=UTC))
        for day in range(1, 31)
    }
    remember(workspace, tmp_path, nights)

    text = workspace.catalog_file.read_text()

    assert text.count("secrets/trakt.json") == 1
    assert text.count("2026-04-") == len(nights)


def test_what_no_archive_needs_any_more_is_forgotten(workspace: Workspace, tmp_path: Path) -> None:
    """With the last archive of an old host its name leaves the cache, which so does not grow for ever."""
    location = tmp_path / "backups"
    remember(workspace, location, {"a.tar.gz": replace(MANIFEST, host="old"), "b.tar.gz": MANIFEST})
    (location / "a.tar.gz").unlink()

    scan_location(location, Cache(workspace), UTC, elsewhere=False)

    document = json.loads(workspace.catalog_file.read_bytes())
    assert list(document["locations"][str(location)]) == ["b.tar.gz"]
    assert len(document["shapes"]) == 1


def test_an_entry_that_is_garbage_costs_no_other(workspace: Workspace, tmp_path: Path) -> None:
    """What cannot be made sense of is read again from its archive; the rest is still known."""
    remember(workspace, tmp_path, {"a.tar.gz": MANIFEST, "b.tar.gz": MANIFEST, "c.tar.gz": MANIFEST})
    document = json.loads(workspace.catalog_file.read_bytes())
    document["locations"][str(tmp_path)] |= {"a.tar.gz": 3}
    document["locations"][str(tmp_path)]["b.tar.gz"]["m"] = ["no such shape", None, 0, "", []]
    workspace.catalog_file.write_text(json.dumps(document))

    known = {
        name: Cache(workspace).get(str(tmp_path), name, fingerprint_of((tmp_path / name).lstat()))
        for name in ("a.tar.gz", "b.tar.gz", "c.tar.gz")
    }
    remember(workspace, tmp_path, {"d.tar.gz": MANIFEST})

    assert [name for name, entry in known.items() if entry] == ["c.tar.gz"]
    assert len(json.loads(workspace.catalog_file.read_bytes())["shapes"]) == 1


def test_garbage_is_collected_again_after_a_listing(workspace: Workspace, tmp_path: Path) -> None:
    """Holding the collector back is over when the list is there, and when there is none."""
    with pytest.raises(FileNotFoundError):
        scan_location(tmp_path / "missing", Cache(workspace), UTC, elsewhere=False)

    assert gc.isenabled()


def test_what_is_proven_while_others_are_read_stays_proven(workspace: Workspace, tmp_path: Path) -> None:
    """The reader writes later than it reads, and knows less: a verification in between is not lost."""
    remember(workspace, tmp_path, {"a.tar.gz": MANIFEST})
    path = tmp_path / "a.tar.gz"
    fingerprint = fingerprint_of(path.lstat())
    workspace.catalog_file.unlink()
    reader = Cache(workspace)

    with reader.gathering():
        reader.remember([(path, Known(fingerprint, BackupStatus.UNVERIFIED, MANIFEST))])
        Cache(workspace).remember([(path, Known(fingerprint, BackupStatus.VERIFIED, MANIFEST))])

    known = Cache(workspace).get(str(tmp_path), path.name, fingerprint)
    assert known is not None
    assert known.status is BackupStatus.VERIFIED
