"""The tool's own configuration, which is never in the data path nor in an archive."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from kino_backup_tui.core.errors import InvalidSettingsError
from kino_backup_tui.core.files import user_name
from kino_backup_tui.core.kino.toml_file import TomlFile, read_toml, shown

if TYPE_CHECKING:
    from urllib.parse import SplitResult

SYSTEM_CONFIG = Path("/etc/kino-backup-tui.toml")
CONFIG_VARIABLE = "KINO_BACKUP_TUI_CONFIG"
"""Environment variable that names another file; the same rules of trust hold for it."""

# What systemd allows in a unit name; it must not begin like an option of the programs it is given to.
_SERVICE = re.compile(r"(?!-)[A-Za-z0-9:_.\\@-]{1,247}\.service")

# What Docker and Podman allow in the name of a container; an id is a name, too.
_CONTAINER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


class ToolConfig(NamedTuple):
    """What the admin told this program."""

    kino_url: str | None = None
    """Where Kino's HTTP API answers, without a slash at the end."""
    service: str | None = None
    """The systemd unit that runs Kino, with its ending."""
    stop_command: tuple[str, ...] = ()
    """Program and arguments that stop Kino, and keep it stopped; empty if there is none."""
    start_command: tuple[str, ...] = ()
    """Program and arguments that start Kino; there if and only if `stop_command` is."""
    log_command: tuple[str, ...] = ()
    """Program and arguments that print the last lines of Kino's log; empty if there is none."""
    data_path: Path | None = None
    """The Kino that all this is about; None if there is only one on this host."""
    container: str | None = None
    """The container of Docker or Podman that runs Kino, by name or id."""
    notify_command: tuple[str, ...] = ()
    """Program and arguments that get the news of failed and recovered nights; empty if there is none."""
    notify_url: str | None = None
    """Where that news is posted to; it may hold secrets, and is never shown."""

    def about(self, data_path: Path) -> ToolConfig:
        """What it says of the Kino of a data path: nothing, if it is about another one."""
        if self.data_path is None or os.path.realpath(self.data_path) == os.path.realpath(data_path):
            return self
        return ToolConfig()


def load_tool_config(environ: Mapping[str, str]) -> ToolConfig:
    """Read the configuration of the current user, or the one that the environment names.

    Raises as `read_tool_config`, and `InvalidSettingsError` if a file that is named is not there.
    """
    path = tool_config_path(environ)
    config = _read(path)
    if config is None and environ.get(CONFIG_VARIABLE):
        raise InvalidSettingsError(
            f"{path}, which {CONFIG_VARIABLE} names, does not exist.",
            hint=f"Unset {CONFIG_VARIABLE}, or name an existing file.",
        )
    return config or ToolConfig()


def tool_config_path(environ: Mapping[str, str]) -> Path:
    """Where it is: where the environment says, else in /etc for root, else in the user's own folder.

    Raises `InvalidSettingsError` if the environment names it by a relative path, for the process that
    restores need not have the same working folder.
    """
    if named := environ.get(CONFIG_VARIABLE):
        if not named.startswith("/"):
            raise InvalidSettingsError(f"{CONFIG_VARIABLE} must be an absolute path, not {shown(named)}.")
        return Path(named)
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
    return _read(path) or ToolConfig()


def _read(path: Path) -> ToolConfig | None:
    file = read_toml(path)
    if file is None:
        return None
    _require_trusted(file)
    for key in file.document:
        if key not in ToolConfig._fields:
            allowed = ", ".join(ToolConfig._fields)
            raise InvalidSettingsError(f"{path}: there is no setting {shown(key)}; allowed are {allowed}.")
    stop, start = _command(file, "stop_command"), _command(file, "start_command")
    if bool(stop) != bool(start):
        given, missing = ("stop_command", "start_command") if stop else ("start_command", "stop_command")
        raise InvalidSettingsError(
            f"{path} has {given}, but not {missing}: they go only together.", hint=f"Add {missing} there."
        )
    return ToolConfig(
        kino_url=_url(file),
        service=_service(file),
        stop_command=stop,
        start_command=start,
        log_command=_command(file, "log_command"),
        data_path=_data_path(file),
        container=_container(file),
        notify_command=_command(file, "notify_command"),
        notify_url=_notify_url(file),
    )


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
    parts = _http_address(value)
    if parts is not None and parts.username is None and not parts.query:
        return parts.geturl().rstrip("/")
    # The value is not repeated: it may have a password in it.
    raise InvalidSettingsError(
        f'{file.path}: kino_url must be an address such as "http://127.0.0.1:8080", without user or password.'
    )


def _notify_url(file: TomlFile) -> str | None:
    value = file.document.get("notify_url")
    if value is None:
        return None
    parts = _http_address(value)
    if parts is not None:
        return parts.geturl()
    # The value is not repeated, as above.
    raise InvalidSettingsError(
        f'{file.path}: notify_url must be an address such as "https://hooks.example/nas".'
    )


def _http_address(value: object) -> SplitResult | None:
    """The parts of an address of a web server; None if it is none."""
    from urllib.parse import urlsplit

    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
        return None
    try:
        parts = urlsplit(value)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if valid and not parts.fragment else None


def _service(file: TomlFile) -> str | None:
    value = file.document.get("service")
    if value is None or (isinstance(value, str) and _SERVICE.fullmatch(value)):
        return value
    raise InvalidSettingsError(
        f'{file.path}: service must be the name of a systemd unit such as "kino.service", not {shown(value)}.'
    )


def _container(file: TomlFile) -> str | None:
    value = file.document.get("container")
    if value is None or (isinstance(value, str) and _CONTAINER.fullmatch(value)):
        return value
    raise InvalidSettingsError(
        f'{file.path}: container must be the name of a container such as "kino", not {shown(value)}.'
    )


def _data_path(file: TomlFile) -> Path | None:
    value = file.document.get("data_path")
    if value is None:
        return None
    if isinstance(value, str) and value.startswith("/") and "\0" not in value:
        return Path(value)
    raise InvalidSettingsError(f"{file.path}: data_path must be an absolute path, not {shown(value)}.")


def _command(file: TomlFile, key: str) -> tuple[str, ...]:
    value = file.document.get(key)
    if value is None:
        return ()
    if isinstance(value, list) and value and all(map(_is_argument, value)) and _is_program(value[0]):
        return tuple(value)
    # The value is not repeated, as above.
    raise InvalidSettingsError(
        f"{file.path}: {key} must be a list of strings, a program and its arguments, such as "
        f'["/usr/bin/docker", "start", "kino"]; no shell reads it.',
        hint="Name the program by an absolute path, or by a name that is found on PATH.",
    )


def _is_argument(value: Any) -> bool:
    return isinstance(value, str) and "\0" not in value


def _is_program(value: str) -> bool:
    # A relative path would mean another program in each folder this one is started from.
    return bool(value) and ("/" not in value or value.startswith("/"))
