"""What goes over the wire: bytes for each key and each screen, in truecolor and over plain SSH.

On a real pseudo-terminal of 80x24, the page on the sample's data path. Plain is TERM=xterm-256color with
NO_COLOR. The first paint is compared with that of a trivial Textual app; a page that nobody touches sends one
status line a minute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.benchmarks.terminal import PLAIN, TRUECOLOR, on_screen, paint_pairs, sample_page, until_drawn
from tests.proof.figures import Figures, Options

_ESC = b"\x1b"
STEPS: Mapping[str, bytes] = {
    "down": b"\x1b[B",
    "up": b"\x1b[A",
    "page down": b"\x1b[6~",
    "first": b"\x1b[H",
    "details": b"\r",
    "back from details": _ESC,
    "restore": b"r",
    "next button": b"\x1b[C",
    "back from restore": _ESC,
    "from file": b"f",
    "letter of a path": b"/",
    "back from file": _ESC,
    "schedule": b"s",
    "next field": b"\t",
    "back from schedule": _ESC,
    "help": b"?",
    "back from help": _ESC,
    "delete": b"d",
    "back from delete": _ESC,
    "export": b"e",
    "back from export": _ESC,
    "import": b"i",
    "back from import": _ESC,
    "filter": b"/",
    "letter of a filter": b"m",
    "back from filter": _ESC,
    "sort": b"o",
    "palette": b"\x10",
    "letter in the palette": b"v",
    "back from palette": _ESC,
    "verify": b"v",
}
"""Names of keys and the screens they open, in the order in which they are pressed on one page."""
IDLE_SECONDS = 65.0
_QUIET_SECONDS = 2.0
_ROUNDS = 9


def run(options: Options) -> Figures:
    """Press each key, wait for a minute, and start it some times."""
    return measure(options, tuple(STEPS), IDLE_SECONDS, _ROUNDS)


def measure(options: Options, steps: Sequence[str], idle_seconds: float, rounds: int) -> Figures:
    """The same with some of the keys, a shorter wait and fewer starts."""
    figures = Figures()
    with sample_page() as command:
        if options.wants("first paint"):
            trivial, ours = paint_pairs(command, rounds)
            figures.notes.append(
                f"first paint: {ours * 1000:.0f} ms, {ours / trivial:.2f} times that of a trivial Textual app"
                f" ({trivial * 1000:.0f} ms), best of {rounds}"
            )
        plain, coloured = (_bytes(command, colours, steps, idle_seconds) for colours in (PLAIN, TRUECOLOR))
    for case, count in plain.items():
        if options.wants(case):
            figures.add(case=case, plain=count, truecolor=coloured[case])
    return figures


def _bytes(
    command: Sequence[str], colours: Mapping[str, str], steps: Sequence[str], idle_seconds: float
) -> dict[str, int]:
    with on_screen(command, colours) as screen:
        counts = {"whole page": until_drawn(screen)}
        counts[f"idle for {idle_seconds:.0f} s"] = len(screen.read_for(idle_seconds))
        for name in steps:
            screen.press(STEPS[name])
            counts[name] = len(screen.read(_QUIET_SECONDS))
    return counts
