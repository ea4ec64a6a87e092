"""What the household watches, and what Kino does meanwhile."""

from __future__ import annotations

import json
from datetime import timedelta

from kino_backup_tui.demo import words
from kino_backup_tui.demo.shelves import PEOPLE
from kino_backup_tui.demo.story import Story, stamp

WATCH_EVENTS = 1204
_LOG_ENTRIES = 9600
_RELEASES = 4000
_KEPT = timedelta(days=120)
"""How long Kino keeps log entries and the releases it has seen."""
_TRAKT_AWAY = timedelta(days=3)
_LOG_LINES = (
    (3, "kino::search", "asked 3 indexers for {title!r}, {count} results in {took} ms"),
    (3, "kino::playback", "session {request} moved to {took} s, direct play"),
    (4, "kino::scheduler", "task refresh_metadata ended after {took} ms, {count} changes"),
    (4, "kino::library", "scanned /mnt/media/Films in {took} ms, {count} folders changed"),
    (2, "kino::scrobble", "trakt answered 503, next attempt in {took} s"),
    (3, "kino::download", "piece check of {release}, {count} pieces missing"),
)
"""Level, module and text."""


def watch(story: Story) -> None:
    """Add the watch history, what was left half seen, and scrobbles that Trakt has not taken yet."""
    rng = story.rng
    waiting_since = stamp(story.end - _TRAKT_AWAY)
    files = story.rows("media_file")
    for at in story.instants(WATCH_EVENTS, story.begin + timedelta(days=2)):
        # People mostly watch what is new, and a few old favourites.
        chosen = files[int(story.count_until("media_file", at) * rng.random() ** 0.4)]
        user, media_file, completed = rng.randint(1, len(PEOPLE)), chosen[1], rng.random() < 0.8
        watched = rng.randint(1_200_000, 6_600_000) if completed else rng.randint(60_000, 1_200_000)
        story.add("watch_event", at, user, media_file, watched, completed)
        if not completed:
            story.add("watch_progress", at, user, media_file, watched)
        if at >= waiting_since:
            story.add("scrobble_queue", at, user, media_file, "stop", 96.5 if completed else 31.0, 7)


def search(story: Story) -> None:
    """Add the releases that indexers offered, and the downloads of some of them."""
    rng = story.rng
    films = story.rows("film")
    for at in story.instants(_RELEASES, story.end - _KEPT):
        _, _, title, _, year, *_ = rng.choice(films)
        quality = f"{rng.choice(('720p', '1080p', '2160p'))}.{rng.choice(('WEB', 'BluRay', 'HDTV'))}"
        codec, group = rng.choice(("x264", "x265", "AV1")), f"SAMPLE{rng.randint(1, 40)}"
        name = f"{words.slug(str(title))}.{year}.{quality}.{codec}-{group}"
        size, seeders = rng.randint(600_000_000, 24_000_000_000), int(rng.expovariate(0.05))
        info_hash, score = rng.randbytes(20).hex(), round(rng.uniform(-50, 250), 3)
        release = story.add("release", at, rng.randint(1, 3), name, info_hash, size, seeders, score)
        if release == _RELEASES:
            story.add("download", at, release, "running", size // 3)
        elif release % 50 == 0:
            story.add("download", at, release, "imported", size)


def log(story: Story) -> None:
    """Add what Kino wrote to its log, from level 2 (warning) to 4 (debug)."""
    rng = story.rng
    films, releases = story.rows("film"), story.rows("release")
    for at in story.instants(_LOG_ENTRIES, story.end - _KEPT):
        level, target, pattern = rng.choice(_LOG_LINES)
        film, took, request = rng.choice(films), rng.randint(3, 9000), rng.randbytes(8).hex()
        message = pattern.format(
            title=film[2],
            release=rng.choice(releases)[3],
            request=request,
            took=took,
            count=rng.randint(0, 60),
        )
        fields = json.dumps({"request": request[:12], "took_ms": took, "film": film[1]})
        story.add("log_entry", at, level, target, message, fields)
