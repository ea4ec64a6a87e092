"""Looking for the files of a library, on disks that answer and on one that does not."""

from __future__ import annotations

import io
import json
import os
import threading
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import OperationCancelledError
from kino_backup_tui.core.progress import CancelToken
from kino_backup_tui.core.restore.looking import Seen, look_at, main


def test_files_are_looked_for_and_folders_measured(tmp_path: Path) -> None:
    """Whatever is not there, or nowhere, is missing."""
    (tmp_path / "film.mkv").write_bytes(b"x" * 10)
    (tmp_path / "download" / "deep").mkdir(parents=True)
    (tmp_path / "download" / "deep" / "part").write_bytes(b"x" * 7)

    seen = look_at(
        tmp_path,
        [tmp_path / "film.mkv", tmp_path / "gone.mkv", None],
        [tmp_path / "download", tmp_path / "film.mkv", tmp_path / "gone", None],
        CancelToken(),
    )

    assert seen == Seen("", (1, 2), (7, 10, None, None))


@pytest.mark.parametrize(
    ("name", "problem"), [("gone", "is not there"), ("file", "cannot be looked into (Not a directory)")]
)
def test_a_folder_that_is_none_has_a_problem(tmp_path: Path, name: str, problem: str) -> None:
    """In words that go on after its name."""
    (tmp_path / "file").touch()

    seen = look_at(tmp_path / name, [], [], CancelToken())

    assert seen is not None
    assert seen.problem == problem


def test_a_large_library_is_looked_for(tmp_path: Path) -> None:
    """More names than a pipe takes at once."""
    files: list[Path | None] = [tmp_path / f"{number:04}-{'x' * 200}" for number in range(2000)]

    seen = look_at(tmp_path, files, [], CancelToken())

    assert seen is not None
    assert len(seen.missing) == 2000


def test_names_that_no_file_can_have_are_missing(tmp_path: Path) -> None:
    """As a hostile database may have them: with a NUL, too long, not UTF-8."""
    names = ["a\0b", "x" * 5000, os.fsdecode(b"\xff")]

    seen = look_at(Path("/a\0b"), [tmp_path / name for name in names], [], CancelToken())

    assert seen == Seen("cannot be the name of a folder", (0, 1, 2), ())


def test_a_disk_that_does_not_answer_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The child is stopped as one that waits for a dead share is; nobody waits with it."""
    monkeypatch.setattr("sys.executable", _stuck(tmp_path))

    assert look_at(tmp_path, [tmp_path / "film.mkv"], [], CancelToken(), seconds=0.3) is None


def test_looking_can_be_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the disk does not answer."""
    monkeypatch.setattr("sys.executable", _stuck(tmp_path))
    cancel = CancelToken()
    threading.Timer(0.2, cancel.cancel).start()

    with pytest.raises(OperationCancelledError):
        look_at(tmp_path, [], [], cancel, seconds=60.0)


def test_what_was_said_before_measuring_took_too_long_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sizes are nice to know; what is missing has to be known."""
    said = r'{"problem": "", "missing": [0]}'
    monkeypatch.setattr("sys.executable", _stuck(tmp_path, f"echo '{said}'"))

    seen = look_at(tmp_path, [tmp_path / "gone"], [tmp_path], CancelToken(), seconds=1.0)

    assert seen == Seen("", (0,), (None,))


def test_what_lies_in_the_current_folder_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may have gone into a folder of somebody else, and Python looks there first for what it imports."""
    (tmp_path / "json.py").write_text("raise SystemExit(0)\n")
    monkeypatch.chdir(tmp_path)

    assert look_at(tmp_path, [None], [], CancelToken()) == Seen("", (0,), ())


def test_the_child_neither_writes_on_the_terminal_nor_gets_its_signals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C is for who waits for it; it runs in a session of its own."""
    says = """echo noise >&2; echo '{"problem": "'$(cut -d' ' -f6 /proc/$$/stat)'", "missing": []}'; exit"""
    monkeypatch.setattr("sys.executable", _stuck(tmp_path, says))

    seen = look_at(tmp_path, [], [], CancelToken())

    assert seen is not None
    assert seen.problem.isdigit()
    assert seen.problem != str(os.getsid(0))
    assert capfd.readouterr() == ("", "")


def test_the_child_says_first_what_is_there_and_then_how_large_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line each; a link is measured itself, and what cannot be measured is nothing."""
    (tmp_path / "download" / "deep").mkdir(parents=True)
    for name, size in (("film", 10), ("download/a", 5), ("download/b", 6), ("download/deep/c", 7)):
        (tmp_path / name).write_bytes(bytes(size))
    (tmp_path / "link").symlink_to("x" * 33)
    others = [str(tmp_path / name) for name in ("film", "download", "link", "gone")]
    files = [None, str(tmp_path / "film"), str(tmp_path / "gone")]
    for folder, problem in (
        (str(tmp_path), ""),
        (None, ""),
        (others[3], "is not there"),
        ("\0", "cannot be the name of a folder"),
    ):
        asked = {"folder": folder, "files": files, "others": [*others, None, "\0"]}
        monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(asked)))

        main()

        first, second = capsys.readouterr().out.splitlines()
        assert json.loads(first) == {"problem": problem, "missing": [0, 2]}
        assert json.loads(second) == [10, 18, 33, None, None, None]


def _stuck(folder: Path, before: str = ":") -> str:
    program = folder / "stuck"
    program.write_text(f"#!/bin/sh\n{before}\nexec sleep 600\n")
    program.chmod(0o755)
    return str(program)
