"""`python -m kino_backup_tui`, and the installed command."""

from __future__ import annotations

import gc
import sys

_OBJECTS_BETWEEN_COLLECTIONS = 50_000


def main() -> None:
    """Run the command line and leave with its exit code."""
    # Loading modules makes many objects and hardly any garbage: by default a tenth of the time that a listing
    # takes would go into looking for it, here and once more when the process ends.
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    try:
        from kino_backup_tui.cli.main import run
        from kino_backup_tui.cli.signals import end_on_signals

        code = run()
    except KeyboardInterrupt:
        # Ctrl-C while Python is still loading modules: nothing has been touched yet.
        sys.exit(130)
    # Python's own end takes a while, in which Ctrl-C would print a traceback and change the exit code.
    end_on_signals(code)
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    main()
