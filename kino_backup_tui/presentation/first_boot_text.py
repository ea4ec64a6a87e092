"""What Kino is expected to do at its first start on a restored database, as rows of a name and a text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from kino_backup_tui.core.sizes import size_text
from kino_backup_tui.presentation.text import printable

if TYPE_CHECKING:
    from kino_backup_tui.core.restore.first_boot import FirstBoot, Library, Removal

HEADING = "At its first start Kino 0.3 is expected to"
_NAMED = 3


def first_boot_rows(boot: FirstBoot) -> list[tuple[str, str]]:
    """Everything, what is lost first; a name is what Kino does, the text what with."""
    return [*losses(boot), *_others(boot)]


def losses(boot: FirstBoot) -> list[tuple[str, str]]:
    """What will be gone then."""
    rows = []
    if boot.torrents:
        what = _count(len(boot.torrents), "torrent")
        rows.append(("delete", f"{what} begun since then, with the files{_named(boot.torrents)}"))
    if boot.downloads:
        what = _count(len(boot.downloads), "finished download")
        rows.append(("delete", f"the files of {what}{_named(boot.downloads)}"))
    if boot.library and boot.library.forgets:
        rows.append(("forget", _forgotten(boot.library)))
    return rows


def _others(boot: FirstBoot) -> Iterator[tuple[str, str]]:
    if boot.torrents is None:
        yield "delete", "torrents begun since then: which, is not known, for its session cannot be read"
    if boot.broken_off:
        yield "give up", f"{_count(boot.broken_off, 'download')} that the backup has half done"
    library = boot.library
    if library is not None and library.missing and not library.forgets:
        yield "keep", "all media: there are too many of them for it to look for their files"
    elif library is not None and not library.missing:
        yield "find", f"all {_count(library.entries, 'file')} of its library"


def _forgotten(library: Library) -> str:
    media = _count(library.forgets, "entry", "entries")
    why = f"of {library.entries:,} in its library, whose files are not there, and want them again"
    return f"{media} {why}{_examples(library)}"


def _examples(library: Library) -> str:
    return _listed([printable(name.rpartition("/")[2]) for name in library.examples], library.missing)


def _named(removals: Sequence[Removal]) -> str:
    sizes = [removal.size_bytes for removal in removals if removal.size_bytes is not None]
    size = f" ({size_text(sum(sizes))})" if sizes else ""
    titles = [printable(removal.title) for removal in removals[:_NAMED]]
    return size + _listed(titles, len(removals))


def _listed(names: Sequence[str], of: int) -> str:
    if not names:
        return ""
    more = f" and {of - len(names):,} more" if of > len(names) else ""
    return f": {', '.join(names)}{more}"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
