"""Where Kino may listen on this host, as far as anything but its own process tells."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.kino.home import Kino

USUAL_PORTS = (80, 8080)
"""Kino takes the second one where it may not have the first."""
_PORT_FILE = Path("/run/kino/port")
"""Where Kino notes it as a service of its packages."""


def valid_port(value: object) -> int | None:
    """A number, or the text of one, as a port at which somebody can be asked; None if it is none."""
    number = int(value) if isinstance(value, str) and re.fullmatch("[0-9]{1,5}", value) else value
    return number if isinstance(number, int) and 0 < number < 1 << 16 else None


def noted_port() -> int | None:
    """What the Kino of this host's package has noted when it began to listen; None if there is nothing."""
    try:
        return valid_port(_PORT_FILE.read_text("ascii").strip())
    except (OSError, ValueError):
        return None


def likely_ports(kino: Kino, *, in_use: bool) -> Iterator[int]:
    """The port that Kino's service sets, the noted one, that of Kino's settings, the usual ones; each once.

    The settings are looked at only where the database is `in_use` by Kino: otherwise it may be about to be
    replaced. Who asks there has to make sure that it is this Kino. Raises nothing.
    """
    told: set[int] = set()
    for port in _told(kino, in_use=in_use):
        if port is not None and port not in told:
            told.add(port)
            yield port


def _told(kino: Kino, *, in_use: bool) -> Iterator[int | None]:
    from kino_backup_tui.core.kino.settings_store import settings_store
    from kino_backup_tui.core.kino.systemd_unit import UNIT, read_unit
    from kino_backup_tui.core.kino.tool_config import load_tool_config

    service = None
    with suppress(KinoBackupError):
        service = load_tool_config(os.environ).about(kino.data_path).service
    for user in (False, True):
        unit = read_unit(os.environ, user=user, name=service or UNIT)
        yield unit.port if unit else None
    yield noted_port()
    if in_use:
        with suppress(KinoBackupError):
            yield settings_store(kino).port()
    yield from USUAL_PORTS
