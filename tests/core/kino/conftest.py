"""Being somebody without privileges, for tests of what such a user may not do."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest


@pytest.fixture
def nobody() -> Callable[[], AbstractContextManager[None]]:
    """A block in which the process has no privileges; without root it has none anyway."""

    @contextmanager
    def become() -> Iterator[None]:
        if os.geteuid() != 0:
            yield
            return
        os.setegid(65534)
        os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(0)
            os.setegid(0)

    return become


@pytest.fixture
def public_path() -> Iterator[Path]:
    """A temporary folder that every user can reach, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="kino-backup-tui-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def unprivileged_name() -> str:
    """The name of the user that the block of `nobody` runs as."""
    return pwd.getpwuid(os.geteuid() or 65534).pw_name
