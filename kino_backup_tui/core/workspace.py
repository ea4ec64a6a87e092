"""The working folder `.kino-backup` in the data path: lock, journals, scratch space, caches.

Nothing in it is needed to find or prove a backup; it can be deleted at any time.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kino_backup_tui.core.errors import KinoBackupError, NotPermittedError
from kino_backup_tui.core.files import (
    Owner,
    is_read_only,
    make_private_folder,
    replace_file,
    storage_errors,
    user_name,
)
from kino_backup_tui.core.kino.home import WORKING_FOLDER, Kino

_SCRATCH_NAME = re.compile("[0-9a-f]{16}")


class Workspace(NamedTuple):
    """Where the program keeps what it needs besides the backups themselves."""

    folder: Path
    kino: Kino
    owner: Owner
    fallback: bool
    """The data path cannot be written: the folder is the user's own, the lock is the data path itself."""

    @property
    def data_path(self) -> Path:
        """Where that Kino keeps its files."""
        return self.kino.data_path

    @property
    def lock_path(self) -> Path:
        """What is locked while an operation changes something; never unlinked."""
        return self.data_path if self.fallback else self.folder / "lock"

    @property
    def holder_path(self) -> Path:
        """What says who holds the lock; the lock file itself, where there is one."""
        return self.folder / "lock"

    @property
    def jobs(self) -> Path:
        """Folder of the job journals."""
        return self.folder / "jobs"

    @property
    def scratch(self) -> Path:
        """Folder for copies that exist only during an operation."""
        return self.folder / "scratch"

    @property
    def catalog_file(self) -> Path:
        """Cache of what has been read of each archive."""
        return self.folder / "catalog.json"

    @property
    def state_file(self) -> Path:
        """Known locations and the last good settings."""
        return self.folder / "state.json"

    def ensure(self) -> None:
        """Create the folder; raises `LocationError`, `NotPermittedError` or `NoSpaceError`."""
        with storage_errors(self.folder, "create the working folder"):
            if self.fallback:
                self.folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Most often another sync of the data path follows; with a location elsewhere none does.
            make_private_folder(self.folder, self.owner, durable=True)

    def closed_problem(self) -> NotPermittedError | None:
        """Why this user cannot know what was done here, such as half a restore; None if that can be known."""
        kept = self.data_path / WORKING_FOLDER
        if not self.fallback or not os.path.isdir(kept) or os.access(kept, os.R_OK | os.X_OK):  # noqa: PTH112 - a Path may raise
            return None
        return NotPermittedError(
            f"What was done here is in {kept}, which cannot be read by {user_name()}.",
            hint="Run as root or as Kino's own user.",
        )

    def require_open(self) -> None:
        """Raise that `NotPermittedError`, where the answer would be that there was nothing."""
        if problem := self.closed_problem():
            raise problem

    def unwritable_problem(self) -> NotPermittedError | None:
        """Why this user can replace nothing in the data path; None if nothing is known against it."""
        if not self.fallback:
            return None
        with contextlib.suppress(OSError):  # it cannot even be looked at
            if is_read_only(self.data_path):
                return NotPermittedError(
                    f"{self.data_path} is on a file system that is mounted read-only.",
                    hint="Remount it read-write, then retry. The kernel makes a failing disk read-only: "
                    "its log says why.",
                )
        return NotPermittedError(
            f"{self.data_path} cannot be written by {user_name()}.",
            hint="Run as root or as Kino's own user.",
        )

    def require_writable(self) -> None:
        """Raise that `NotPermittedError`, where something is about to be replaced."""
        if problem := self.unwritable_problem():
            raise problem

    def instance(self) -> str | None:
        """The random id of this installation; None if it has never made a backup, or the id is lost."""
        for path in self.readable("instance"):
            with contextlib.suppress(OSError, UnicodeDecodeError):
                if text := path.read_text("ascii").strip():
                    return text
        return None

    def ensure_instance(self) -> str:
        """The id of this installation, made now if there is none.

        Raises `LocationError`, `NotPermittedError` or `NoSpaceError`, also if there is one that cannot be
        read: with another one, all earlier backups would be those of another installation.
        """
        instance = self.instance()
        if instance is None:
            instance = os.urandom(16).hex()
            path = self.folder / "instance"
            with storage_errors(path, "read"), contextlib.suppress(FileNotFoundError):
                path.read_bytes()
            with storage_errors(path, "write"):
                replace_file(path, f"{instance}\n".encode(), self.owner)
        return instance

    def read_state(self) -> dict[str, Any]:
        """state.json; empty if it is missing or unreadable, for nothing in it is irreplaceable."""
        return self.read(self.state_file.name)

    def read(self, name: str) -> dict[str, Any]:
        """A JSON object of the folder; as a fallback, what the data path had before it became read-only."""
        documents = (read_json(path) for path in self.readable(name))
        return next((document for document in documents if document), {})

    def readable(self, name: str) -> tuple[Path, ...]:
        """Where a file of the folder may be: as a fallback, also where it was before."""
        folders = (self.folder, self.data_path / WORKING_FOLDER) if self.fallback else (self.folder,)
        return tuple(folder / name for folder in folders)

    def update_state(self, **changes: Any) -> None:
        """Change keys of state.json; raises `LocationError`, `NotPermittedError` or `NoSpaceError`."""
        self.ensure()
        # Durable for the sake of former locations, which nothing else remembers. The last slot is told by the
        # archives as well, and the last good location is needed only once config.toml is broken.
        with storage_errors(self.state_file, "write"):
            write_json(self.state_file, {**self.read_state(), **changes}, self.owner)

    @contextlib.contextmanager
    def scratch_folder(self) -> Iterator[Path]:
        """A private folder that is gone afterwards, however the block ends."""
        self.ensure()
        import shutil  # only an operation that writes needs it

        with contextlib.ExitStack() as stack:
            with storage_errors(self.scratch, "create a working copy in"):
                make_private_folder(self.scratch, self.owner)
                folder = self.scratch / os.urandom(8).hex()
                with locked_folder(self.scratch, fcntl.LOCK_SH):
                    stack.callback(shutil.rmtree, folder, ignore_errors=True)
                    make_private_folder(folder, self.owner)
                    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
                    stack.callback(os.close, descriptor)
                    # Held as long as the folder is in use; `sweep_scratch` removes those nobody holds.
                    fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield folder

    def sweep_scratch(self) -> None:
        """Remove what processes that were killed have left in the scratch folder."""
        import shutil

        # Not through a link, and not while somebody makes a folder that is not locked yet.
        with contextlib.suppress(OSError), locked_folder(self.scratch, fcntl.LOCK_EX | fcntl.LOCK_NB):
            for folder in list(self.scratch.iterdir()):
                if _SCRATCH_NAME.fullmatch(folder.name) and is_abandoned(folder):
                    shutil.rmtree(folder, ignore_errors=True)


