"""`python -m kino_backup_tui`, and the installed command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        from kino_backup_tui.cli.main import run
    except KeyboardInterrupt:
        # Ctrl-C while Python is still loading modules: nothing has been touched yet.
        sys.exit(130)
    sys.exit(run())


if __name__ == "__main__":
    main()
