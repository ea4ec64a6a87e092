"""Words of the core that mean another way out on a screen than on the command line."""

from __future__ import annotations

WITHOUT_SAFETY = "--no-safety-backup"
"""By this option a hint says that going without a safety backup is a way out; a screen offers a key."""
