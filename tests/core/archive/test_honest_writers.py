"""Archives that other honest programs wrote or re-packed are read."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from kino_backup_tui.core.archive.peek import LISTING_BYTES, peek_manifest
from kino_backup_tui.core.archive.verify import ReadArchive, read_archive
from kino_backup_tui.core.models import Backup, BackupKind
from tests.core.archive.archives import DATABASE, manifest_for, member, packed, tar

REPACKERS = {
    "GNU tar, folder": "tar czf {out} -C {folder} .",
    "GNU tar, names": "tar czf {out} -C {folder} config.toml db.sqlite secrets manifest.json",
    "GNU tar, pax": "tar --format=pax -czf {out} -C {folder} manifest.json config.toml db.sqlite secrets",
    "GNU tar, pax with times": (
        "tar --format=pax --pax-option=exthdr.name=%d/PaxHeaders/%f -czf {out} -C {folder} ."
    ),
    "GNU tar, ustar": "tar --format=ustar -czf {out} -C {folder} manifest.json config.toml db.sqlite secrets",
    "GNU tar, large records": "tar -b 512 -czf {out} -C {folder} .",
    "bsdtar": "bsdtar czf {out} -C {folder} .",
    "bsdtar, gnutar": "bsdtar --format=gnutar -czf {out} -C {folder} .",
    "pigz": "tar cf - -C {folder} . | pigz > {out}",
}


def read(data: bytes) -> ReadArchive:
    """Read an archive from memory."""
    return read_archive(io.BytesIO(data), lambda _count: None)


@pytest.mark.parametrize("command", REPACKERS.values(), ids=REPACKERS.keys())
def test_a_repacked_archive_is_the_same_backup(
    command: str, create: Callable[[], Backup], tmp_path: Path
) -> None:
    """What an admin unpacked and packed again with another tool verifies with the same contents."""
    program = "pigz" if "pigz" in command else command.split()[0]
    if shutil.which(program) is None:
        pytest.skip(f"needs {program}")
    original = create().path
    folder, out = tmp_path / "unpacked", tmp_path / "repacked.tar.gz"
    folder.mkdir()
    subprocess.run(["tar", "xzf", original, "-C", folder], check=True)
    subprocess.run(["bash", "-euo", "pipefail", "-c", command.format(out=out, folder=folder)], check=True)

    repacked = read(out.read_bytes())

    assert sorted(repacked.contents, key=lambda content: content.path) == list(
        read(original.read_bytes()).contents
    )


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_pythons_tarfile_is_read_in_all_its_formats(form: int, tmp_path: Path) -> None:
    """A member with a name too long for USTAR comes with a GNU or pax header where the format has one."""
    long = "secrets/" + ("d" * 40 + "/") * 2 + "n" * 90
    members = {"db.sqlite": DATABASE, long: b"x"}
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz", format=form) as archive:
        for info, data in (
            member("manifest.json", manifest_for(members)),
            *(member(*item) for item in members.items()),
        ):
            archive.addfile(info, io.BytesIO(data))

    assert [content.path for content in read(path.read_bytes()).contents] == ["db.sqlite", long]


def test_kino_0_3_archives_are_read_without_a_list_of_contents() -> None:
    """Kino 0.3 writes GNU headers, the database first, and last a manifest without any digests."""
    manifest = (
        b'{"kino_version":"0.3.2","schema_version":1,"kind":"manual","created_at":"2026-04-26T01:00:00+00:00",'
        b'"size_bytes":0,"checksum_sha256":""}'
    )
    data = packed(
        tar(
            member("kino.db", DATABASE, mode=0o100644, uid=997, gid=997),
            member("manifest.json", manifest, kind=tarfile.AREGTYPE),
            form=tarfile.GNU_FORMAT,
        )
    )

    result = read(data)

    assert result.manifest.kind is BackupKind.MANUAL
    assert not result.manifest.contents
    assert [content.path for content in result.contents] == ["kino.db"]


def test_a_manifest_further_inside_is_found_later() -> None:
    """A listing looks at the first 64 KiB only; reading on finds the manifest behind a large database."""
    import random

    database = b"SQLite format 3\0" + random.Random(1).randbytes(2 * LISTING_BYTES)  # noqa: S311
    data = packed(
        tar(member("db.sqlite", database), member("manifest.json", manifest_for({"db.sqlite": database})))
    )

    assert peek_manifest(io.BytesIO(data)) is None
    assert read(data).manifest.schema_version == 2


def test_a_listing_reads_no_more_than_it_may() -> None:
    """Of an archive of any size, at most 64 KiB are read."""
    data = io.BytesIO(
        packed(tar(member("db.sqlite", bytes(range(256)) * 4096), member("manifest.json", b"{}")))
    )

    peek_manifest(data)

    assert data.tell() <= LISTING_BYTES
