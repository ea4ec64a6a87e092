"""The first look at the backups, begun while Textual is still being loaded.

Loading Textual is most of the time to the first paint, and this needs nothing of it. So the page can be drawn
with its list at once, instead of empty, and a frame later again.
"""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from kino_backup_tui.core.operations.listing import Listing
    from kino_backup_tui.tui.backend import Backend


class Look(NamedTuple):
    """What the list of backups is drawn from."""

    listing: Listing
    way_back: str
    """File name of the pre-restore backup of the last restore."""


def look_at(backend: Backend) -> Look:
    """Look at the disk now, which may take long; raises what `list_backups` raises."""
    return Look(backend.listing(), backend.way_back())


class LookAhead(Thread):
    """A look that goes on beside everything else, once it is started."""

    def __init__(self, backend: Backend) -> None:
        # A daemon: a disk that does not answer must not hold up the end of the program.
        super().__init__(name="look-ahead", daemon=True)
        self._backend = backend
        self._found: Look | None = None

    @property
    def found(self) -> Look | None:
        """What it has found; None while it looks, and if it failed: the page then looks for itself."""
        return self._found

    def run(self) -> None:
        """Look."""
        try:
            self._found = look_at(self._backend)
        except Exception:
            # Whatever it was: the page looks for itself then, and says it where there is a place for it.
            return
