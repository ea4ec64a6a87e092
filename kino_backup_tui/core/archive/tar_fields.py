"""The fields of a tar's headers (POSIX.1-2017, pax; GNU tar manual, "Basic Tar Format").

Each function raises `ArchiveDamagedError` for what no writer writes, and `ArchiveRefusedError` for what means
something else to another reader.
"""

from __future__ import annotations

from kino_backup_tui.core.errors import ArchiveDamagedError, ArchiveRefusedError


def text_field(data: bytes) -> str:
    """A name: what is in front of the first NUL."""
    return data.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def number_field(data: bytes) -> int:
    """A size: octal digits, or GNU's base 256 for files over 8 GiB."""
    if data[0] == 0x80:
        return int.from_bytes(data[1:], "big")
    digits = data.strip(b" \0")
    # int() alone would take signs and underscores too.
    if not digits.isdigit() or set(digits) & set(b"89"):
        raise ArchiveDamagedError("The archive has a header with a bad number.")
    return int(digits, 8)


def require_checksum(block: bytes) -> None:
    """The sum of a header's bytes, with blanks in the place of the sum."""
    expected = number_field(block[148:156])
    body = block[:148] + b" " * 8 + block[156:]
    # Some old writers summed signed bytes.
    if expected not in (sum(body), sum(byte - 256 if byte > 127 else byte for byte in body)):
        raise ArchiveDamagedError("The archive has a damaged header.")


def pax_records(data: bytes) -> dict[str, str]:
    """The records `{length} {key}={value}\\n` of a pax header."""
    records: dict[str, str] = {}
    position = 0
    while position < len(data):
        digits, space, _ = data[position : position + 8].partition(b" ")
        length = int(digits) if space and digits.isdigit() else 0
        record = data[position + len(digits) + 1 : position + length]
        key, equals, value = record.partition(b"=")
        if length <= len(digits) + 1 or not equals or not record.endswith(b"\n"):
            raise ArchiveDamagedError("The archive has a damaged pax header.")
        name = key.decode("utf-8", "surrogateescape")
        if name.startswith(("GNU.sparse", "SCHILY.real", "SCHILY.filetype")) or name == "linkpath":
            raise ArchiveRefusedError(f"The archive has a pax header {name!r}, which no backup needs.")
        if name in records:
            raise ArchiveRefusedError(f"The archive has a pax header with {name!r} twice.")
        records[name] = value[:-1].decode("utf-8", "surrogateescape")
        position += length
    return records


def pax_size(pax: dict[str, str], size: int) -> int:
    """The size of a member by its pax header, else by its own."""
    text = pax.get("size")
    if text is None:
        return size
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise ArchiveDamagedError("The archive has a pax header with a bad size.")
    return int(text)
