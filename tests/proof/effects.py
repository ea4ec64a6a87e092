"""What a recorded operation did to a folder: names, bytes and syncs, free of paths and descriptors.

A file that is there from the beginning, or was made on the way, is a number; a name is an entry of a folder.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.proof.syscalls import Call, data, descriptor_path, text

ROOT = 0
SITE = b"kino-proof-site "
"""How a marker in the record begins: who asks for the sync that follows."""
_NEVER_SEEN = {"copy_file_range": 2, "sendfile": 0, "fallocate": 0, "pwritev": 0, "sync_file_range": 0}
"""Calls that nothing here makes on a file of Kino's, and which of their arguments is the one they change."""
_CREATES = re.compile(r"O_CREAT")


@dataclass
class Node:
    """A file or folder at the beginning, or as it was made: empty."""

    folder: bool
    mode: int
    content: bytes = b""
    link: str = ""
    entries: dict[str, int] = field(default_factory=dict)
    inode: int = 0
    """Its number on the file system where it was recorded."""
    mtime_ns: int = 0


class Named(NamedTuple):
    """Entries that change at once; None for one that goes."""

    changes: tuple[tuple[int, str, int | None], ...]


class Written(NamedTuple):
    """Bytes that were written to a file."""

    node: int
    offset: int
    data: bytes


class Cut(NamedTuple):
    """A file that got another size."""

    node: int
    size: int


class Synced(NamedTuple):
    """A file or folder that was synced."""

    node: int
    site: str


Effect = Named | Written | Cut | Synced


@dataclass
class Recording:
    """A folder at the beginning, and all that happened to it."""

    nodes: list[Node]
    effects: list[Effect]


def scan(folder: Path) -> list[Node]:
    """A folder and all below it; it is `ROOT` itself."""
    nodes = [_node_of(folder)]
    seen: dict[int, int] = {}
    todo = [(ROOT, folder)]
    while todo:
        number, path = todo.pop()
        for entry in sorted(path.iterdir()):
            inode = entry.lstat().st_ino
            if inode not in seen or entry.is_dir():
                seen[inode] = len(nodes)
                nodes.append(_node_of(entry))
            nodes[number].entries[entry.name] = seen[inode]
            if nodes[seen[inode]].folder:
                todo.append((seen[inode], entry))
    return nodes


def interpret(folder: Path, beginning: list[Node], calls: Sequence[Call]) -> Recording:
    """Turn the calls of an operation into effects; the folder is as they have left it."""
    reader = _Reader(folder, beginning)
    for call in calls:
        reader.take(call)
    for path, number in reader.live():
        beginning[number].inode = path.lstat().st_ino
    return Recording(beginning, reader.effects)


