"""`Prefer: wait`, with which a client says that it will wait for another operation (RFC 7240)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from starlette.requests import Request

APPLIED = "Preference-Applied"
LONGEST_WAIT = 3600
"""In seconds; who prefers longer is answered what was applied."""
_USUAL_WAIT = 600


class Wait(NamedTuple):
    """How long a request waits for another operation."""

    seconds: int
    applied: str
    """What the answer says of it."""


def apply_preference(request: Request, wait: Wait) -> None:
    """Note that a request waits as it prefers, so that its response can say so."""
    request.state.preference_applied = wait.applied


def preference_headers(request: Request) -> dict[str, str]:
    """What the response to a request says of its preference; nothing if none was applied."""
    applied = getattr(request.state, "preference_applied", None)
    return {} if applied is None else {APPLIED: applied}


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
