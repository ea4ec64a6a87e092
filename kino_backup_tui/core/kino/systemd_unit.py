"""The data path and the port that an installed service of Kino names, as `systemctl show` tells them.

Output and quoting are those of systemctl(1) and systemd.exec(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from kino_backup_tui.core.errors import ServiceError
from kino_backup_tui.core.kino.ports import valid_port

UNIT = "kino.service"
TIMEOUT_SECONDS = 2.0

_VARIABLE, _PORT = "KINO_DATA_PATH", "KINO_PORT"
_ENGINES = ("docker", "podman")
_IN_IMAGE = "/data"
_LARGEST_FILE = 64 << 10
_WORD = re.compile(r'(?:"(?:\\.|[^"\\])*"|\\.|[^\s"\\])+', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ARGUMENTS = re.compile(r"argv\[\]=(.*?) ; ignore_errors=", re.DOTALL)
_ASSIGNED = re.compile(r"^\s*(KINO_DATA_PATH|KINO_PORT)=(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Unit:
    """What an installed service says."""

    data_path: str | None
    """From its command line, else from its environment; None if it leaves Kino to its default."""
    name: str = UNIT
    """Its own name, which the one it was asked by may only be an alias of."""
    main_pid: int | None = None
    """Its main process; None if it does not run."""
    container: str | None = None
    """The name of the container that it runs with Docker or Podman; None if it gives none a name."""
    port: int | None = None
    """From its command line, else from its environment, see `valid_port`; None if it names none."""


def read_unit(
    environ: Mapping[str, str], *, user: bool = False, name: str = UNIT, seconds: float = TIMEOUT_SECONDS
) -> Unit | None:
    """Ask systemd for a service of the system or the user; None if there is none, or no systemd."""
    from kino_backup_tui.core.kino.systemctl import Manager

    asked = ("-p", "LoadState,Id,MainPID,Environment,EnvironmentFiles,ExecStart")
    try:
        answer = Manager(environ, user).systemctl("show", *asked, "--", name, seconds=seconds)
    except ServiceError:
        return None
    return parse_unit(answer.output) if answer.code == 0 else None


def parse_unit(shown: str) -> Unit | None:
    """Read those properties; None if the unit is not installed.

    As with Kino and systemd themselves, an option beats the environment, in which a file beats a line.
    """
    properties = [line.partition("=")[::2] for line in shown.splitlines()]
    known = dict(properties)
    if known.get("LoadState") != "loaded":
        return None
    variables: dict[str, str] = {}
    for name, value in properties:
        if name == "Environment":
            variables.update(word.partition("=")[::2] for word in split_quoted(value))
    for name, value in properties:
        if name == "EnvironmentFiles":
            variables.update(_in_file(Path(re.sub(r" \(ignore_errors=\w+\)$", "", value))))
    data_path, port, container = variables.get(_VARIABLE), variables.get(_PORT), None
    for name, value in properties:
        command = _ARGUMENTS.search(value) if name == "ExecStart" else None
        if command is not None:
            words = list(split_quoted(command.group(1)))
            if words and Path(words[0]).name in _ENGINES:
                data_path = _mounted(words) or data_path
                container = next(_values(words, "--name"), None) or container
            else:
                data_path = _option(words) or data_path
                port = next(_values(words, "--port"), port)
    pid = known.get("MainPID", "")
    main_pid = int(pid) if pid.isdecimal() and pid != "0" else None
    return Unit(data_path or None, known.get("Id") or UNIT, main_pid, container, valid_port(port))


def split_quoted(text: str) -> Iterator[str]:
    """The words of a property; systemd puts those with special characters in double quotes."""
    for word in _WORD.finditer(text):
        parts = re.split(r'("(?:\\.|[^"\\])*")', word.group(), flags=re.DOTALL)
        yield "".join(_ESCAPE.sub(r"\1", part[1:-1] if part.startswith('"') else part) for part in parts)


def _in_file(path: Path) -> dict[str, str]:
    """Those variables in a file of them, quoted or not; the last one counts, as for systemd."""
    try:
        with path.open(encoding="utf-8", errors="surrogateescape") as stream:
            assigned = _ASSIGNED.findall(stream.read(_LARGEST_FILE))
    except (OSError, ValueError):
        return {}
    found = {name: _unquoted(value.strip()) for name, value in assigned}
    return {name: value for name, value in found.items() if value}


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value


def _mounted(arguments: list[str]) -> str | None:
    """The folder of the host that `podman run`, or that of Docker, mounts where Kino's data are.

    In Kino's own image that is /data; a quadlet's `Volume=` and `Environment=` become such options.
    """
    inside = _option(arguments) or next(
        (
            value.partition("=")[2]
            for value in _values(arguments, "--env", "-e")
            if value.startswith(f"{_VARIABLE}=")
        ),
        _IN_IMAGE,
    )
    for value in _values(arguments, "--volume", "-v"):
        source, _, rest = value.partition(":")
        if source.startswith("/") and rest.partition(":")[0].rstrip("/") == inside.rstrip("/"):
            return source
    for value in _values(arguments, "--mount"):
        fields = dict(field.partition("=")[::2] for field in value.split(","))
        source = fields.get("source") or fields.get("src") or ""
        target = fields.get("destination") or fields.get("target") or fields.get("dst") or ""
        if source.startswith("/") and target.rstrip("/") == inside.rstrip("/"):
            return source
    return None


def _values(arguments: list[str], *options: str) -> Iterator[str]:
    for index, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name in options:
            yield value if equals else (arguments[index + 1] if index + 1 < len(arguments) else "")


def _option(arguments: list[str]) -> str | None:
    for index, argument in enumerate(arguments):
        if argument.startswith("--data-path="):
            return _rejoined([argument.partition("=")[2], *arguments[index + 1 :]])
        if argument == "--data-path" and index + 1 < len(arguments):
            return _rejoined(arguments[index + 1 :])
    return None


def _rejoined(words: list[str]) -> str:
    """The path that begins with the first word; systemctl prints spaces in an argument like those between."""
    paths = (" ".join(words[:count]) for count in range(len(words), 1, -1))
    return next((path for path in paths if path.startswith("/") and Path(path).is_dir()), words[0])
