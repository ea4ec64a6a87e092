"""Run a long proof and print its figures: `python -m tests.proof [--list] NAME [options]`.

Ends with 1 if anything was found broken. Each proof has a short cut among the tests beside it.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Mapping, Sequence

from tests.proof.figures import Figures, Options, show

PROOFS: Mapping[str, tuple[str, str]] = {
    "crash": ("tests.proof.crash", "each operation is killed before each of its changes on disk"),
    "power-loss": ("tests.proof.power_loss", "power cuts at each effect on disk, from recorded system calls"),
    "power-cut": ("tests.proof.power_cut", "power cuts on images of real file systems, on one disk and two"),
    "errors": ("tests.proof.errors", "each system call that changes something fails, with each error"),
    "space": ("tests.proof.space", "each operation on disks with a few KiB more or less than it needs"),
    "fsyncs": ("tests.proof.fsyncs", "each sync of ours is left out in turn, and has to be missed"),
    "damage": ("tests.proof.damage", "archives damaged in every way are refused by name, or harmless"),
    "fuzz": ("tests.proof.fuzz", "a coverage-guided fuzzer on the reader of archives"),
    "performance": ("tests.proof.performance", "time and memory against the same work by hand, 1 MB to 2 GB"),
    "screens": ("tests.proof.screens", "bytes on the wire for each key and each screen, and the first paint"),
    "concurrency": ("tests.proof.concurrency", "writers, tools, timers, restores and kills, all at once"),
    "mutation": ("tests.proof.mutation", "what decides is altered line by line, and a test has to notice"),
    "nights": ("tests.proof.nights", "a thousand scheduled nights in simulated time, with random faults"),
}
"""Name, module with a function `run(options) -> Figures`, what it does in one sentence."""


def main(arguments: Sequence[str]) -> int:
    """Run the proofs that are named."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    parser.add_argument("name", nargs="*", choices=[*PROOFS, []], metavar="NAME")
    parser.add_argument("--list", action="store_true", help="list the proofs")
    parser.add_argument("--json", action="store_true", help="one JSON object a proof")
    parser.add_argument("--only", action="append", default=[], help="a case of the proof; may be repeated")
    parser.add_argument("--stride", type=int, default=1, help="every so many points")
    parser.add_argument("--seed", type=int, default=0, help="of what is chosen at random")
    given = parser.parse_args(arguments)
    if given.list or not given.name:
        for name, (_, sentence) in PROOFS.items():
            sys.stdout.write(f"{name:14} {sentence}\n")
        return 0
    broken = False
    for name in given.name:
        module = importlib.import_module(PROOFS[name][0])
        figures: Figures = module.run(Options(tuple(given.only), given.stride, given.seed))
        show(name, figures, as_json=given.json)
        broken = broken or bool(figures.broken)
    return int(broken)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
