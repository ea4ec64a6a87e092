"""The tool's own configuration, which is never in the data path nor in an archive."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from kino_backup_tui.core.errors import InvalidSettingsError
from kino_backup_tui.core.files import user_name
from kino_backup_tui.core.kino.toml_file import TomlFile, read_toml, shown

SYSTEM_CONFIG = Path("/etc/kino-backup-tui.toml")


class ToolConfig(NamedTuple):
    """What the admin told this program."""

    kino_url: str | None = None
    """Where Kino's HTTP API answers, without a slash at the end."""


def load_tool_config(environ: Mapping[str, str]) -> ToolConfig:
    """Read the configuration of the current user; raises as `read_tool_config`."""
    return read_tool_config(tool_config_path(environ))


def tool_config_path(environ: Mapping[str, str]) -> Path:
    """Where it is: in /etc for root, else in the user's configuration folder."""
    if os.geteuid() == 0:
        return SYSTEM_CONFIG
    return user_folder(environ, "XDG_CONFIG_HOME", ".config") / "kino-backup-tui" / "config.toml"


def user_folder(environ: Mapping[str, str], variable: str, below_home: str) -> Path:
    """A base folder of the XDG Base Directory Specification; a relative value is ignored, as it demands."""
    value = environ.get(variable, "")
    if value.startswith("/"):
        return Path(value)
    home = environ.get("HOME", "")
    return (Path(home) if home.startswith("/") else Path.home()) / below_home


def read_tool_config(path: Path) -> ToolConfig:
    """Read a configuration file; one that is missing means the defaults.

    Raises `InvalidSettingsError` if it cannot be understood, has a key that does not exist, or could have
    been written by another user than root and the current one.
    """
    file = read_toml(path)
    if file is None:
        return ToolConfig()
    _require_trusted(file)
    for key in file.document:
        if key != "kino_url":
            raise InvalidSettingsError(f"{path}: there is no setting {shown(key)}; allowed is kino_url.")
    return ToolConfig(_url(file))


def _require_trusted(file: TomlFile) -> None:
    if file.status.st_uid not in (0, os.geteuid()):
        raise InvalidSettingsError(
            f"{file.path} belongs to another user than root or {user_name()}, and is not trusted.",
            hint="Change its owner, or remove it.",
        )
    if file.status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise InvalidSettingsError(
            f"{file.path} can be written by other users, and is not trusted.", hint=f"chmod go-w {file.path}"
        )


def _url(file: TomlFile) -> str | None:
    value = file.document.get("kino_url")
    if value is None:
        return None
    if isinstance(value, str) and value.isprintable() and " " not in value:
        from urllib.parse import urlsplit

        try:
            parts = urlsplit(value)
            valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            valid = False
        if valid and parts.username is None and not parts.query and not parts.fragment:
            return value.rstrip("/")
    # The value is not repeated: it may have a password in it.
    raise InvalidSettingsError(
        f'{file.path}: kino_url must be an address such as "http://127.0.0.1:8080", without user or password.'
    )
