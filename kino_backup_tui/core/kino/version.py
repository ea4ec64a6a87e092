"""Kino's version, from whoever can tell it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kino_backup_tui.core.kino.running import KinoState

UNKNOWN = "unknown"
TIMEOUT_SECONDS = 2.0

_VERSION = re.compile(r"[0-9A-Za-z.+-]{1,64}")


def kino_version(state: KinoState | None, newest_manifest_version: str | None) -> str:
    """The first that is known: the running Kino's, the installed program's, the newest backup's, "unknown".

    The result is fit for a file name: letters, digits, dot, plus and minus.
    """
    if state is not None and (version := valid_version(state.version)):
        return version
    return installed_version() or valid_version(newest_manifest_version) or UNKNOWN


def installed_version() -> str | None:
    """What the `kino` on PATH says of itself; None if there is none, or it says nothing of the kind."""
    import shutil

    program = shutil.which("kino")
    if program is None:
        return None
    import subprocess

    try:
        answer = subprocess.run(
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    words = answer.stdout.decode(errors="replace").split()
    return valid_version(words[1]) if len(words) == 2 and words[0] == "kino" else None


def valid_version(value: object) -> str | None:
    """The value if it can be a version, else None."""
    return value if isinstance(value, str) and _VERSION.fullmatch(value) else None
