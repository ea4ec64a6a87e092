"""Words in the unit files of systemd, quoted as it reads them back: systemd.syntax(7), systemd.exec(5).

A percent sign begins a specifier everywhere; a dollar sign a variable in commands alone. Paths are taken as
they are, but for quotes and backslashes; escapes for bytes are known in commands and variables only.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path


def quoted(word: str) -> str:
    """A word of a command, or an assignment of `Environment=`; in commands `$` has to be doubled besides."""
    text = ""
    for byte in os.fsencode(word):
        character = chr(byte)
        if character in '"\\':
            text += f"\\{character}"
        elif character == "%":
            text += "%%"
        else:
            text += character if 0x20 <= byte < 0x7F else f"\\x{byte:02x}"
    return f'"{text}"'


def quoted_command(command: Sequence[str], prefix: str = "") -> str:
    """A command; `prefix` is one of the special characters before the program, see systemd.service(5)."""
    program, *arguments = command
    # Variables are not looked for in the name of the program.
    words = [quoted(f"{prefix}{program}"), *(quoted(word).replace("$", "$$") for word in arguments)]
    return " ".join(words)


def quoted_path(path: Path | str, prefix: str = "") -> str:
    """A path in a list of paths; `-` as prefix has systemd pass over one that is not there.

    The path must be a word for systemd, see `is_word`.
    """
    text = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{prefix}{text}"'


def shown_path(path: Path) -> str:
    """The same for a line that a person is to enter: quoted only where it has to be."""
    text = str(path)
    return quoted_path(path) if set(text) & set(" \t\"'\\%") else text


def is_word(text: str) -> bool:
    """Whether a unit file can have it as a path: UTF-8, on one line."""
    return not any(ord(char) < 0x20 or ord(char) == 0x7F or 0xD800 <= ord(char) < 0xE000 for char in text)


def mount_units(path: Path) -> tuple[str, ...]:
    """The names of the mount units that could be on the way to a path, its own included, not that of `/`.

    Escaped as `systemd-escape --path` does, which is how the units of /etc/fstab get their names.
    """
    folders = [each for each in (path, *path.parents) if each != each.parent]
    return tuple(f"{_escaped(each)}.mount" for each in reversed(folders))


def _escaped(path: Path) -> str:
    text = ""
    for position, byte in enumerate(os.fsencode(path).strip(b"/")):
        character = chr(byte)
        if character == "/":
            text += "-"
        elif byte < 0x80 and (character.isalnum() or character in ":_" or (character == "." and position)):
            text += character
        else:
            text += f"\\x{byte:02x}"
    return text
