"""What a disk may hold after a power cut: what POSIX promises, and no more.

A sync of a file makes its bytes durable, one of a folder its entries; a rename is one change, as on every
file system with a journal. All else may or may not have reached the disk. Of that, these are tried:

- `strict`: nothing.
- `torn`: nothing, and a rename is two changes, one in each folder: file systems without a journal.
- `ordered`: entries as they were at the last sync of anything, no bytes: ext4, whose journal is one.
- `empty`: all entries, no bytes: a file that was not synced is empty (ext4 with delayed allocation).
- `zeros`: all entries and sizes, and zeros for bytes (xfs, and ext4 with `data=writeback`).
- `all`: everything, which is what a killed process leaves.
- `random`: each entry, and each piece of bytes, by chance.
"""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.proof.effects import ROOT, Cut, Effect, Named, Node, Recording, Synced, Written

POLICIES = ("strict", "torn", "ordered", "empty", "zeros", "all")
_SECTOR = 512
_BEGAN_NS = 1_000_000_000


class Tree:
    """One such state, reachable from `ROOT`."""

    def __init__(self, nodes: Sequence[Node], entries: dict[int, dict[str, int]], contents: dict[int, bytes]):
        self._nodes = nodes
        self._entries = entries
        self._contents = contents

    def digest(self) -> bytes:
        """The same for the same names and bytes."""
        return self._digest(ROOT)

    def write(self, folder: Path) -> dict[int, Path]:
        """Write it to an empty folder; returns where each inode of the recording is now."""
        places: dict[int, Path] = {}
        self._write(ROOT, folder, places)
        return {
            self._nodes[number].inode: path for number, path in places.items() if self._nodes[number].inode
        }

    def _digest(self, number: int) -> bytes:
        node = self._nodes[number]
        if not node.folder:
            return hashlib.sha256(b"file " + node.link.encode() + self._contents[number]).digest()
        names = sorted(self._entries[number].items())
        parts = [os.fsencode(name) + b"\0" + self._digest(below) for name, below in names]
        return hashlib.sha256(b"folder " + b"\0".join(parts)).digest()

    def _write(self, number: int, path: Path, places: dict[int, Path]) -> None:
        node = self._nodes[number]
        if number in places and not node.folder:
            path.hardlink_to(places[number])
            return
        places[number] = path
        if node.link:
            path.symlink_to(node.link)
            return
        if node.folder:
            path.mkdir(exist_ok=True)
            for name, below in self._entries[number].items():
                self._write(below, path / name, places)
        else:
            path.write_bytes(self._contents[number])
        path.chmod(node.mode)
        # Of what was made on the way, the later is the newer.
        when = node.mtime_ns or _BEGAN_NS + number
        os.utime(path, ns=(when, when))


class Disk:
    """A recording up to some point, for each policy."""

    def __init__(self, recording: Recording, left_out: str | None = None) -> None:
        """With the syncs that one line asks for left out."""
        self._nodes = recording.nodes
        self._effects = [
            effect
            for effect in recording.effects
            if left_out is None or not isinstance(effect, Synced) or effect.site != left_out
        ]

    def __len__(self) -> int:
        return len(self._effects)

    def state(self, point: int, policy: str, seed: int = 0) -> Tree:
        """What may be there if the power goes before the effect of that number."""
        done = self._effects[:point]
        chance = random.Random(f"{seed} {point}")  # noqa: S311 - no secret
        entries = self._entries(done, policy, chance)
        contents = self._contents(done, policy, chance)
        return Tree(self._nodes, entries, contents)

    def _entries(
        self, done: Sequence[Effect], policy: str, chance: random.Random
    ) -> dict[int, dict[str, int]]:
        synced: dict[int, int] = {}
        for number, effect in enumerate(done):
            if isinstance(effect, Synced):
                synced[effect.node] = number
        last = max(synced.values(), default=-1)
        survives: Callable[[int], bool] = {
            "strict": lambda _number: False,
            "torn": lambda _number: False,
            "ordered": lambda number: number < last,
            "random": lambda _number: chance.random() < 0.5,
        }.get(policy, lambda _number: True)
        entries = {number: dict(node.entries) for number, node in enumerate(self._nodes) if node.folder}
        for number, effect in enumerate(done):
            if not isinstance(effect, Named):
                continue
            durable = [synced.get(folder, -1) > number for folder, _, _ in effect.changes]
            whole = survives(number) or (any(durable) and policy != "torn")
            for (folder, name, node), alone in zip(effect.changes, durable, strict=True):
                if not (whole or alone):
                    continue
                if node is None:
                    entries[folder].pop(name, None)
                else:
                    entries[folder][name] = node
        return entries

    def _contents(self, done: Sequence[Effect], policy: str, chance: random.Random) -> dict[int, bytes]:
        synced = {effect.node: number for number, effect in enumerate(done) if isinstance(effect, Synced)}
        contents = {number: bytearray(node.content) for number, node in enumerate(self._nodes)}
        for number, effect in enumerate(done):
            if not isinstance(effect, (Written, Cut)):
                continue
            content = contents[effect.node]
            durable = policy == "all" or synced.get(effect.node, -1) > number
            if isinstance(effect, Cut):
                if durable or policy == "zeros" or (policy == "random" and chance.random() < 0.5):
                    _resize(content, effect.size)
            elif durable:
                _put(content, effect.offset, effect.data)
            elif policy == "zeros":
                _put(content, effect.offset, bytes(len(effect.data)))
            elif policy == "random":
                for start in range(0, len(effect.data), _SECTOR):
                    piece = effect.data[start : start + _SECTOR]
                    fate = chance.choice(("written", "zeros", "lost"))
                    if fate != "lost":
                        _put(
                            content, effect.offset + start, piece if fate == "written" else bytes(len(piece))
                        )
        return {number: bytes(content) for number, content in contents.items()}


def _resize(content: bytearray, size: int) -> None:
    del content[size:]
    content.extend(bytes(size - len(content)))


def _put(content: bytearray, offset: int, data: bytes) -> None:
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data
