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
        film, release, took, count = (
            rng.choice(films),
            rng.choice(releases),
            rng.randint(3, 9000),
            rng.randint(0, 60),
        )
        level, target, message = rng.choice(
            (
                (3, "kino::search", f"asked 3 indexers for {film[2]!r}, {count} results in {took} ms"),
                (3, "kino::playback", f"session {rng.randbytes(8).hex()} moved to {took} s, direct play"),
                (4, "kino::scheduler", f"task refresh_metadata ended after {took} ms, {count} changes"),
                (4, "kino::library", f"scanned /mnt/media/Films in {took} ms, {film[1]} films, 0 new"),
                (2, "kino::scrobble", f"trakt answered 503, next attempt in {count + 30} s"),
                (3, "kino::download", f"piece check of {release[3]}, {count} pieces missing"),
            )
        )
        fields = json.dumps({"request": rng.randbytes(6).hex(), "took_ms": took, "film": film[1]})
        story.add("log_entry", at, level, target, message, fields)
