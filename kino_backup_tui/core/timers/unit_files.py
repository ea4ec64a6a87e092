"""Where units of systemd are, and what is in them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from kino_backup_tui.core.files import open_regular
from kino_backup_tui.core.kino.tool_config import user_folder

RUNS = Path("/run/systemd/system")
"""There where systemd is the init system, see sd_booted(3)."""
SYSTEM_UNITS = Path("/etc/systemd/system")

_LARGEST_UNIT = 256 << 10


def units_folder(environ: Mapping[str, str], *, user: bool) -> Path:
    """Where the units of the admin, or of the current user, are."""
    return user_folder(environ, "XDG_CONFIG_HOME", ".config") / "systemd/user" if user else SYSTEM_UNITS


def read_unit_file(path: Path) -> str | None:
    """Its text; None if it cannot be read, or is a link, as that of a masked unit."""
    try:
        with open_regular(path) as stream:
            return stream.read(_LARGEST_UNIT).decode(errors="replace")
    except OSError:
        return None


def is_same(shown: str, path: Path) -> bool:
    """Whether the file that systemd names is that one, by whatever links."""
    return bool(shown) and os.path.realpath(shown) == os.path.realpath(path)