def workspace_of(kino: Kino) -> Workspace:
    """The working folder of a Kino; created only when something has to be written."""
    folder = kino.data_path / WORKING_FOLDER
    there = os.path.isdir(folder)  # noqa: PTH112 - a Path may raise
    if os.access(folder if there else kino.data_path, os.W_OK | os.X_OK):
        return Workspace(folder, kino, kino.owner, fallback=False)
    state = os.environ.get("XDG_STATE_HOME") or Path("~/.local/state").expanduser()
    name = hashlib.sha256(os.fsencode(kino.data_path)).hexdigest()[:16]
    folder = Path(state) / "kino-backup-tui" / name
    return Workspace(folder, kino, Owner(os.geteuid(), os.getegid()), fallback=True)


@contextlib.contextmanager
def locked_folder(folder: Path, how: int) -> Iterator[None]:
    """Hold a lock on a folder; raises `OSError` for a link, and if `how` does not wait."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def is_abandoned(path: Path) -> bool:
    """Whether nobody holds a lock on a file or folder that its writer keeps locked."""
    try:
        # NFS grants an exclusive lock only on what is open for writing, see flock(2).
        flags = os.O_RDONLY if path.is_dir() else os.O_RDWR
        descriptor = os.open(path, flags | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file; empty if there is none."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def write_json(path: Path, document: Mapping[str, Any], owner: Owner, *, durable: bool = True) -> None:
    """Replace a file by a JSON object, see `replace_file`; raises `OSError`."""
    replace_file(path, json.dumps(document, separators=(",", ":")).encode(), owner, durable=durable)


@contextlib.contextmanager
def best_effort() -> Iterator[None]:
    """For caches and journals: failing to write one must not fail the operation."""
    with contextlib.suppress(OSError, KinoBackupError):
        yield
