"""What was changed so that nothing starts Kino during a restore, and how it was before.

It is written before the change and forgotten after it was undone, so that a crash or a reboot between the
two leaves it to be found.
"""

from __future__ import annotations

from kino_backup_tui.core.files import storage_errors, sync_folder
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.workspace import read_json, workspace_of, write_json

FILE = "held.json"


def remembered(kino: Kino, what: str) -> str | None:
    """How the thing `what` (an id) was before we changed it; None if we have not changed it."""
    document = read_json(workspace_of(kino).folder / FILE)
    before = document.get("before")
    return before if document.get("what") == what and isinstance(before, str) else None


def is_holding(kino: Kino) -> bool:
    """Whether anything at all is remembered as changed."""
    return bool(read_json(workspace_of(kino).folder / FILE))


def remember(kino: Kino, what: str, before: str) -> None:
    """Write it down durably, in place of anything else; raises what `storage_error` makes of a failure."""
    workspace = workspace_of(kino)
    workspace.ensure()
    path = workspace.folder / FILE
    with storage_errors(path, "write"):
        write_json(path, {"what": what, "before": before}, workspace.owner)


def forget(kino: Kino) -> None:
    """Nothing is changed any more; raises what `storage_error` makes of a failure."""
    path = workspace_of(kino).folder / FILE
    with storage_errors(path, "remove"):
        try:
            path.unlink()
        except (FileNotFoundError, NotADirectoryError):
            return
        sync_folder(path.parent)