class _Reader:
    def __init__(self, folder: Path, nodes: list[Node]) -> None:
        self.effects: list[Effect] = []
        self._folder = folder
        self._nodes = nodes
        self._tree = {number: dict(node.entries) for number, node in enumerate(nodes) if node.folder}
        self._sizes = {number: len(node.content) for number, node in enumerate(nodes)}
        self._gone: dict[str, int] = {}
        self._positions: dict[tuple[int, int], int] = {}
        self._site = ""

    def live(self) -> Iterator[tuple[Path, int]]:
        """Every path there is now."""
        todo = [(self._folder, ROOT)]
        while todo:
            path, number = todo.pop()
            yield path, number
            todo += [(path / name, below) for name, below in self._tree.get(number, {}).items()]

    def take(self, call: Call) -> None:
        """Work one call in."""
        name, arguments, result = call.name, call.arguments, call.result
        if name == "write" and result < 0 and '"' in arguments[1]:
            marker = data(arguments[1])
            if marker.startswith(SITE):
                self._site = marker.removeprefix(SITE).decode()
            return
        if result < 0:
            return
        if name in ("open", "openat", "creat"):
            self._open(call)
        elif name in ("read", "write", "writev", "lseek"):
            self._move(call)
        elif name == "pwrite64":
            self._write(self._behind(arguments[0]), int(arguments[3]), data(arguments[1])[:result])
        elif name in ("ftruncate", "truncate"):
            target = arguments[0]
            self._cut(self._behind(target) if "<" in target else self._find(text(target)), int(arguments[1]))
        elif name in ("fsync", "fdatasync"):
            node = self._behind(arguments[0])
            if node is not None:
                self.effects.append(Synced(node, self._site))
            self._site = ""
        elif name in ("rename", "renameat", "renameat2", "link", "linkat"):
            pairs = self._paths(arguments)
            (self._rename if name.startswith("rename") else self._link)(*pairs[:2])
        elif name in ("unlink", "unlinkat", "rmdir"):
            self._set(self._paths(arguments)[0], None)
        elif name in ("mkdir", "mkdirat"):
            self._make(self._paths(arguments)[0], Node(True, int(arguments[-1], 8)))
        elif name in ("symlink", "symlinkat"):
            self._make(self._paths(arguments[1:])[0], Node(False, 0o777, link=text(arguments[0])))
        elif name == "fchmod":
            node = self._behind(arguments[0])
            if node is not None:
                self._nodes[node].mode = int(arguments[1], 8)
        elif name in _NEVER_SEEN and self._behind(arguments[_NEVER_SEEN[name]]) is not None:
            raise NotImplementedError(f"{name} in the record")

    def _open(self, call: Call) -> None:
        self._positions[call.pid, call.result] = 0
        path = self._paths(call.arguments)[0]
        if self._inside(path) is None:
            return
        flags = " ".join(call.arguments)
        node = self._find(path)
        if node is None and _CREATES.search(flags):
            self._make(path, Node(False, int(call.arguments[-1], 8)))
        elif node is not None and "O_TRUNC" in flags:
            self._cut(node, 0)

    def _move(self, call: Call) -> None:
        """A call that uses and moves the position of a descriptor."""
        node = self._behind(call.arguments[0])
        if node is None:
            return
        key = (call.pid, int(call.arguments[0].partition("<")[0]))
        position = self._positions.get(key, 0)
        if call.name == "lseek":
            self._positions[key] = call.result
            return
        self._positions[key] = position + call.result
        if call.name == "write":
            self._write(node, position, data(call.arguments[1])[: call.result])
        elif call.name == "writev":
            parts = [part for part in call.arguments if "iov_base" in part]
            self._write(node, position, b"".join(map(data, parts))[: call.result])

    def _write(self, node: int | None, offset: int, written: bytes) -> None:
        if node is not None:
            self.effects.append(Written(node, offset, written))
            self._sizes[node] = max(self._sizes[node], offset + len(written))

    def _cut(self, node: int | None, size: int) -> None:
        if node is not None and self._sizes[node] != size:
            self.effects.append(Cut(node, size))
            self._sizes[node] = size

    def _rename(self, source: str, target: str) -> None:
        changes = [(source, None), (target, self._find(source))]
        self._change([change for change in changes if self._inside(change[0]) is not None])

    def _link(self, source: str, target: str) -> None:
        self._set(target, self._find(source))

    def _set(self, path: str, node: int | None) -> None:
        if self._inside(path) is not None:
            self._change([(path, node)])

    def _change(self, changes: Sequence[tuple[str, int | None]]) -> None:
        found = []
        for path, node in changes:
            folder, name = self._parent(path)
            if node is None:
                gone = self._tree[folder].pop(name)
                self._gone[path] = gone
            else:
                self._tree[folder][name] = node
            found.append((folder, name, node))
        self.effects.append(Named(tuple(found)))

    def _make(self, path: str, node: Node) -> None:
        if self._inside(path) is None:
            return
        number = len(self._nodes)
        self._nodes.append(node)
        self._sizes[number] = 0
        if node.folder:
            self._tree[number] = {}
        self._set(path, number)

    def _paths(self, arguments: Sequence[str]) -> list[str]:
        """The paths among the arguments, each relative to the descriptor before it."""
        found = []
        base = ""
        for argument in arguments:
            if argument.startswith('"'):
                found.append(os.path.normpath(os.path.join(base, text(argument))))  # noqa: PTH118
            elif "<" in argument:
                base = descriptor_path(argument)
        return found

    def _behind(self, argument: str) -> int | None:
        path = descriptor_path(argument)
        if path.endswith("(deleted)"):
            return self._gone.get(path.removesuffix("(deleted)").rstrip())
        return self._find(path)

    def _inside(self, path: str) -> tuple[str, ...] | None:
        try:
            return Path(path).relative_to(self._folder).parts
        except ValueError:
            return None

    def _find(self, path: str) -> int | None:
        parts = self._inside(path)
        if parts is None:
            return None
        number = ROOT
        for part in parts:
            below = self._tree.get(number, {}).get(part)
            if below is None:
                return None
            number = below
        return number

    def _parent(self, path: str) -> tuple[int, str]:
        folder = self._find(str(Path(path).parent))
        if folder is None:
            raise ValueError(f"{path} is in no folder that is known")
        return folder, Path(path).name


def _node_of(path: Path) -> Node:
    status = path.lstat()
    content, link = b"", ""
    if stat.S_ISLNK(status.st_mode):
        link = str(path.readlink())
    elif stat.S_ISREG(status.st_mode):
        content = path.read_bytes()
    folder = stat.S_ISDIR(status.st_mode)
    mode = stat.S_IMODE(status.st_mode)
    return Node(folder, mode, content, link, {}, status.st_ino, status.st_mtime_ns)
