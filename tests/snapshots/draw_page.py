"""Draw the page into the file that is named, in the theme the environment calls for."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from kino_backup_tui.tui.terminal import default_theme


async def drawn() -> str:
    """Open the page without a terminal, wait for the list, and return what it looks like."""
    from kino_backup_tui.tui.app import KinoBackupApp
    from tests.tui.prepared import PreparedBackend, household

    app = KinoBackupApp(PreparedBackend(household()))
    async with app.run_test(size=(80, 24)) as pilot:
        await app.workers.wait_for_complete()
        await pilot.pause()
        return app.export_screenshot(simplify=True)


if __name__ == "__main__":
    os.environ["TEXTUAL_THEME"] = default_theme(os.environ)
    os.environ["TEXTUAL_ANIMATIONS"] = "none"
    Path(sys.argv[1]).write_text(asyncio.run(drawn()), encoding="utf-8")
