CREATE TABLE IF NOT EXISTS config (
    id                             INTEGER PRIMARY KEY CHECK (id = 1),
    api_key                        TEXT NOT NULL,
    data_path                      TEXT NOT NULL,
    media_library_path             TEXT DEFAULT '',
    download_path                  TEXT DEFAULT '',
    listen_address                 TEXT DEFAULT '0.0.0.0',
    listen_port                    INTEGER NOT NULL DEFAULT 80,
    base_url                       TEXT DEFAULT '',
    session_signing_key            TEXT,
    ffmpeg_path                    TEXT DEFAULT '',
    tmdb_api_key                   TEXT DEFAULT '',
    vpn_private_key                TEXT,
    vpn_port_forward_api_key       TEXT,
    opensubtitles_api_key          TEXT,
    opensubtitles_password         TEXT,
    trakt_client_id                TEXT,
    trakt_client_secret            TEXT,
    mdblist_api_key                TEXT,
    max_concurrent_intro_analyses  INTEGER NOT NULL DEFAULT 1,
    definitions_last_refreshed_at  TEXT,
    definitions_auto_refresh_enabled INTEGER NOT NULL DEFAULT 0,
    backup_enabled                 INTEGER NOT NULL DEFAULT 1,
    backup_schedule                TEXT NOT NULL DEFAULT 'daily',
    backup_time                    TEXT NOT NULL DEFAULT '03:00',
    backup_location_path           TEXT NOT NULL DEFAULT '',
    backup_retention_count         INTEGER NOT NULL DEFAULT 7
);

CREATE TABLE IF NOT EXISTS backup (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    kind            TEXT NOT NULL,
    filename        TEXT NOT NULL,
    size_bytes      INTEGER NOT NULL,
    kino_version    TEXT NOT NULL,
    schema_version  INTEGER NOT NULL,
    checksum_sha256 TEXT NOT NULL,
    created_at      TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_backup_kind_created ON backup (kind, created_at DESC);

CREATE TABLE IF NOT EXISTS movie (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    tmdb_id    INTEGER NOT NULL UNIQUE,
    title      TEXT NOT NULL,
    year       INTEGER,
    overview   TEXT,
    monitored  INTEGER NOT NULL DEFAULT 1,
    added_at   TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS show (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    tmdb_id    INTEGER NOT NULL UNIQUE,
    title      TEXT NOT NULL,
    year       INTEGER,
    overview   TEXT,
    added_at   TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS season (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    show_id INTEGER NOT NULL REFERENCES show (id) ON DELETE CASCADE,
    number  INTEGER NOT NULL,
    UNIQUE (show_id, number)
);
CREATE TABLE IF NOT EXISTS episode (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    season_id         INTEGER NOT NULL REFERENCES season (id) ON DELETE CASCADE,
    number            INTEGER NOT NULL,
    title             TEXT NOT NULL,
    overview          TEXT,
    intro_analysis_at TEXT,
    UNIQUE (season_id, number)
);
CREATE TABLE IF NOT EXISTS media (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    movie_id            INTEGER REFERENCES movie (id) ON DELETE CASCADE,
    episode_id          INTEGER REFERENCES episode (id) ON DELETE CASCADE,
    file_path           TEXT NOT NULL UNIQUE,
    size_bytes          INTEGER NOT NULL,
    trickplay_generated INTEGER NOT NULL DEFAULT 0,
    added_at            TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS playback_progress (
    media_id    INTEGER PRIMARY KEY REFERENCES media (id) ON DELETE CASCADE,
    position_ms INTEGER NOT NULL,
    updated_at  TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS release (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    indexer_id INTEGER NOT NULL REFERENCES indexer (id) ON DELETE CASCADE,
    title      TEXT NOT NULL,
    info_hash  TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    seeders    INTEGER NOT NULL,
    seen_at    TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS download (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    title        TEXT NOT NULL,
    state        TEXT NOT NULL,
    torrent_hash TEXT,
    output_path  TEXT,
    added_at     TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS indexer (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT NOT NULL,
    api_key       TEXT,
    settings_json TEXT
);
CREATE TABLE IF NOT EXISTS webhook_target (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    url     TEXT NOT NULL,
    headers TEXT
);
CREATE TABLE IF NOT EXISTS trakt_auth (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    access_token  TEXT NOT NULL,
    refresh_token TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS session (
    id         TEXT PRIMARY KEY,
    label      TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS cast_device (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    capabilities INTEGER
);
CREATE TABLE IF NOT EXISTS scheduler_state (
    task_name   TEXT PRIMARY KEY,
    last_run_at TEXT
);
CREATE TABLE IF NOT EXISTS history (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    event_type TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS log_entry (
    id      INTEGER PRIMARY KEY,
    ts_us   INTEGER NOT NULL,
    level   INTEGER NOT NULL,
    target  TEXT NOT NULL,
    message TEXT NOT NULL
) STRICT;
