"""Whether this terminal can show the screens, in which colours, and what happens when it is gone.

Loaded without Textual on purpose: Textual reads its theme and animation level from the environment while it
is imported, and picks its colour filter before an app could change its mind.
"""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import signal
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from kino_backup_tui.core.operations.context import Context

_LIGHT_BACKGROUNDS = {"7", "15"}
"""The colours a terminal names in COLORFGBG when its background is white."""
_STOP_SIGNALS = (signal.SIGTSTP, signal.SIGCONT)
"""Textual takes them for itself, and would draw again after the end."""
_MOMENT = 0.03
"""Seconds that the first paint may wait for the list: two frames."""


def can_draw(environ: Mapping[str, str]) -> bool:
    """Whether there is a keyboard, and a screen behind stderr, which is where Textual draws."""
    if environ.get("TEXTUAL_DRIVER"):  # served in a browser: no terminal, but a screen
        return True
    return environ.get("TERM", "dumb") != "dumb" and sys.stdin.isatty() and sys.stderr.isatty()


def default_theme(environ: Mapping[str, str]) -> str:
    """The theme that is readable in this terminal.

    Without truecolor, which is what a plain SSH session gets, and under NO_COLOR, the terminal's own palette
    is used: Textual's other themes lose their contrast there.
    """
    truecolor = environ.get("COLORTERM", "").lower() in {"truecolor", "24bit"}
    light = environ.get("COLORFGBG", "").rpartition(";")[2] in _LIGHT_BACKGROUNDS
    family = "textual" if truecolor and "NO_COLOR" not in environ else "ansi"
    return f"{family}-{'light' if light else 'dark'}"


def run_app(context: Context, *, sample: bool = False) -> int:
    """Open the page on one Kino, or the sample; return the exit code once it is closed."""
    os.environ.setdefault("TEXTUAL_THEME", default_theme(os.environ))
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")

    # Loading makes many objects and no garbage: collecting meanwhile costs a sixth of the time to the first
    # paint. What is loaded stays for good, so later collections need not look at it either.
    gc.disable()
    from kino_backup_tui.tui.backend import Backend
    from kino_backup_tui.tui.look_ahead import LookAhead

    _outlive_the_terminal()
    backend = Backend(context, sample=sample)
    ahead = LookAhead(backend)
    ahead.start()
    from kino_backup_tui.tui.app import KinoBackupApp

    gc.freeze()
    gc.enable()
    # Mostly it has ended long ago. Where it nearly has, waiting is quicker than drawing the page twice.
    ahead.join(_MOMENT)
    app = KinoBackupApp(backend, ahead)
    handlers = {number: signal.getsignal(number) for number in _STOP_SIGNALS}
    try:
        app.run(size=_assumed_size())
    finally:
        # Those that end the program stay with the closed page, which ignores them: the caller may still have
        # to clean up, and puts them back when it has.
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return app.return_code or 0


class LastingOutput:
    """A stream to a terminal on which nothing is written, and nothing fails, once the terminal is gone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text, or drop it; returns its length."""
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Write what is still to be written, or drop it."""
        with contextlib.suppress(OSError):
            self._stream.flush()


def _outlive_the_terminal() -> None:
    """Let the program end in good order after a dropped connection.

    The thread that draws for Textual would end at the first error, and the page then wait for ever until that
    has taken more from its queue (Textualize/textual#6692 has another way into the same wait). Python itself
    would end with 120 for what it cannot flush.
    """
    if sys.__stderr__ is not None:
        sys.stderr = sys.__stderr__ = LastingOutput(sys.__stderr__)  # type: ignore[assignment,misc]


def _assumed_size() -> tuple[int, int] | None:
    """The size to draw at where the terminal names none; None where it does, and may change it.

    Without a size, as on a serial console, Textual assumes two that differ and then draws for ever: once for
    the one, once for the other.
    """
    try:
        named = os.get_terminal_size(sys.stderr.fileno())
    except (OSError, ValueError):
        return None
    assumed = shutil.get_terminal_size()
    return None if named.columns and named.lines else (assumed.columns, assumed.lines)
