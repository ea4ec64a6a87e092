"""`Prefer: wait`, with which a client says that it will wait for another operation (RFC 7240)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

HEADER = "Prefer"
APPLIED = "Preference-Applied"
LONGEST_WAIT = 3600
"""In seconds; who prefers longer is answered what was applied."""
_USUAL_WAIT = 600


class Wait(NamedTuple):
    """How long a request waits for another operation."""

    seconds: int
    applied: str
    """What the answer says of it."""


def preferred_wait(headers: Sequence[str]) -> Wait | None:
    """The first `wait` among the values of all Prefer headers; None without one that makes sense.

    `wait` alone waits as long as the command line does. What is not understood is ignored, as the RFC asks.
    """
    for preference in ",".join(headers).split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() != "wait":
            continue
        digits = value.strip().strip('"')
        if not digits:
            return Wait(_USUAL_WAIT, "wait")
        if not (digits.isascii() and digits.isdigit()):
            return None
        seconds = min(int(digits), LONGEST_WAIT) if len(digits) < 9 else LONGEST_WAIT
        return Wait(seconds, f"wait={seconds}")
    return None
