"""Sizes in words, the same in messages, tables and forms."""

from __future__ import annotations


def size_text(size: int) -> str:
    """A number of bytes as Kino shows it: base 1024, one decimal up to MB, two from GB on."""
    if size < 1024:
        return f"{size} B"
    value = float(size)
    for unit in ("KB", "MB"):
        value /= 1024
        if round(value, 1) < 1024:
            return f"{value:.1f} {unit}"
    return f"{value / 1024:.2f} GB"
