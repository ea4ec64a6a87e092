"""A command that a hint prints acts on the Kino it speaks of, whoever copies it to wherever."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import kino_backup_tui
from kino_backup_tui.cli.main import VERBS
from kino_backup_tui.core.kino.command import PROGRAM, command_for, full_command, naming_options
from kino_backup_tui.core.kino.find import SYSTEM_DATA_PATH, find_kino, is_found_by_default
from kino_backup_tui.core.kino.home import Kino

_ABSENT = "echo LoadState=not-found"


class _Host:
    """A user of a host, with two Kinos and a systemctl."""

    def __init__(self, folder: Path) -> None:
        self.tools = folder / "bin"
        self.tools.mkdir()
        self.usual = self._kino(folder / "usual")
        self.second = self._kino(folder / "second one")
        self.environ = {
            "HOME": str(folder),
            "XDG_DATA_HOME": str(folder / "data"),
            "PATH": f"{self.tools}:/bin:/usr/bin",
        }
        self.install()

    def install(self, *, system: Path | None = None, user: Path | None = None) -> None:
        """Have systemd know a kino.service with that data path."""
        system_says, user_says = (
            f"echo LoadState=loaded; echo Environment=KINO_DATA_PATH={path}" if path else _ABSENT
            for path in (system, user)
        )
        script = self.tools / "systemctl"
        script.write_text(
            f'#!/bin/sh\ncase "$1" in --user) {user_says} ;; *) {system_says} ;; esac\n', encoding="utf-8"
        )
        script.chmod(0o755)

    def own(self) -> Path:
        """The Kino of this user, where it is by default."""
        return self._kino(Path(self.environ["XDG_DATA_HOME"]) / "kino")

    def finds(self, data_path: Path) -> bool:
        """Whether the plain command finds it."""
        return is_found_by_default(data_path, self.environ, system_data_path=self.usual)

    def _kino(self, path: Path) -> Path:
        path.mkdir(parents=True)
        (path / "db.sqlite").touch()
        return path


@pytest.fixture
def host(tmp_path: Path) -> _Host:
    """With nothing but the packages' Kino and a second one."""
    return _Host(tmp_path.resolve())


def test_the_usual_kino_is_found_and_a_second_one_is_not(host: _Host) -> None:
    """What nobody names is the packages' folder."""
    assert (host.finds(host.usual), host.finds(host.second)) == (True, False)


def test_the_kino_of_a_service_is_found_and_the_usual_one_then_is_not(host: _Host) -> None:
    """A service of the system, or of the user, comes before the usual folder."""
    service = host.second.rename(host.second.with_name("service"))
    for where in ("system", "user"):
        host.install(**{where: service})
        assert (host.finds(service), host.finds(host.usual)) == (True, False)


def test_the_users_own_kino_is_found_where_there_is_no_other(host: _Host) -> None:
    """The packages' folder hides it."""
    own = host.own()
    assert not host.finds(own)
    (host.usual / "db.sqlite").unlink()
    host.usual.rmdir()
    assert host.finds(own)


def test_the_variable_of_this_terminal_does_not_count(host: _Host) -> None:
    """`sudo` drops it, and another terminal does not have it."""
    host.environ["KINO_DATA_PATH"] = str(host.second)
    assert (host.finds(host.second), host.finds(host.usual)) == (False, True)


def test_it_is_the_default_that_a_plain_command_finds(host: _Host) -> None:
    """Both ways of asking go through the same sources in the same order."""
    own = host.own()
    for system, user in ((None, None), (host.usual, None), (None, own), (own, host.usual)):
        host.install(system=system, user=user)
        found = find_kino(None, None, host.environ, system_data_path=host.usual).data_path
        assert [path for path in (host.usual, host.second, own) if host.finds(path)] == [found]


def test_a_kino_whose_disk_is_away_is_at_its_usual_place(host: _Host) -> None:
    """Nothing else answers for it then."""
    gone = host.usual.with_name("gone")
    assert is_found_by_default(gone, host.environ, system_data_path=gone)
    assert not is_found_by_default(host.second, host.environ, system_data_path=gone)


def test_a_command_names_the_kino_only_where_it_has_to(host: _Host) -> None:
    """Quoted for a shell where the path asks for it."""
    host.install(system=SYSTEM_DATA_PATH)
    assert command_for(Kino(SYSTEM_DATA_PATH), "apply", environ=host.environ) == "kino-backup-tui apply"
    assert command_for(Kino(host.second), "apply", "--keep", "old", environ=host.environ) == (
        f"kino-backup-tui --data-path '{host.second}' apply --keep old"
    )


def test_a_command_for_another_user_always_names_it() -> None:
    """Root finds another Kino by default than the user does who is told to become root."""
    assert (
        full_command(Kino(SYSTEM_DATA_PATH), "doctor") == "kino-backup-tui --data-path /var/lib/kino doctor"
    )


def test_a_command_says_which_of_two_layouts_it_is_about(host: _Host) -> None:
    """Where both left a database, a command without it is refused."""
    (host.second / "kino.db").touch()
    kino = Kino(host.second)
    assert naming_options(kino) == ("--data-path", str(host.second), "--layout", "documented")
    host.install(system=host.second)
    service = Kino(host.second.rename(host.second.with_name("service")))
    host.install(system=service.data_path)
    assert command_for(service, "jobs", environ=host.environ) == "kino-backup-tui --layout documented jobs"


def test_no_other_module_writes_such_a_command() -> None:
    """A command written by hand would leave out which Kino it is about."""
    package = Path(kino_backup_tui.__file__).parent
    found = []
    for path in sorted(package.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documented = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        found += [
            f"{path.relative_to(package)}: {node.value}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented
            if any(f"{PROGRAM} {verb}" in node.value for verb in VERBS)
        ]
    assert found == []
