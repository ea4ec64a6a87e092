"""Whose files they are: what may be replaced at all, and what the new files look like."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import KinoBackupError, LocationError, NotPermittedError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup
from kino_backup_tui.core.operations.before_restore import require_rights
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.doctor import diagnose
from kino_backup_tui.core.operations.jobs import list_jobs, read_story, watch_job
from kino_backup_tui.core.operations.plan import plan_restore, plan_rollback
from kino_backup_tui.core.operations.settle import settle
from kino_backup_tui.core.progress import CancelToken, Control
from kino_backup_tui.core.restore.plan import RestorePlan
from tests.as_user import NOBODY, let_others_in, run_as
from tests.core.operations.restoring import change, mounted, restore

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def plan(context: Context, source: Backup | Path) -> RestorePlan:
    """The plan, with nobody to watch."""
    return plan_restore(context, source, Control())


@as_root
def test_what_is_mounted_on_its_own_cannot_be_replaced(
    context: Context, kino: Kino, create: Callable[..., Backup]
) -> None:
    """As people do with containers; the message names it."""
    backup = create()
    for path in (kino.config_file, kino.secrets, kino.database):
        with mounted(path):
            (blocker,) = plan(context, backup).blockers
            assert type(blocker) is LocationError
            assert str(path) in blocker.message


@as_root
def test_another_users_data_path_is_not_ours_to_replace(
    context: Context, kino: Kino, create: Callable[..., Backup]
) -> None:
    """Neither when everybody may write there, nor when nobody may."""

    def reasons() -> str:
        try:
            return ",".join(blocker.code for blocker in plan(context, backup.path).blockers)
        except KinoBackupError as error:
            return error.code

    backup = create()
    let_others_in(kino.data_path / "x")
    for mode in (0o777, 0o755):
        kino.data_path.chmod(mode)
        (kino.data_path / ".kino-backup").chmod(mode)
        backup.path.parent.chmod(0o755)
        backup.path.chmod(0o644)
        text = run_as(NOBODY, reasons)
        assert "not_permitted" in text.split(","), text


@as_root
def test_who_may_not_restore_is_known_before_an_archive_is_read(context: Context, kino: Kino) -> None:
    """The owner of the files may; of others, only root."""

    def may() -> str:
        try:
            require_rights(context)
        except NotPermittedError as error:
            return error.code
        return "yes"

    for folder in (kino.data_path, Path(os.environ["XDG_CONFIG_HOME"]).parent):
        let_others_in(folder / "x")
    assert may() == "yes"
    assert run_as(NOBODY, may) == "not_permitted"
    for path in (kino.data_path, kino.database):
        os.chown(path, NOBODY, NOBODY)
    assert run_as(NOBODY, may) == "yes"


@as_root
@pytest.mark.parametrize(
    "ask",
    [
        lambda context: settle(context, Control()),
        lambda context: plan_rollback(context, Control()),
        list_jobs,
        lambda context: read_story(context, "20260426T030000-abcdef"),
        lambda context: list(watch_job(context, None, CancelToken())),
    ],
    ids=["apply", "rollback", "jobs", "one job", "watch"],
)
def test_who_may_not_look_is_not_told_that_there_was_nothing(
    context: Context, create: Callable[..., Backup], ask: Callable[[Context], object]
) -> None:
    """The working folder is its owner's alone: others cannot know whether a restore was interrupted."""

    def answer() -> str:
        try:
            return str(ask(context))
        except KinoBackupError as error:
            return f"{error.code}: {error.message}"

    create()
    let_others_in(context.kino.data_path / "x")
    context.kino.data_path.chmod(0o755)
    assert run_as(NOBODY, answer) == (
        f"not_permitted: What was done here is in {context.kino.data_path}/.kino-backup, "
        "which cannot be read by nobody."
    )


