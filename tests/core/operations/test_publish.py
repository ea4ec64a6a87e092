"""Giving an archive its name without ever overwriting another."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import NoReturn

import pytest

from kino_backup_tui.core.files import Owner
from kino_backup_tui.core.operations.publish import partial_file, sweep_partials

NAME = "kino-backup-manual-2026-04-26T03-00-00-v1.tar.gz"
ME = Owner(os.geteuid(), os.getegid())


@pytest.fixture(params=[True, False], ids=["hard links", "no hard links"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on a file system with hard links, and one on which link(2) fails as it does on FAT."""

    def refuse(*_args: object, **_kwargs: object) -> NoReturn:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    if not request.param:
        monkeypatch.setattr(os, "link", refuse)
    return tmp_path


def publish(folder: Path, data: bytes) -> Path:
    """Write and publish some bytes."""
    with partial_file(folder, NAME, ME) as partial:
        partial.stream.write(data)
        partial.sync()
        return partial.publish()[0]


def test_a_published_file_has_its_name_and_no_partial(folder: Path) -> None:
    """One file is there afterwards, with the bytes."""
    path = publish(folder, b"one")

    assert [entry.name for entry in folder.iterdir()] == [NAME]
    assert path.read_bytes() == b"one"


def test_a_taken_name_is_left_alone(folder: Path) -> None:
    """The second and third get numbers; the first keeps its bytes."""
    paths = [publish(folder, data) for data in (b"one", b"two", b"three")]

    assert [path.read_bytes() for path in paths] == [b"one", b"two", b"three"]
    assert paths[2].name == NAME.replace(".tar", "~3.tar")


def test_a_link_at_the_name_is_not_followed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Somebody planted a link under the very name: its target is neither written nor removed."""
    target = tmp_path_factory.mktemp("elsewhere") / "target"
    target.write_bytes(b"theirs")
    (folder / NAME).symlink_to(target)

    path = publish(folder, b"ours")

    assert target.read_bytes() == b"theirs"
    assert path.name == NAME.replace(".tar", "~2.tar")


def test_a_link_at_the_partial_name_is_refused(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A planted partial is not written through."""
    target = tmp_path_factory.mktemp("elsewhere") / "target"
    (folder / f".{NAME}.partial").symlink_to(target)

    with pytest.raises(Exception, match="Could not write"):
        publish(folder, b"ours")

    assert not target.exists()


def test_an_error_in_the_middle_leaves_nothing(folder: Path) -> None:
    """Whatever ends the block, the partial goes."""

    def fail() -> None:
        with partial_file(folder, NAME, ME) as partial:
            partial.stream.write(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        fail()

    assert list(folder.iterdir()) == []


def test_only_abandoned_partials_are_swept(folder: Path) -> None:
    """One that is being written by anybody stays."""
    dead = folder / ".kino-backup-manual-2026-01-01T00-00-00-v1.tar.gz.partial"
    dead.write_bytes(b"half")

    with partial_file(folder, NAME, ME):
        sweep_partials(folder)
        assert [entry.name for entry in folder.iterdir()] == [f".{NAME}.partial"]
