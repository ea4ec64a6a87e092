"""Power cuts reconstructed from recorded calls: a short cut of `power-loss` and `fsyncs`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proof.disk import Disk
from tests.proof.effects import Effect, Node, Recording, Synced, Written, interpret, scan
from tests.proof.figures import Figures, Options
from tests.proof.fsyncs import try_each
from tests.proof.places import folder_in_memory
from tests.proof.power_loss import prepare, try_states
from tests.proof.scenes import ALL_SCENES, SCENES
from tests.proof.syscalls import has_strace, record

pytestmark = pytest.mark.skipif(not has_strace(), reason="needs strace, and the right to trace")

STRIDES = {
    "restore": 60,
    "restore (first)": 60,
    "rollback": 30,
    "apply (back)": 15,
    "apply (on)": 6,
    "move": 15,
    "run-due": 25,
    "create": 20,
    "create (first)": 20,
    "create, Kino 0.3": 25,
    "delete, Kino 0.3": 11,
    "schedule set, Kino 0.3": 15,
    "restore, Kino 0.3": 120,
}
"""Of the effects; each point has nine states."""


@pytest.fixture
def base() -> Iterator[Path]:
    """A folder where a sync costs nothing."""
    with folder_in_memory() as folder:
        yield folder


@pytest.mark.parametrize("name", [*SCENES, *(name for name in STRIDES if name not in SCENES)])
def test_a_power_cut_at_any_effect_loses_nothing_that_was_there_or_was_promised(
    name: str, base: Path
) -> None:
    """Whatever of the effects that were not synced has reached the disk."""
    figures = Figures()

    try_states(figures, prepare(base, ALL_SCENES[name]), Options(stride=STRIDES.get(name, 4)))

    assert figures.broken == []


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        (
            "create (first)",
            {
                "publish.sync",
                "publish.publish",
                "locations._mark",
                "locations.prepare_location",
                "making._manifest",
            },
        ),
        ("schedule set (away)", {"settings._replace", "locations.prepare_location", "locations._mark"}),
        ("delete", {"delete.remove_archive"}),
    ],
)
def test_a_sync_that_is_left_out_is_missed(name: str, needed: set[str], base: Path) -> None:
    """A proof that finds nothing wrong without them would say nothing of them."""
    found = try_each(base, SCENES[name], Options(stride=4))

    missed = {site.rpartition(" ")[2].partition(":")[0] for site, wrong in found.items() if wrong}
    assert missed == needed


def test_what_was_not_synced_may_be_lost_in_every_way(base: Path) -> None:
    """A file that is written, named anew and synced in part, as each kind of disk would keep it."""
    (base / "there").write_bytes(b"before")
    nodes = scan(base)

    def work() -> None:
        import os

        with (base / "new").open("wb") as stream:
            stream.write(b"bytes")
        with (base / "synced").open("wb") as stream:
            stream.write(b"durable")
            stream.flush()
            os.fsync(stream.fileno())
        (base / "there").rename(base / "moved")

    ending, calls = record(work)
    disk = Disk(interpret(base, nodes, calls))

    def kept(policy: str) -> dict[str, bytes]:
        with folder_in_memory() as folder:
            disk.state(len(disk), policy).write(folder)
            return {path.name: path.read_bytes() for path in folder.iterdir()}

    assert ending.well
    assert kept("strict") == {"there": b"before"}
    assert kept("empty") == {"new": b"", "synced": b"durable", "moved": b"before"}
    assert kept("zeros") == {"new": bytes(5), "synced": b"durable", "moved": b"before"}
    assert kept("all") == {"new": b"bytes", "synced": b"durable", "moved": b"before"}


def test_a_line_that_is_left_out_takes_only_its_own_syncs() -> None:
    """Another line that syncs the same file keeps doing so."""
    effects: list[Effect] = [
        Written(1, 0, b"a"),
        Synced(1, "first"),
        Written(1, 1, b"b"),
        Synced(1, "second"),
    ]
    nodes = [Node(True, 0o700, entries={"file": 1}), Node(False, 0o600)]

    for left_out, kept in ((None, b"ab"), ("first", b"ab"), ("second", b"a")):
        disk = Disk(Recording(nodes, effects), left_out)
        with folder_in_memory() as folder:
            disk.state(len(disk), "strict").write(folder)
            assert (folder / "file").read_bytes() == kept
