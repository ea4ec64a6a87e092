"""Which Kino this is, and who starts and stops it."""

from __future__ import annotations

import platform
import sqlite3
from collections.abc import Iterator

from kino_backup_tui import __version__
from kino_backup_tui.core.errors import NotPermittedError
from kino_backup_tui.core.kino.processes import looking_hint
from kino_backup_tui.core.kino.settings_store import settings_store
from kino_backup_tui.core.kino.tool_config import load_tool_config
from kino_backup_tui.core.operations.checks.base import Check, Facts, failure, good, warned, warning
from kino_backup_tui.core.operations.checks.disks import file_system_type, is_network
from kino_backup_tui.core.restore.folders import movability_problem
from kino_backup_tui.core.sizes import size_text
from kino_backup_tui.core.supervisors.base import Supervisor
from kino_backup_tui.core.supervisors.container import ContainerSupervisor

_OLDEST_SQLITE = (3, 37, 0)
"""Older ones cannot open a database that has STRICT tables (sqlite.org/stricttables.html), as Kino's has."""


def check_program(facts: Facts) -> Iterator[Check]:
    """What runs here."""
    name = "program"
    text = (
        f"kino-backup-tui {__version__}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}."
    )
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        yield warning(name, text, "SQLite older than 3.37 cannot open Kino's database: use a newer Python.")
    else:
        yield good(name, text)


def check_kino(facts: Facts) -> Iterator[Check]:
    """Its data path, layout, version, and whether it runs."""
    kino, state = facts.context.kino, facts.status.kino
    running = {True: "running", False: "not running", None: "not known whether it runs"}[state.running]
    how = f" ({state.how})" if state.how else ""
    version = facts.status.kino_version
    text = f"Kino {version} in {kino.data_path}, layout {kino.layout.name}: {running}{how}."
    if state.running is None:
        yield warning("kino", text, looking_hint())
    else:
        yield good("kino", text)


def check_database(facts: Facts) -> Iterator[Check]:
    """Whether there is one to back up, on a disk that SQLite can be trusted with, that can be replaced."""
    name, database = "database", facts.context.kino.database
    if facts.status.database_problem is not None:
        yield failure(name, facts.status.database_problem)
        return
    if problem := movability_problem(facts.context.kino):
        yield failure(name, problem)
        return
    kind = file_system_type(database)
    if is_network(kind):
        yield warning(
            name,
            f"{database} is on a network file system ({kind}), where SQLite's locks cannot be relied on.",
            "Keep Kino's data on a disk of this host.",
        )
        return
    yield good(name, f"{database}, {size_text(database.stat().st_size)}.")


def check_settings(facts: Facts) -> Iterator[Check]:
    """Whether Kino's settings can be understood."""
    if facts.status.settings_problem is not None:
        yield failure("settings", facts.status.settings_problem)
        return
    yield good("settings", settings_store(facts.context.kino).described())


def check_supervisor(facts: Facts) -> Iterator[Check]:
    """Who starts and stops Kino, and whether a restore could have them do it."""
    name, supervisor = "supervisor", facts.supervisor
    if (unused := _unused_container(facts)) is not None:
        yield unused
    problem = supervisor.problem()
    if isinstance(problem, NotPermittedError):
        yield warned(name, problem)
    elif problem is not None:
        yield failure(name, problem)
    elif supervisor.controls:
        state = supervisor.state()
        yield good(name, f"{_described(supervisor)} can be stopped, held and started; it is {state.text}.")
    else:
        yield good(
            name, "Nobody supervises Kino, so a restore waits until you stop it, and you start it again."
        )


def _described(supervisor: Supervisor) -> str:
    return supervisor.description if isinstance(supervisor, ContainerSupervisor) else supervisor.name


def _unused_container(facts: Facts) -> Check | None:
    """A container that is configured, but was not taken for this Kino's."""
    config = load_tool_config(facts.environ).about(facts.context.kino.data_path)
    container = config.container
    if container is None or config.stop_command or facts.supervisor.name == f"container {container}":
        return None
    if isinstance(facts.supervisor, ContainerSupervisor) and facts.supervisor.is_called(container):
        return None
    return warning(
        "supervisor",
        f"The container {container} is configured, but {facts.context.kino.data_path} is not in it.",
        "Name the container that has this data path mounted.",
    )
