"""What every operation needs: which Kino, and what time it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from kino_backup_tui.core.clock import Clock, SystemClock
from kino_backup_tui.core.kino.home import LAYOUTS, Kino, Layout


class Context(NamedTuple):
    """One Kino, one clock, one host."""

    kino: Kino
    clock: Clock = SystemClock()
    host: str = ""
    """Name of this host; empty to ask the operating system."""

    def of_layout(self, layout: Layout) -> Context:
        """The same for a Kino whose files are laid out so, as an archive or the journal of a restore says."""
        return self._replace(kino=self.kino._replace(layout=layout))

    def laid_out(self, name: str) -> Context:
        """The same by the name of a layout."""
        return self.of_layout(LAYOUTS[name])


def open_context(
    data_path: Path | None, layout: str | None, environ: Mapping[str, str], *, may_be_empty: bool = False
) -> Context:
    """Find the Kino to work on (see `find_kino`) and pair it with the system's clock."""
    from kino_backup_tui.core.kino.find import find_kino

    return Context(find_kino(data_path, layout, environ, may_be_empty=may_be_empty))
