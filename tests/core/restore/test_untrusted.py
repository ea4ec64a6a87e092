"""Archives nobody honest has written, taken to a restore: refused whole, before anything is touched."""

from __future__ import annotations

import os
import resource
import sqlite3
import stat
import tarfile
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from kino_backup_tui.core.archive.members import is_content_path
from kino_backup_tui.core.errors import ArchiveError, IncompatibleError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.plan import plan_restore
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.restore.stage import unpack
from tests.core.archive.archives import DATABASE, honest, manifest_for, member, packed, tar
from tests.core.archive.test_hostile import DAMAGED, HOSTILE
from tests.core.operations.restoring import facts, leftovers, tree

MANIFEST = member("manifest.json", manifest_for({"db.sqlite": DATABASE}))
MOST_MEMORY = 64 << 20
MORE: dict[str, Callable[[], bytes]] = {
    "file and folder": lambda: honest({"secrets/a": b"1", "secrets/a/b": b"2"}),
    "folder and file": lambda: packed(
        tar(
            member("manifest.json", manifest_for({}, format=None)),
            member("secrets/a/b", b"1"),
            member("secrets/a", b"2"),
            member("db.sqlite", DATABASE),
        )
    ),
    "secrets is a file": lambda: honest({"secrets": b"1"}),
    "not a database": honest,
}
ALL = {**HOSTILE, **DAMAGED, **MORE}


def ignore(_count: int) -> None:
    """Nobody looks at the progress here."""


def bomb(declared: int) -> bytes:
    """A database of 256 megabytes of zeros in a quarter of one, which says that it has so many bytes."""
    zeros = 256 << 20
    info = member("db.sqlite")[0]
    info.size = declared
    pack = zlib.compressobj(9, zlib.DEFLATED, 31)
    pieces = [pack.compress(tar(MANIFEST)[:-1024] + info.tobuf(tarfile.USTAR_FORMAT))]
    pieces += [pack.compress(bytes(1 << 20)) for _ in range(zeros >> 20)]
    return b"".join([*pieces, pack.flush()])


def unpacked(data: bytes, kino: Kino, folder: Path) -> None:
    """Unpack into a folder, as the worker does."""
    source = folder.with_name("archive")
    source.write_bytes(data)
    folder.mkdir()
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with source.open("rb") as archive:
            unpack(archive, kino, descriptor, ignore, durable=False)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("name", ALL)
def test_a_plan_refuses_it_and_leaves_nothing(
    context: Context, kino: Kino, tmp_path: Path, name: str
) -> None:
    """With one reason and its sentence; no file anywhere is another than before, none is left."""
    path = tmp_path / "archive.tar.gz"
    path.write_bytes(ALL[name]())
    before = tree(kino.data_path), facts(path)

    (blocker,) = plan_restore(context, path, Control()).blockers

    assert isinstance(blocker, ArchiveError)
    assert blocker.message.startswith("archive.tar.gz: ")
    assert (tree(kino.data_path), facts(path)) == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["archive.tar.gz", "kino"]
    assert leftovers(kino) == []


@pytest.mark.parametrize("name", sorted(ALL.keys() - {"not a database", "many members"}))
def test_unpacking_it_writes_only_what_a_backup_holds(kino: Kino, tmp_path: Path, name: str) -> None:
    """Until it is refused: plain private files below the folder, no link, no device, nothing beside it."""
    before = tree(kino.data_path)
    with pytest.raises(ArchiveError):
        unpacked(ALL[name](), kino, tmp_path / "new")

    for path in (tmp_path / "new").rglob("*"):
        assert stat.S_ISREG(path.lstat().st_mode) or stat.S_ISDIR(path.lstat().st_mode)
        assert is_content_path(str(path.relative_to(tmp_path / "new"))) or path.is_dir()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "kino", "new"]
    assert tree(kino.data_path) == before


@pytest.mark.parametrize(
    "build",
    [lambda: bomb(len(DATABASE)), lambda: bomb(4 << 30), lambda: packed(tar(MANIFEST) + bytes(256 << 20))],
    ids=["behind its size", "of its size", "of padding"],
)
def test_a_bomb_takes_neither_memory_nor_disk(kino: Kino, tmp_path: Path, build: Callable[[], bytes]) -> None:
    """It ends at the size that the manifest declares."""
    data = build()
    child = os.fork()
    if child == 0:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        code = 1
        try:
            unpacked(data, kino, tmp_path / "new")
        except ArchiveError:
            grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
            code = 0 if grown < MOST_MEMORY else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert sum(path.stat().st_size for path in (tmp_path / "new").rglob("*")) <= len(DATABASE)


def test_many_folders_take_no_more_than_a_few_descriptors(kino: Kino, tmp_path: Path) -> None:
    """An archive with more folders of secrets than a process may have open is unpacked all the same."""
    members = {f"secrets/{number:04}/{number}/key": b"k" for number in range(300)}
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
    try:
        unpacked(honest(members), kino, tmp_path / "new")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert len(list((tmp_path / "new" / "secrets").iterdir())) == 300


def database(folder: Path, *statements: str) -> bytes:
    """A database that SQLite has made."""
    path = folder / "made.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
    return path.read_bytes()


@pytest.mark.parametrize(
    "make",
    [lambda _: b"", lambda folder: database(folder, "PRAGMA user_version = 1"), lambda _: bytes(8192)],
    ids=["no bytes", "no tables", "zeros"],
)
def test_an_empty_database_is_no_backup(
    context: Context, kino: Kino, tmp_path: Path, make: Callable[[Path], bytes]
) -> None:
    """Kino would begin anew, and everything would be gone."""
    members = {"db.sqlite": make(tmp_path)}
    path = tmp_path / "archive.tar.gz"
    path.write_bytes(
        packed(
            tar(
                member("manifest.json", manifest_for(members)),
                *(member(name, data) for name, data in members.items()),
            )
        )
    )

    (blocker,) = plan_restore(context, path, Control()).blockers

    assert isinstance(blocker, ArchiveError)
    assert leftovers(kino) == []


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"schema_version": 3}, ArchiveError),
        ({"migrations": [{"version": 9, "checksum": "00"}]}, ArchiveError),
        ({"tables": {"film": 1}}, ArchiveError),
        ({"kino_version": "99.0.0"}, None),
        ({"layout": "kino-0.3"}, None),
    ],
)
def test_a_manifest_that_lies_about_its_database_is_refused(
    context: Context, kino: Kino, tmp_path: Path, fields: dict[str, object], kind: type[Exception] | None
) -> None:
    """What the database itself says is what counts; the rest is for people."""
    migrations = "CREATE TABLE _sqlx_migrations (version BIGINT, success BOOLEAN, checksum BLOB)"
    data = database(tmp_path, "CREATE TABLE film (id INTEGER PRIMARY KEY)", migrations)
    members = {"db.sqlite": data}
    path = tmp_path / "archive.tar.gz"
    manifest = manifest_for(members, **{"schema_version": 0, **fields})
    path.write_bytes(packed(tar(member("manifest.json", manifest), member("db.sqlite", data))))

    blockers = plan_restore(context, path, Control()).blockers

    assert [type(blocker) for blocker in blockers if not isinstance(blocker, IncompatibleError)] == [
        type(blocker) for blocker in blockers if kind is not None and isinstance(blocker, kind)
    ]
    assert bool(blockers) is (kind is not None)
