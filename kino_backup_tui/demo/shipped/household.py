"""The sample household in the tables of Kino 0.3."""

from __future__ import annotations

STATEMENTS = {
    "film": "INSERT INTO movie (id, tmdb_id, title, year, overview, monitored, added_at)"
    " VALUES (:id, 1000 + :id, :title, :year, :overview, :monitored, :added_at)",
    "series": "INSERT INTO show (id, tmdb_id, title, year, overview, added_at)"
    " VALUES (:id, 1000 + :id, :title, :year, :overview, :added_at)",
    "season": "INSERT INTO season (id, show_id, number) VALUES (:id, :series_id, :number)",
    "episode": "INSERT INTO episode (id, season_id, number, title, overview, intro_analysis_at)"
    " VALUES (:id, :season_id, :number, :title, :overview, :added_at)",
    "media_file": "INSERT INTO media"
    " (id, movie_id, episode_id, file_path, size_bytes, trickplay_generated, added_at)"
    " SELECT :id, :film_id, :episode_id, replace(:path, '/mnt/media', media_library_path), :size_bytes, 1,"
    " :added_at FROM config",
    "watch_event": "INSERT INTO history (event_type, created_at) VALUES ('watched', :started_at)",
    "watch_progress": "INSERT OR REPLACE INTO playback_progress (media_id, position_ms, updated_at)"
    " VALUES (:media_file_id, :position_ms, :updated_at)",
    "indexer": "INSERT INTO indexer (id, name, api_key, settings_json)"
    " VALUES (:id, :name, 'sample-key-' || :id, json_object('url', :url))",
    "release": "INSERT INTO release (id, indexer_id, title, info_hash, size_bytes, seeders, seen_at)"
    " VALUES (:id, :indexer_id, :name, :info_hash, :size_bytes, :seeders, :seen_at)",
    "download": "INSERT INTO download (id, title, state, torrent_hash, output_path, added_at)"
    " SELECT :id, title, CASE :state WHEN 'running' THEN 'downloading' ELSE :state END, info_hash,"
    " download_path || '/' || title, :started_at FROM release, config WHERE release.id = :release_id",
    "log_entry": "INSERT INTO log_entry (id, ts_us, level, target, message)"
    " VALUES (:id, 1000000 * strftime('%s', :at), :level, :target, :message)",
}
"""How a row of each table of the story is inserted."""
