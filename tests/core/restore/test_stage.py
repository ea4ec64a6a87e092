"""What is unpacked looks like what it replaces, and names come from the layout alone."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from kino_backup_tui.core.archive.verify import ReadArchive
from kino_backup_tui.core.errors import ArchiveRefusedError
from kino_backup_tui.core.files import Owner
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.restore.stage import Looks, looks_of, unpack
from tests.core.archive.archives import DATABASE, honest, manifest_for, member, packed, tar

OURS = Owner(os.geteuid(), os.getegid())
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to have files of other users")
ACCESS = bytes.fromhex("02000000") + b"".join(
    tag.to_bytes(2, "little") + mode.to_bytes(2, "little") + who.to_bytes(4, "little")
    for tag, mode, who in (
        (1, 6, 0xFFFFFFFF), (2, 4, 1005), (4, 0, 0xFFFFFFFF), (16, 4, 0xFFFFFFFF), (32, 0, 0xFFFFFFFF)
    )
)  # fmt: skip
"""An access list: owner rw, user 1005 r, group none, mask r, others none; see acl(5)."""


@pytest.fixture
def unpacked(kino: Kino, tmp_path: Path) -> Callable[..., ReadArchive]:
    """Unpack an archive into the folder `new`."""
    (tmp_path / "new").mkdir()

    def unpack_it(
        data: bytes, advance: Callable[[int], None] = lambda _: None, durable: bool = True
    ) -> ReadArchive:
        (tmp_path / "archive").write_bytes(data)
        descriptor = os.open(tmp_path / "new", os.O_RDONLY | os.O_DIRECTORY)
        try:
            with (tmp_path / "archive").open("rb") as archive:
                return unpack(archive, kino, descriptor, advance, durable=durable)
        finally:
            os.close(descriptor)

    return unpack_it


def looks(path: Path) -> tuple[int, int, int]:
    """Mode, owner, group."""
    status = path.lstat()
    return stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid


@pytest.mark.parametrize("durable", [True, False])
def test_every_byte_is_there_once_it_is_unpacked(
    unpacked: Callable[..., ReadArchive], tmp_path: Path, durable: bool
) -> None:
    """In the folders that the archive has, and it was read to its end."""
    data = honest({"secrets/trakt.json": b"{}", "secrets/a/b/key": b"k", "secrets/a/c": b""})
    seen: list[int] = []

    result = unpacked(data, seen.append, durable)

    new = tmp_path / "new"
    found = {str(path.relative_to(new)): path.read_bytes() for path in new.rglob("*") if path.is_file()}
    assert found == {
        "config.toml": b"[backup]\n",
        "db.sqlite": DATABASE,
        "secrets/trakt.json": b"{}",
        "secrets/a/b/key": b"k",
        "secrets/a/c": b"",
    }
    assert result.manifest.kino_version == "0.4.2"
    assert sum(seen) == len(data)


@as_root
def test_each_file_and_folder_gets_the_looks_of_what_it_replaces(
    kino: Kino, unpacked: Callable[..., ReadArchive], tmp_path: Path
) -> None:
    """Also a folder that may not be written to; what replaces nothing is private, and Kino's."""
    (kino.secrets / "deep" / "er").mkdir(parents=True)
    (kino.secrets / "deep" / "er" / "key").touch()
    expected = {
        "db.sqlite": (0o640, 1001, 1002),
        "config.toml": (0o644, 1003, 1004),
        "secrets": (0o510, 1001, 1002),
        "secrets/deep": (0o500, 1005, 1002),
        "secrets/deep/er": (0o700, 1001, 1006),
        "secrets/deep/er/key": (0o440, 1005, 1005),
    }
    for name, (mode, user, group) in expected.items():
        os.chown(kino.data_path / name, user, group)
        (kino.data_path / name).chmod(mode)

    unpacked(honest({"secrets/deep/er/key": b"k", "secrets/deep/new": b"n", "secrets/more/key": b"k"}))

    expected["secrets/deep/new"] = (0o600, 1001, 1002)
    expected["secrets/more"] = (0o700, 1001, 1002)
    expected["secrets/more/key"] = (0o600, 1001, 1002)
    assert {name: looks(tmp_path / "new" / name) for name in expected} == expected


def test_a_name_that_no_backup_holds_is_refused(unpacked: Callable[..., ReadArchive], tmp_path: Path) -> None:
    """It is named in the message, and not written."""
    members = {"db.sqlite": DATABASE, "media/film.mkv": b"film"}
    listed = [member(name, data) for name, data in members.items()]

    with pytest.raises(ArchiveRefusedError, match=r"film\.mkv"):
        unpacked(packed(tar(member("manifest.json", manifest_for(members)), *listed)))

    assert not (tmp_path / "new" / "media").exists()


