"""The Kino to work on is found by documented sources in a fixed order, or there is one clear error."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import NotFoundError, NotPermittedError, UsageError
from kino_backup_tui.core.kino.find import find_kino
from kino_backup_tui.core.kino.home import DOCUMENTED, KINO_0_3, Kino


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of a user, without anything in it."""
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def _make_kino(data_path: Path, *names: str) -> Path:
    data_path.mkdir(parents=True)
    for name in names or ("db.sqlite",):
        (data_path / name).touch()
    return data_path


def _make_systemctl(folder: Path, system: str, user: str) -> Path:
    """A systemctl that answers like the real one, and keeps a record of being called."""
    folder.mkdir()
    script = folder / "systemctl"
    script.write_text(
        f"""#!/bin/sh
echo "$@" >> {folder}/calls
case "$1" in --user) {user} ;; *) {system} ;; esac
"""
    )
    script.chmod(0o755)
    return folder


def _loaded(environment: str) -> str:
    return f"echo LoadState=loaded; echo Environment={environment}"


ABSENT = "echo LoadState=not-found"


def test_an_explicit_path_beats_everything(tmp_path: Path, home: Path) -> None:
    """Neither the environment nor systemd is asked then."""
    chosen = _make_kino(tmp_path / "chosen")
    other = _make_kino(tmp_path / "other")
    tools = _make_systemctl(tmp_path / "bin", _loaded(f"KINO_DATA_PATH={other}"), ABSENT)
    environ = {"HOME": str(home), "KINO_DATA_PATH": str(other), "PATH": str(tools)}
    assert find_kino(chosen, None, environ) == Kino(chosen, DOCUMENTED, None)
    assert not (tools / "calls").exists()


def test_the_environment_comes_next(tmp_path: Path, home: Path) -> None:
    """`KINO_DATA_PATH` is taken without asking systemd."""
    chosen = _make_kino(tmp_path / "chosen")
    tools = _make_systemctl(tmp_path / "bin", ABSENT, ABSENT)
    environ = {"HOME": str(home), "KINO_DATA_PATH": str(chosen), "PATH": str(tools)}
    assert find_kino(None, None, environ).data_path == chosen
    assert not (tools / "calls").exists()


@pytest.mark.parametrize("scope", ["system", "user"])
def test_an_installed_service_is_asked(tmp_path: Path, home: Path, scope: str) -> None:
    """The system's and the user's kino.service both lead to their data path, before the usual folders."""
    chosen = _make_kino(tmp_path / "srv" / "kino")
    usual = _make_kino(tmp_path / "usual")
    answers = (_loaded(f"KINO_DATA_PATH={chosen}"), ABSENT)
    tools = _make_systemctl(tmp_path / "bin", *(answers if scope == "system" else answers[::-1]))
    environ = {"HOME": str(home), "PATH": f"{tools}:/bin:/usr/bin"}
    assert find_kino(None, None, environ, system_data_path=usual).data_path == chosen


def test_a_users_service_without_a_path_uses_the_users_folder(tmp_path: Path, home: Path) -> None:
    """Such a service keeps its data where its user's Kino does, not where the packages do."""
    usual = _make_kino(tmp_path / "usual")
    own = _make_kino(home / ".local" / "share" / "kino")
    tools = _make_systemctl(tmp_path / "bin", ABSENT, _loaded(""))
    environ = {"HOME": str(home), "PATH": f"{tools}:/bin:/usr/bin"}
    assert find_kino(None, None, environ, system_data_path=usual).data_path == own


@pytest.mark.parametrize("failure", ["exit 1", "exec sleep 60"])
def test_a_systemd_that_fails_or_hangs_is_passed_over(tmp_path: Path, home: Path, failure: str) -> None:
    """An error or two seconds of silence mean the next source."""
    usual = _make_kino(tmp_path / "usual")
    tools = _make_systemctl(tmp_path / "bin", failure, ABSENT)
    environ = {"HOME": str(home), "PATH": f"{tools}:/bin:/usr/bin"}
    assert find_kino(None, None, environ, system_data_path=usual).data_path == usual


def test_the_users_own_folder_comes_last(tmp_path: Path, home: Path) -> None:
    """`$XDG_DATA_HOME/kino` is found without systemd and without the package's folder."""
    own = _make_kino(tmp_path / "data" / "kino")
    environ = {"HOME": str(home), "XDG_DATA_HOME": str(tmp_path / "data"), "PATH": "/nonexistent"}
    assert find_kino(None, None, environ, system_data_path=tmp_path / "none").data_path == own


