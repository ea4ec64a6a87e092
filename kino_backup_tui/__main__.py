"""`python -m kino_backup_tui`, and the installed command."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        from kino_backup_tui.cli.main import run
    except KeyboardInterrupt:
        # Ctrl-C while Python is still loading modules: nothing has been touched yet.
        sys.exit(130)
    code = run()
    # Python's last garbage collection would take a good part of a listing's time; the end of the process
    # frees all of it anyway.
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    main()
