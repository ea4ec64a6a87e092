"""News of a running operation: lines of JSON, or one line of a terminal that rewrites itself."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator

from kino_backup_tui.cli.output import OutputError, display_width, write_json
from kino_backup_tui.core.progress import JobEvent, ProgressSink, ignore

_ERASE_LINE = "\r\x1b[K"


@contextlib.contextmanager
def progress_sink(*, as_json: bool, events: bool) -> Iterator[ProgressSink]:
    """Yield the sink for this run.

    With `as_json` and `events`, every event is a line of data. Without `as_json`, a terminal on standard
    error shows one line, and it is gone at the end of the block. The core's own pace, at most four readings
    a second, is slow enough for both.
    """
    if as_json:
        yield _write_event if events else ignore
    elif sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        try:
            yield _draw_line
        finally:
            _draw(_ERASE_LINE)
    else:
        yield ignore


def _write_event(event: JobEvent) -> None:
    from kino_backup_tui.presentation.objects import event_object

    # A reader that has gone ends the news, not the operation.
    with contextlib.suppress(OutputError):
        write_json(event_object(event))


def _draw_line(event: JobEvent) -> None:
    if event.event == "end":
        return
    from kino_backup_tui.core.sizes import size_text
    from kino_backup_tui.presentation.text import STAGE_NAMES, printable

    text = STAGE_NAMES[event.stage] if event.stage else "Starting"
    if event.total_bytes:
        percent = min(100, 100 * event.done_bytes // event.total_bytes)
        text += f"  {size_text(event.done_bytes)} of {size_text(event.total_bytes)}  {percent} %"
    elif event.done_bytes:
        text += f"  {size_text(event.done_bytes)}"
    if event.note:
        text += f"  {printable(event.note)}"
    columns = shutil.get_terminal_size().columns
    while display_width(text) >= columns:
        text = text[:-1]
    _draw(_ERASE_LINE + text)


def _draw(text: str) -> None:
    with contextlib.suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()