@pytest.mark.parametrize("names", [("secrets/a", "secrets/a/b"), ("secrets/a/b", "secrets/a")])
def test_a_file_that_is_a_folder_as_well_is_refused(
    unpacked: Callable[..., ReadArchive], names: tuple[str, str]
) -> None:
    """Whichever came first."""
    listed = [member(name, b"k") for name in names]
    archive = packed(tar(member("manifest.json", manifest_for({}, format=None)), *listed))

    with pytest.raises(ArchiveRefusedError) as caught:
        unpacked(archive)

    assert caught.value.message == f"The archive has '{names[1]}' both as a file and as a folder."


@pytest.mark.parametrize("set_id", [0, stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX])
def test_a_file_looks_as_it_does_but_for_what_gives_rights(kino: Kino, set_id: int) -> None:
    """The bits that make a program run as its owner are not handed on."""
    kino.config_file.chmod(0o674 | set_id)
    kino.secrets.chmod(0o711 | set_id)

    assert looks_of(kino, "config.toml", folder=False) == Looks(OURS, 0o674)
    assert looks_of(kino, "secrets", folder=True) == Looks(OURS, 0o711)


@as_root
def test_what_is_not_there_or_of_another_kind_gets_the_usual_looks(kino: Kino, tmp_path: Path) -> None:
    """Of Kino's user, and private; a link, what is behind one, and a file in the place of a folder alike."""
    os.chown(kino.database, 1001, 1002)
    (tmp_path / "vault" / "more").mkdir(parents=True)
    for key in (tmp_path / "vault" / "key", tmp_path / "vault" / "more" / "key"):
        key.touch()
        key.chmod(0o666)
    (kino.secrets / "link").symlink_to(tmp_path / "vault")
    (kino.secrets / "key").symlink_to(tmp_path / "vault" / "key")
    for name in ("secrets/gone", "secrets/key", "secrets/link/key", "secrets/link/more/key", "secrets"):
        assert looks_of(kino, name, folder=False) == Looks(Owner(1001, 1002), 0o600), name
    for name in ("secrets/gone", "secrets/link", "config.toml"):
        assert looks_of(kino, name, folder=True) == Looks(Owner(1001, 1002), 0o700), name

    shutil.rmtree(kino.secrets)
    kino.secrets.symlink_to(tmp_path / "vault")
    for name in ("secrets/key", "secrets/more/key"):
        assert looks_of(kino, name, folder=False) == Looks(Owner(1001, 1002), 0o600), name


def test_access_lists_are_read_and_given(kino: Kino, tmp_path: Path) -> None:
    """And labels that this file system does not take are no error."""
    try:
        os.setxattr(kino.config_file, "system.posix_acl_access", ACCESS)
    except OSError as error:
        pytest.skip(f"no access lists here: {error}")
    found = looks_of(kino, "config.toml", folder=False)
    assert found.labels == (("system.posix_acl_access", ACCESS),)

    with (tmp_path / "file").open("wb") as stream:
        found._replace(labels=(("no such label", b""), *found.labels)).put_on(stream.fileno())
    assert os.getxattr(tmp_path / "file", "system.posix_acl_access") == ACCESS


@as_root
def test_a_default_access_list_of_a_folder_is_kept(kino: Kino) -> None:
    """What Kino makes there afterwards gets it."""
    try:
        os.setxattr(kino.secrets, "system.posix_acl_default", ACCESS)
    except OSError as error:
        pytest.skip(f"no access lists here: {error}")

    assert looks_of(kino, "secrets", folder=True).labels == (("system.posix_acl_default", ACCESS),)


def test_a_file_that_cannot_be_given_to_its_owner_is_an_error(tmp_path: Path) -> None:
    """Kino could not read it; asked for by an ordinary user."""
    with (tmp_path / "file").open("wb") as stream:
        os.seteuid(12345 if OURS.uid == 0 else OURS.uid)
        try:
            with pytest.raises(PermissionError) as caught:
                Looks(Owner(1, 1), 0o600).put_on(stream.fileno())
        finally:
            os.seteuid(OURS.uid)

    assert caught.value.errno == errno.EPERM
    assert caught.value.strerror == "it cannot be given to Kino's user"


def test_folders_are_private_while_they_are_filled(
    unpacked: Callable[..., ReadArchive], kino: Kino, tmp_path: Path
) -> None:
    """Whatever the umask; only then they get the looks of those that they replace."""
    kino.secrets.chmod(0o755)
    seen: set[int] = set()

    def look(_count: int) -> None:
        seen.update(stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").glob("secrets"))

    umask = os.umask(0)
    try:
        # More than is read at a time comes after the folder.
        archive = honest({"secrets/key": b"k", "secrets/large": os.urandom(8 << 20)})
        unpacked(archive, look)
    finally:
        os.umask(umask)

    assert seen == {0o700}
    assert stat.S_IMODE((tmp_path / "new" / "secrets").stat().st_mode) == 0o755