@as_root
def test_doctor_does_not_vouch_for_what_it_may_not_look_at(
    context: Context, create: Callable[..., Backup]
) -> None:
    """For another user the check of an interrupted restore is skipped, and does not pass."""

    def answer() -> str:
        return next(check.status.value for check in diagnose(context) if check.name == "restore")

    create()
    for folder in (context.kino.data_path, Path(os.environ["XDG_CONFIG_HOME"]).parent):
        let_others_in(folder / "x")
    context.kino.data_path.chmod(0o755)
    assert run_as(NOBODY, answer) == "skipped"


@as_root
def test_a_read_only_data_path_is_a_reason(
    context: Context, kino: Kino, create: Callable[..., Backup], tmp_path: Path
) -> None:
    """Also for root: a failing disk was remounted."""
    shutil.move(create().path, tmp_path / "file.tar.gz")
    with mounted(kino.data_path, "ro"):
        kinds = [type(blocker) for blocker in plan(context, tmp_path / "file.tar.gz").blockers]

    assert NotPermittedError in kinds


@as_root
def test_owner_group_and_mode_are_those_of_what_is_replaced(
    context: Context, kino: Kino, create: Callable[..., Backup]
) -> None:
    """Each file's and folder's own; a file that is not there now is private and Kino's."""
    (kino.secrets / "nested").mkdir()
    (kino.secrets / "nested" / "key").write_text("k")
    (kino.secrets / "lost.json").write_text("{}")
    looks = {
        "db.sqlite": (0o640, 1001, 1002),
        "config.toml": (0o644, 1001, 1003),
        "secrets": (0o710, 1001, 1002),
        "secrets/nested": (0o500, 1004, 1002),
        "secrets/nested/key": (0o440, 1004, 1004),
        "secrets/trakt.json": (0o400, 1001, 1001),
    }
    backup = create()
    change(kino)
    (kino.secrets / "trakt.json").write_text("{}")
    (kino.secrets / "lost.json").unlink()
    for name, (mode, user, group) in looks.items():
        os.chown(kino.data_path / name, user, group)
        (kino.data_path / name).chmod(mode)

    restore(context, backup)

    for name, expected in {**looks, "secrets/lost.json": (0o600, 1001, 1002)}.items():
        status = (kino.data_path / name).lstat()
        assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == expected, name


def test_access_lists_are_kept(context: Context, kino: Kino, create: Callable[..., Backup]) -> None:
    """As far as the file system has them, see acl(5)."""
    # Owner rw, user 1005 r, group none, mask r, others none.
    acl = bytes.fromhex("02000000") + b"".join(
        tag.to_bytes(2, "little") + mode.to_bytes(2, "little") + who.to_bytes(4, "little")
        for tag, mode, who in (
            (1, 6, 0xFFFFFFFF), (2, 4, 1005), (4, 0, 0xFFFFFFFF), (16, 4, 0xFFFFFFFF), (32, 0, 0xFFFFFFFF)
        )
    )  # fmt: skip
    backup = create()
    try:
        os.setxattr(kino.config_file, "system.posix_acl_access", acl)
    except OSError as error:
        pytest.skip(f"no access lists here: {error}")

    restore(context, backup)

    assert os.getxattr(kino.config_file, "system.posix_acl_access") == acl


@as_root
def test_on_a_fresh_machine_all_is_private_and_of_the_data_paths_owner(
    tmp_path: Path, create: Callable[..., Backup]
) -> None:
    """Whatever the umask, and whoever made the archive."""
    context = Context(Kino(tmp_path / "fresh"))
    context.kino.data_path.mkdir()
    os.chown(context.kino.data_path, 1001, 1002)
    umask = os.umask(0)
    try:
        restore(context, create().path)
    finally:
        os.umask(umask)

    for name in ("db.sqlite", "config.toml", "secrets", "secrets/trakt.json"):
        status = (context.kino.data_path / name).lstat()
        mode = 0o700 if name == "secrets" else 0o600
        assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (mode, 1001, 1002), name
    for path in (context.kino.data_path / ".kino-backup").rglob("*"):
        assert path.lstat().st_uid == 1001, path
