"""What goes to standard output (data) and to standard error (talk)."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from io import TextIOWrapper
from pathlib import Path

from kino_backup_tui.core.errors import KinoBackupError, OperationCancelledError
from kino_backup_tui.core.files import storage_error

_STDOUT = Path("standard output")
_REDIRECT = "Direct it to where there is room for it."
_GAP = "  "
_COMPACT = json.JSONEncoder(separators=(",", ":"))


class OutputError(Exception):
    """Standard output takes no more: `problem` says why, None if its reader has simply gone."""

    def __init__(self, problem: KinoBackupError | None) -> None:
        super().__init__(problem)
        self.problem = problem


def prepare_streams() -> None:
    """Make the three standard streams usable, whatever the caller left of them.

    A closed one is opened as /dev/null, so that no file of ours takes its number and gets our messages
    written into it. Characters that the terminal's encoding lacks are written as escapes.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            setattr(sys, name, open(number, mode, closefd=False, encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def write_line(text: str) -> None:
    """Write a line of data; raises `OutputError`."""
    _write((text, "\n"))


def write_json(value: object) -> None:
    """Write a value as one compact line of ASCII JSON: no locale can spoil it, no file name break it."""
    write_line(_COMPACT.encode(value))


def write_json_array(values: Iterable[object]) -> None:
    """Write values as an array on one line, like `write_json`; in turn, for there may be thousands."""
    _write(_array(values))


def _array(values: Iterable[object]) -> Iterator[str]:
    before = "["
    for value in values:
        yield before
        yield _COMPACT.encode(value)
        before = ","
    yield "]\n" if before == "," else "[]\n"


def _write(pieces: Iterable[str]) -> None:
    try:
        sys.stdout.writelines(pieces)
        sys.stdout.flush()
    except BrokenPipeError as error:
        raise OutputError(None) from error
    except OSError as error:
        raise output_error(error) from error


def output_error(error: OSError) -> OutputError:
    """What a failed write to standard output is, if its reader has not simply gone."""
    problem = storage_error(error, _STDOUT, "write to")
    return OutputError(type(problem)(problem.message, hint=_REDIRECT))


def talk(text: str) -> None:
    """Say something to the person at the terminal; that nobody listens is no error.

    Nothing but the ends of its lines moves the cursor, whatever names from outside it quotes.
    """
    from kino_backup_tui.presentation.text import printable

    lines = "\n".join(printable(line) for line in text.split("\n"))
    with contextlib.suppress(OSError):
        sys.stderr.write(lines + "\n")
        sys.stderr.flush()


@contextlib.contextmanager
def told_in_any_case(done: str) -> Iterator[None]:
    """Say what was done also where standard output does not take the result that the block writes."""
    try:
        yield
    except OutputError:
        talk(done)
        raise


def warn(text: str) -> None:
    """Say in one line what the admin should know although the verb goes on."""
    from kino_backup_tui.presentation.text import printable

    talk(f"warning: {printable(text)}")


def tell_error(error: KinoBackupError) -> None:
    """Say what is wrong, and what to do about it."""
    from kino_backup_tui.presentation.text import printable

    # A line break in a message is one of a file name; only hints have lines.
    message = printable(error.message)
    # Doing what was asked is no error, although the exit code says that the work was not done.
    talk(message if isinstance(error, OperationCancelledError) else f"error: {message}")
    if error.hint:
        talk(error.hint)


def abandon_output() -> None:
    """After an `OutputError`: let what is still buffered go nowhere instead of failing at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def write_table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], *, right: Collection[int] = ()
) -> None:
    """Write aligned columns; `right` holds the numbers of those that are flush right."""
    for line in table_lines(headers, rows, right=right):
        write_line(line)


def table_lines(
    headers: Sequence[str], rows: Sequence[Sequence[str]], *, right: Collection[int] = ()
) -> list[str]:
    """The lines of a table, each column as wide as its widest cell."""
    table = [headers, *rows]
    widths = [max(display_width(row[column]) for row in table) for column in range(len(headers))]
    lines = []
    for row in table:
        cells = []
        for column, cell in enumerate(row):
            padding = " " * (widths[column] - display_width(cell))
            cells.append(padding + cell if column in right else cell + padding)
        lines.append(_GAP.join(cells).rstrip())
    return lines


def display_width(text: str) -> int:
    """How many columns of a terminal the text takes (Unicode Standard Annex #11)."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )
