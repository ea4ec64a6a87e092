"""Each sync of ours left out in turn: is it missed by the power cuts of `tests.proof.power_loss`?

A sync changes nothing but what a power cut may take away, so a record without it is the record of a program
without it; nothing has to be run again. For each line that asks for one, in each operation in which it does,
states are tried until one is broken that would not be with the sync.
"""

from __future__ import annotations

import itertools
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from tests.proof.disk import Disk
from tests.proof.effects import Synced
from tests.proof.figures import Figures, Options
from tests.proof.power_loss import Trial, prepare, states
from tests.proof.scenes import each_traced
from tests.proof.world import Scene

POLICIES = ("strict", "torn", "ordered", "empty", "zeros")
"""What needs no chance."""


def run(options: Options) -> Figures:
    """Every line that asks for a sync, in every scene."""
    figures = Figures()
    asked: dict[str, int] = defaultdict(int)
    missed: dict[str, list[str]] = defaultdict(list)
    for scene, base in each_traced(figures, options):
        for site, found in try_each(base, scene, options).items():
            asked[site] += 1
            if found:
                missed[site].append(f"{scene.name}: {found}")
        sys.stderr.write(f"{scene.name}: {len(asked)} lines, {len(missed)} of them missed\n")
    for site in sorted(asked):
        example = missed[site][0] if site in missed else ""
        figures.add(sync=site, operations=asked[site], missed_in=len(missed.get(site, ())), example=example)
    return figures


def try_each(base: Path, scene: Scene, options: Options) -> dict[str, str]:
    """For each line that asks for a sync in one operation, what is broken without it; empty if nothing is."""
    trial = prepare(base, scene)
    sites = {effect.site for effect in trial.recording.effects if isinstance(effect, Synced) and effect.site}
    return {site: missed(trial, site, options) for site in sorted(sites)}


def missed(trial: Trial, site: str, options: Options, policies: Sequence[str] = POLICIES) -> str:
    """What is broken without the syncs of one line."""
    disk = Disk(trial.recording, left_out=site)
    tried = itertools.chain.from_iterable(
        # One way of losing things after the other: most are missed by the first.
        states(disk, options, (policy,), chances=0)
        for policy in policies
    )
    for point, policy, tree in tried:
        if wrong := trial.verdict(tree, finished=point == len(disk)):
            return f"{wrong[0]} ({policy})"
    return ""
