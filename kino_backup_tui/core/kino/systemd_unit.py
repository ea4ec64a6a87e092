"""The data path that an installed kino.service names, as `systemctl show` tells it.

Output and quoting are those of systemctl(1) and systemd.exec(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

UNIT = "kino.service"
TIMEOUT_SECONDS = 2.0

_WORD = re.compile(r'(?:"(?:\\.|[^"\\])*"|\\.|[^\s"\\])+', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ARGUMENTS = re.compile(r"argv\[\]=(.*?) ; ignore_errors=", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Unit:
    """What an installed service says."""

    data_path: str | None
    """From its command line, else from its environment; None if it leaves Kino to its default."""


def read_unit(environ: Mapping[str, str], *, user: bool = False) -> Unit | None:
    """Ask systemd for the system's or the user's kino.service; None if there is none, or no systemd."""
    import shutil
    import subprocess

    systemctl = shutil.which("systemctl", path=environ.get("PATH"))
    if systemctl is None:
        return None
    scope = ["--user"] if user else []
    try:
        answer = subprocess.run(
            [systemctl, *scope, "show", UNIT, "-p", "LoadState,Environment,ExecStart"],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return parse_unit(answer.stdout.decode(errors="surrogateescape"))


def parse_unit(shown: str) -> Unit | None:
    """Read the properties LoadState, Environment and ExecStart; None if the unit is not installed.

    As with Kino itself, `--data-path` beats the environment.
    """
    properties = [line.partition("=")[::2] for line in shown.splitlines()]
    if ("LoadState", "loaded") not in properties:
        return None
    data_path = None
    for name, value in properties:
        if name == "Environment":
            for word in split_quoted(value):
                if word.startswith("KINO_DATA_PATH="):
                    data_path = word.partition("=")[2]
    for name, value in properties:
        command = _ARGUMENTS.search(value) if name == "ExecStart" else None
        if command is not None:
            data_path = _option(list(split_quoted(command.group(1)))) or data_path
    return Unit(data_path or None)


def split_quoted(text: str) -> Iterator[str]:
    """The words of a property; systemd puts those with special characters in double quotes."""
    for word in _WORD.finditer(text):
        parts = re.split(r'("(?:\\.|[^"\\])*")', word.group(), flags=re.DOTALL)
        yield "".join(_ESCAPE.sub(r"\1", part[1:-1] if part.startswith('"') else part) for part in parts)


def _option(arguments: list[str]) -> str | None:
    for index, argument in enumerate(arguments):
        if argument.startswith("--data-path="):
            return argument.partition("=")[2]
        if argument == "--data-path" and index + 1 < len(arguments):
            return arguments[index + 1]
    return None
