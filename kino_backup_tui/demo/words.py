"""Titles and descriptions for the sample library, put together from the lists in `words.toml`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from random import Random

_WORDS: dict[str, list[str]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
GENRES = _WORDS["genres"]


def film_titles(rng: Random, count: int) -> list[str]:
    """Distinct titles; the unusual ones are among them."""
    titles = dict.fromkeys(_WORDS["unusual_titles"])
    while len(titles) < count:
        titles[title(rng)] = None
    shuffled = list(titles)
    rng.shuffle(shuffled)
    return shuffled


def title(rng: Random) -> str:
    """A title for a film or a series."""
    adjective, noun, other, name, place = (
        rng.choice(_WORDS[kind]) for kind in ("adjectives", "nouns", "nouns", "names", "places")
    )
    patterns = (
        f"The {adjective} {noun}",
        f"{adjective} {noun}",
        f"{name}'s {noun}",
        f"The {noun} of {place}",
        f"{noun} and {other}",
        f"A {noun} for {name}",
    )
    return rng.choice(patterns)


def overview(rng: Random, sentences: int) -> str:
    """A paragraph that could stand on the back of a box."""
    parts = []
    for _ in range(sentences):
        trade, name, place, event, turn = (
            rng.choice(_WORDS[kind]) for kind in ("trades", "names", "places", "events", "turns")
        )
        parts.append(f"In {place}, {trade} and {name}, {rng.randint(19, 81)}, {event}. {turn}")
    return " ".join(parts)


def sort_title(name: str) -> str:
    """The title as a shelf orders it: without a leading article, in lower case."""
    first, _, rest = name.partition(" ")
    return (rest if first in {"The", "A"} and rest else name).casefold()


def slug(name: str) -> str:
    """The title as release names write it: dots for spaces."""
    return ".".join(name.split())
