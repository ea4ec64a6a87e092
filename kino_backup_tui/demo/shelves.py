"""The household: four people, and what stands on their shelves."""

from __future__ import annotations

import json
from datetime import timedelta
from random import Random

from kino_backup_tui.demo import words
from kino_backup_tui.demo.story import Story, stamp

FILMS = 312
SERIES = 14
PEOPLE = {"Marta": "owner", "Jonas": "member", "Zoë": "member", "Kids": "child"}
_PROFILES = {"Any": ["480p", "720p", "1080p"], "HD": ["720p", "1080p"], "Ultra HD": ["1080p", "2160p"]}
_TAGS = ("Family night", "[4K]", "Weihnachten", "to rewatch")
_SETTINGS = {"setup.finished": "true", "ui.theme": '"dusk"', "library.rename": "true", "cast.volume": "0.8"}


def furnish(story: Story) -> None:
    """Add people, settings and an empty library, all from the beginning."""
    began = stamp(story.begin)
    for name, role in PEOPLE.items():
        pin = None if role == "child" else f"sample${story.rng.randbytes(16).hex()}"
        story.add("user_account", began, name, role, pin)
    for key, value in _SETTINGS.items():
        story.add("app_setting", began, key, value)
    for name, wanted in _PROFILES.items():
        story.add("quality_profile", began, name, json.dumps(wanted))
    for priority, name in enumerate(("Attic", "Cellar", "Pantry"), 1):
        story.add("indexer", began, name, f"https://{name.lower()}.example/api", 10 * priority, True)
    for name in _TAGS:
        story.add("tag", began, name)


def collect(story: Story) -> None:
    """Add films and series: most when Kino was set up, the others since."""
    _add_films(story)
    _add_series(story)
    story.order("media_file")


def _add_films(story: Story) -> None:
    rng = story.rng
    imported = FILMS * 3 // 4
    added = [stamp(story.begin + timedelta(seconds=7 * number)) for number in range(1, imported + 1)]
    added += story.instants(FILMS - imported, story.begin + timedelta(days=1))
    for at, title in zip(added, words.film_titles(rng, FILMS), strict=True):
        year, minutes = rng.randint(1921, story.end.year), rng.randint(71, 178)
        film = story.add(
            "film",
            at,
            title,
            words.sort_title(title),
            year,
            minutes,
            words.overview(rng, rng.randint(1, 4)),
            json.dumps(sorted(rng.sample(words.GENRES, rng.randint(1, 3)))),
            rng.randbytes(rng.randint(1200, 2200)),
            rng.random() < 0.2,
            rng.randint(1, len(_PROFILES)),
        )
        _add_media_file(story, at, f"Films/{title} ({year})/{title} ({year})", minutes, film=film)
        if rng.random() < 0.3:
            story.add("film_tag", at, film, rng.randint(1, len(_TAGS)))


def _add_series(story: Story) -> None:
    rng = story.rng
    for at in story.instants(SERIES, story.begin):
        title, year, minutes = words.title(rng), rng.randint(1978, story.end.year), rng.choice((24, 42, 55))
        overview, running = words.overview(rng, 3), rng.random() < 0.4
        series = story.add("series", at, title, words.sort_title(title), year, overview, running, 2)
        for number in range(1, rng.randint(2, 7)):
            season = story.add("season", at, series, number)
            folder = f"Series/{title} ({year})/S{number:02}"
            _add_episodes(story, at, folder, season, minutes)


def _add_episodes(story: Story, at: str, folder: str, season: int, minutes: int) -> None:
    rng = story.rng
    for number in range(1, rng.randint(7, 14)):
        title = words.title(rng)
        episode = story.add("episode", at, season, number, title, words.overview(rng, 1), minutes)
        _add_media_file(story, at, f"{folder}E{number:02} {title}", minutes, episode=episode)
        intro = rng.randint(2_000, 240_000)
        story.add("marker", at, episode, "intro", intro, intro + rng.randint(20_000, 95_000))


def _add_media_file(
    story: Story, at: str, name: str, minutes: int, *, film: int | None = None, episode: int | None = None
) -> None:
    height = story.rng.choice((480, 720, 1080, 2160))
    bit_rate = story.rng.randint(900_000, 4_000_000) * height // 480
    probe = {
        "format": "matroska",
        "duration_ms": minutes * 60_000 + story.rng.randrange(60_000),
        "streams": _streams(story.rng, height, bit_rate),
    }
    path = f"/mnt/media/{name}.mkv"
    story.add("media_file", at, film, episode, path, minutes * 60 * bit_rate // 8, json.dumps(probe))


def _streams(rng: Random, height: int, bit_rate: int) -> list[dict[str, object]]:
    codec = rng.choice(("h264", "hevc", "av1"))
    streams: list[dict[str, object]] = [{"type": "video", "codec": codec, "height": height, "rate": bit_rate}]
    for language in rng.sample(("eng", "deu", "fra", "pol", "jpn"), rng.randint(1, 3)):
        channels, forced = rng.choice((2, 6)), rng.random() < 0.1
        streams.append({"type": "audio", "codec": "aac", "language": language, "channels": channels})
        streams.append({"type": "subtitle", "codec": "subrip", "language": language, "forced": forced})
    return streams