def test_nothing_found_lists_where_it_looked(tmp_path: Path, home: Path) -> None:
    """The error has every source with its reason, and the way out."""
    environ = {"HOME": str(home), "PATH": "/nonexistent"}
    with pytest.raises(NotFoundError) as caught:
        find_kino(None, None, environ, system_data_path=tmp_path / "none")
    assert caught.value.message == (
        "No Kino was found. Looked at: --data-path (not given), KINO_DATA_PATH (not set), "
        "kino.service (not installed), the user's kino.service (not installed), "
        f"{tmp_path}/none (not there), {home}/.local/share/kino (not there)."
    )
    assert "--data-path" in caught.value.hint


def test_the_path_is_resolved(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path through a link gives the real folder."""
    real = _make_kino(tmp_path / "real")
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    assert find_kino(Path("link"), None, {"HOME": str(home)}).data_path == real


@pytest.mark.parametrize("name", ["config.toml", "secrets", "backups", ".kino-backup"])
def test_a_kino_without_database_is_still_one(tmp_path: Path, home: Path, name: str) -> None:
    """Backups can be listed when the database is gone."""
    data_path = _make_kino(tmp_path / "kino", name)
    assert find_kino(data_path, None, {"HOME": str(home)}).layout is DOCUMENTED


@pytest.mark.parametrize("layout", [None, "documented"])
def test_a_folder_without_any_sign_of_kino_is_refused(tmp_path: Path, home: Path, layout: str | None) -> None:
    """A mistyped path does not become a Kino."""
    data_path = _make_kino(tmp_path / "photos", "holiday.jpg")
    with pytest.raises(NotFoundError, match="holds no Kino"):
        find_kino(data_path, layout, {"HOME": str(home)})


def test_a_path_that_is_missing_or_a_file_is_named(tmp_path: Path, home: Path) -> None:
    """The error says where the path came from."""
    with pytest.raises(NotFoundError, match=r"gone \(from --data-path\) does not exist"):
        find_kino(tmp_path / "gone", None, {"HOME": str(home)})
    (tmp_path / "file").touch()
    with pytest.raises(NotFoundError, match=r"file \(from KINO_DATA_PATH\) is not a folder"):
        find_kino(None, None, {"HOME": str(home), "KINO_DATA_PATH": str(tmp_path / "file")})


@pytest.mark.parametrize("mode", [0o700, 0o744])
def test_a_folder_of_another_user_names_path_and_user(
    public_path: Path,
    nobody: Callable[[], AbstractContextManager[None]],
    unprivileged_name: str,
    mode: int,
) -> None:
    """Neither to list nor to enter it, alone, is enough."""
    data_path = _make_kino(public_path / "kino")
    data_path.chmod(mode if data_path.owner() == "root" else mode & 0o477)
    try:
        with nobody(), pytest.raises(NotPermittedError) as caught:
            find_kino(data_path, None, {"HOME": "/nonexistent"})
    finally:
        data_path.chmod(0o700)
    assert caught.value.message.startswith(
        f"{data_path} (from --data-path) cannot be read by {unprivileged_name}"
    )


def test_two_databases_need_a_decision(tmp_path: Path, home: Path) -> None:
    """Both layouts at once is a question, and `--layout` answers it."""
    data_path = _make_kino(tmp_path / "kino", "db.sqlite", "kino.db")
    with pytest.raises(UsageError) as caught:
        find_kino(data_path, None, {"HOME": str(home)})
    for layout in (DOCUMENTED, KINO_0_3):
        assert f"--layout {layout.name} for {layout.database}" in caught.value.hint
        assert find_kino(data_path, layout.name, {"HOME": str(home)}).layout is layout


def test_the_database_tells_the_layout(tmp_path: Path, home: Path) -> None:
    """Kino as shipped keeps everything in kino.db; without a database it is the documented layout."""
    for database, layout in (("kino.db", KINO_0_3), ("db.sqlite", DOCUMENTED), ("backups", DOCUMENTED)):
        data_path = _make_kino(tmp_path / database, database)
        assert find_kino(data_path, None, {"HOME": str(home)}).layout is layout


def test_a_layout_that_is_asked_for_counts_without_its_database(tmp_path: Path, home: Path) -> None:
    """As after the loss of kino.db, where nothing else tells."""
    data_path = _make_kino(tmp_path / "kino", "backups")
    assert find_kino(data_path, "kino-0.3", {"HOME": str(home)}).layout is KINO_0_3
    (tmp_path / "new").mkdir()
    assert find_kino(tmp_path / "new", "kino-0.3", {"HOME": str(home)}, may_be_empty=True).layout is KINO_0_3


def test_an_unknown_layout_is_a_usage_error(tmp_path: Path) -> None:
    """The names that exist are listed."""
    with pytest.raises(UsageError, match=r"documented and kino-0\.3"):
        find_kino(tmp_path, "other", {})
