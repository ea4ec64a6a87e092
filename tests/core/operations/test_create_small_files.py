"""create: config and secrets, whatever Kino's user has made of them."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import NotPermittedError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import BackupStatus
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.verify import verify_backup
from kino_backup_tui.core.progress import Control
from tests.as_user import NOBODY, let_others_in, run_as

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def test_a_missing_config_is_noted_and_warned_of(context: Context, kino: Kino) -> None:
    """A backup without config.toml is made, and says so."""
    kino.config_file.unlink()

    created = create_backup(context, Control())

    assert created.warnings == ("config.toml is not in the backup: there is none.",)


def test_a_broken_config_is_saved_as_it_is(context: Context, kino: Kino) -> None:
    """A config.toml that cannot be parsed keeps nobody from making a backup of it."""
    kino.config_file.write_bytes(b"[backup\nkeep = what\xff")

    backup = create_backup(context, Control()).backup

    assert backup.manifest is not None
    assert any(content.path == "config.toml" and content.size == 20 for content in backup.manifest.contents)


def test_links_and_pipes_among_the_secrets_are_left_out(context: Context, kino: Kino) -> None:
    """A link could bring in any file of the system; it is left out, and the admin is told."""
    (kino.secrets / "link").symlink_to("/etc/passwd")
    (kino.secrets / "folder").symlink_to("/etc")
    os.mkfifo(kino.secrets / "pipe")

    created = create_backup(context, Control())

    assert created.backup.manifest is not None
    assert [item.path for item in created.backup.manifest.left_out if item.path.startswith("secrets/")] == [
        "secrets/folder",
        "secrets/link",
        "secrets/pipe",
    ]
    assert len(created.warnings) == 3


def test_odd_names_of_secrets_survive(context: Context, kino: Kino) -> None:
    """Spaces, brackets, non-ASCII and nested folders are packed; undecodable names are left out."""
    names = ["a b.json", "[x].json", "ключ/日本.key", "n" * 200]
    for name in names:
        (kino.secrets / name).parent.mkdir(exist_ok=True)
        (kino.secrets / name).write_text(name)
    (kino.secrets / os.fsdecode(b"\xff.json")).write_text("x")

    created = create_backup(context, Control())

    assert created.backup.manifest is not None
    saved = {content.path for content in created.backup.manifest.contents}
    assert {f"secrets/{name}" for name in names} <= saved
    assert len(created.warnings) == 1
    assert verify_backup(context, created.backup, Control()).status is BackupStatus.VERIFIED


@as_root
def test_an_unreadable_secret_is_an_error(context: Context, kino: Kino) -> None:
    """A backup that silently lacks credentials would be worse than none."""
    (kino.secrets / "mine").write_text("x")
    (kino.secrets / "mine").chmod(0o000)
    for path in (kino.data_path, *kino.data_path.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    let_others_in(kino.data_path)

    def attempt() -> str:
        try:
            create_backup(context, Control())
        except NotPermittedError as error:
            return error.message
        return "made"

    assert "secrets/mine" in run_as(NOBODY, attempt)


def test_a_config_that_is_a_link_is_followed(context: Context, kino: Kino, tmp_path: Path) -> None:
    """Kino reads its settings through the link, so they belong into the backup."""
    (tmp_path / "etc.toml").write_bytes(kino.config_file.read_bytes())
    kino.config_file.unlink()
    kino.config_file.symlink_to(tmp_path / "etc.toml")

    created = create_backup(context, Control())

    assert created.warnings == ()
    assert created.backup.manifest is not None
    assert created.backup.manifest.contents[0].path == "config.toml"


@as_root
@pytest.mark.parametrize("name", ["config.toml", "db.sqlite"])
def test_a_link_planted_by_kinos_user_is_not_followed(
    context: Context, kino: Kino, name: str, tmp_path: Path
) -> None:
    """It could bring another user's file into an archive that Kino's user may read."""
    (kino.data_path / name).rename(tmp_path / "roots-own")
    link = kino.data_path / name
    link.symlink_to(tmp_path / "roots-own")
    os.chown(link, NOBODY, NOBODY, follow_symlinks=False)

    with pytest.raises(NotPermittedError, match="another user's file"):
        create_backup(context, Control())


def test_secrets_that_differ_only_in_case_do_not_end_all_backups(context: Context, kino: Kino) -> None:
    """One of them is left out, and the admin is told."""
    (kino.secrets / "Token").write_text("1")
    (kino.secrets / "token").write_text("2")

    created = create_backup(context, Control())

    assert created.backup.status is BackupStatus.VERIFIED
    assert created.warnings == (
        "secrets/token is not in the backup: its name differs from secrets/Token only in case.",
    )


def test_large_secrets_do_not_fill_the_memory(context: Context, kino: Kino) -> None:
    """They are copied in pieces."""
    with (kino.secrets / "large").open("wb") as stream:
        stream.truncate(300 * 1024 * 1024)
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from kino_backup_tui.core.kino.home import Kino\n"
        "from kino_backup_tui.core.operations.context import Context\n"
        "from kino_backup_tui.core.operations.create import create_backup\n"
        "from kino_backup_tui.core.progress import Control\n"
        "create_backup(Context(Kino(Path(sys.argv[1]))), Control())\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, str(kino.data_path)], capture_output=True, text=True, check=True
    )

    unit = 1024 if sys.platform == "linux" else 1
    # A child counts what its parent had when it was started, see getrusage(2): the tests themselves.
    ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert int(done.stdout) * unit < max(80 * 1024 * 1024, ours * unit + 1)


def test_settings_behind_a_link_that_leads_nowhere_are_left_out(
    context: Context, kino: Kino, tmp_path: Path
) -> None:
    """Their disk may not be mounted: the backup is made without them, and says so."""
    kino.config_file.unlink()
    kino.config_file.symlink_to(tmp_path / "not mounted" / "config.toml")

    created = create_backup(context, Control(), version="0.4.2")

    assert created.warnings == (
        "config.toml is not in the backup: it is a link to a file that is not there.",
    )
