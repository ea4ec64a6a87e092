"""The layers hold, and a headless run never loads the screens."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import kino_backup_tui
from tests.cli.harness import Cli, write_kino

ROOT = Path(__file__).parent.parent
UI_LIBRARIES = ("textual", "rich", "kino_backup_tui.tui")
HTTP_LIBRARIES = ("fastapi", "starlette", "uvicorn", "pydantic", "python_multipart", "kino_backup_tui.api")
"""What the extra `api` brings, and what needs it."""
HEADLESS = ("kino_backup_tui.core", "kino_backup_tui.cli", "kino_backup_tui.presentation")
LISTING_DOES_WITHOUT = (
    "sqlite3",
    "http",
    "subprocess",
    "tzlocal",
    "asyncio",
    "kino_backup_tui.core.archive.writer",
    "kino_backup_tui.core.restore.plan",
)


def headless_modules() -> list[str]:
    """Every module that a machine without a screen may load."""
    found = pkgutil.walk_packages(kino_backup_tui.__path__, "kino_backup_tui.")
    return [module.name for module in found if module.name.startswith(HEADLESS)]


def loaded_by(program: str) -> set[str]:
    """The modules a fresh process has loaded at the end of a program."""
    report = "\nimport sys; sys.stderr.write('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program + report], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


def of_packages(modules: set[str], packages: tuple[str, ...]) -> set[str]:
    """Those of the modules that belong to one of the packages."""
    return {name for name in modules if any(name == each or name.startswith(f"{each}.") for each in packages)}


def test_the_contracts_on_imports_hold() -> None:
    """The core knows no front end, front ends do not know each other, layers point downwards."""
    # In a process of its own: it switches off every logger that is there (logging.config.dictConfig).
    program = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_headless_modules_load_no_ui_library() -> None:
    """A run-time proof, since a static one cannot tell whether an import is deferred."""
    modules = headless_modules()
    assert len(modules) > 50
    # One process for all: what any one of them pulls in shows.
    loaded = loaded_by("\n".join(f"import {name}" for name in modules))
    assert of_packages(loaded, UI_LIBRARIES + HTTP_LIBRARIES) == set()


@pytest.fixture
def kino(tmp_path: Path) -> Cli:
    """A Kino with a backup."""
    kino = write_kino(tmp_path / "kino")
    kino.create()
    return kino


@pytest.mark.parametrize(
    "verb",
    [
        ["list", "--json"],
        ["list"],
        ["status"],
        ["show", "latest"],
        ["create"],
        ["verify", "latest"],
        ["jobs"],
        ["api-key", "rotate"],
    ],
)
def test_headless_verbs_load_no_ui_library(kino: Cli, verb: list[str]) -> None:
    """Over SSH to a slow NAS, the screens would be most of the waiting time, and then the HTTP API."""
    arguments = ["--data-path", str(kino.data_path), *verb]
    loaded = loaded_by(f"from kino_backup_tui.cli.main import run; assert run({arguments!r}) == 0")
    assert of_packages(loaded, UI_LIBRARIES + HTTP_LIBRARIES) == set()


def test_the_screens_load_no_http_library() -> None:
    """And the API, the other way round, no screen."""
    loaded = loaded_by("import kino_backup_tui.tui.app, kino_backup_tui.tui.terminal")
    assert of_packages(loaded, HTTP_LIBRARIES) == set()
    loaded = loaded_by("import kino_backup_tui.api.app, kino_backup_tui.api.server")
    assert of_packages(loaded, ("textual", "kino_backup_tui.tui", "kino_backup_tui.cli")) == set()


def test_a_listing_loads_little(kino: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """What only other verbs need is loaded by them; the zone is named by a link on nearly every host."""
    monkeypatch.delenv("TZ", raising=False)
    if not Path("/etc/localtime").is_symlink():
        pytest.skip("this host does not name its zone by a link")
    arguments = ["--data-path", str(kino.data_path), "list", "--json"]
    loaded = loaded_by(f"from kino_backup_tui.cli.main import run; assert run({arguments!r}) == 0")
    assert of_packages(loaded, LISTING_DOES_WITHOUT) == set()
