"""What is refused before anything is touched: each with its exit code, and nothing is changed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.harness import Cli
from tests.cli.restoring import archive_of, change, leftovers, state
from tests.cli.test_verbs import damage
from tests.core.archive.archives import honest, manifest_for, member, packed, tar

NEWER = "INSERT INTO _sqlx_migrations VALUES (3, 'third', '', 1, x'cc', 1)"
OTHER = "UPDATE _sqlx_migrations SET checksum = x'ee' WHERE version = 2"


def _damaged(folder: Path) -> Path:
    archive = archive_of(folder / "other")
    damage(archive)
    return archive


def _written(folder: Path, data: bytes) -> Path:
    path = folder / "kino-backup-manual-2026-04-26T03-00-00-v0.4.2.tar.gz"
    path.write_bytes(data)
    return path


def _of_kino_0_3(folder: Path) -> Path:
    members = {"kino.db": (archive_of(folder / "other").parents[1] / "db.sqlite").read_bytes()}
    manifest = member("manifest.json", manifest_for(members, layout="kino-0.3"))
    return _written(folder, packed(tar(manifest, member("kino.db", members["kino.db"]))))


def _with_a_link(folder: Path) -> Path:
    link = member("secrets/link", kind=b"2", linkname="/etc/passwd")
    return _written(folder, packed(tar(member("manifest.json", manifest_for({}, format=None)), link)))


CASES: dict[str, tuple[Callable[[Path], Path], int, str]] = {
    "newer schema": (lambda folder: archive_of(folder / "other", NEWER), 5, "incompatible"),
    "other migrations": (lambda folder: archive_of(folder / "other", OTHER), 5, "incompatible"),
    "layout of Kino 0.3": (_of_kino_0_3, 5, "incompatible"),
    "damaged": (_damaged, 4, "archive_damaged"),
    "no archive": (lambda folder: _written(folder, b"hello"), 4, "archive_"),
    "a link in it": (_with_a_link, 4, "archive_refused"),
    "no database in it": (lambda folder: _written(folder, honest()), 4, ""),
    "empty": (lambda folder: _written(folder, b""), 4, "archive_"),
    "missing": (lambda folder: folder / "missing.tar.gz", 3, "not_found"),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_and_nothing_is_changed(cli: Cli, tmp_path: Path, name: str) -> None:
    """With a dry run and without; no safety backup is made for a restore that does not happen."""
    make, code, error_code = CASES[name]
    archive = make(tmp_path)
    change(cli)
    before = state(cli)
    result = cli.run("restore", str(archive), "--yes", "--json")
    assert (result.code, len(result.lines)) == (code, 1), result
    assert result.json["error"]["code"].startswith(error_code)
    assert result.json["error"]["message"]
    text = cli.run("restore", str(archive), "--yes")
    assert (text.code, text.out) == (code, "")
    assert "error: " in text.err
    assert "internal" not in text.err
    assert cli.run("restore", str(archive), "--dry-run").code == code
    assert state(cli) == before
    assert cli.archives == []
    assert leftovers(cli) == []
    assert cli.run("jobs", "--json").json == []


def test_a_newer_backup_says_what_to_do(cli: Cli, tmp_path: Path) -> None:
    """Upgrade Kino first; the comparison shows both numbers, in the plan as in its text."""
    archive = archive_of(tmp_path / "other", NEWER)
    plan = cli.run("restore", str(archive), "--dry-run", "--json")
    assert (plan.code, plan.json["backup"]["schema_version"], plan.json["now"]["schema_version"]) == (5, 3, 2)
    assert [blocker["code"] for blocker in plan.json["blockers"]] == ["incompatible"]
    text = cli.run("restore", str(archive), "--dry-run")
    assert "newer than this Kino's" in text.out
    assert "Upgrade Kino" in text.err


def test_all_reasons_are_told_at_once(cli: Cli, tmp_path: Path) -> None:
    """A Kino that a script may start again, and an archive that is too new: one run tells of both."""
    archive = archive_of(tmp_path / "other", NEWER)
    program = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT 1 FROM film'); "
    program += "print('open', flush=True); sys.stdin.read()"
    script = '"$@"; exit'
    command = ["sh", "-c", script, "sh", sys.executable, "-c", program, str(cli.data_path / "db.sqlite")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as kino:
        assert kino.stdout is not None
        assert kino.stdout.readline() == b"open\n"
        result = cli.run("restore", str(archive), "--yes", "--json")
        text = cli.run("restore", str(archive), "--yes")
        assert kino.stdin is not None
        kino.stdin.close()
    assert {blocker["code"] for blocker in result.json["blockers"]} == {"service", "incompatible"}
    assert result.json["error"] == result.json["blockers"][0]
    assert result.code == text.code == {"service": 8, "incompatible": 5}[result.json["error"]["code"]]
    assert text.err.count("error: ") == 2
    assert text.err.rstrip().endswith("Nothing was changed.")


def test_a_raw_state_is_no_backup_to_restore(cli: Cli) -> None:
    """What was saved of a damaged database only undoes the restore before which it was saved."""
    cli.create()
    for name in ("db.sqlite-wal", "db.sqlite-shm"):
        (cli.data_path / name).unlink(missing_ok=True)
    (cli.data_path / "db.sqlite").write_bytes(b"no database" * 1000)
    raw = cli.run("restore", "latest", "--yes", "--json").json["way_back"]
    result = cli.run("restore", raw, "--yes", "--json")
    assert (result.code, result.json["error"]["code"]) == (5, "incompatible")
    assert "rollback" in result.json["error"]["hint"]
    assert cli.run("rollback", "--yes").code == 0
    assert (cli.data_path / "db.sqlite").read_bytes() == b"no database" * 1000


def test_a_data_path_of_another_layout_is_refused(cli: Cli, tmp_path: Path) -> None:
    """Also where it was meant as a fresh machine."""
    archive = cli.create()
    old = Cli(tmp_path / "old")
    old.data_path.mkdir()
    shutil.copy(cli.data_path / "db.sqlite", old.data_path / "kino.db")
    before = (old.data_path / "kino.db").read_bytes()
    assert old.run("restore", str(archive), "--yes").code == 5
    assert (old.data_path / "kino.db").read_bytes() == before
    # What a reader of a database in WAL mode leaves beside it, and our own folder, bring no state.
    beside = {"kino.db-shm", "kino.db-wal", ".kino-backup"}
    assert {path.name for path in old.data_path.iterdir()} - beside == {"kino.db"}
    assert leftovers(old) == []


def test_a_folder_of_something_else_is_no_fresh_machine(cli: Cli, tmp_path: Path) -> None:
    """A mistyped data path gets no database."""
    archive = cli.create()
    other = Cli(tmp_path / "documents")
    other.data_path.mkdir()
    (other.data_path / "letter.txt").write_text("Dear …")
    assert other.run("restore", str(archive), "--yes").code == 3
    assert [path.name for path in other.data_path.iterdir()] == ["letter.txt"]
