CREATE TABLE indexer (
    id       INTEGER PRIMARY KEY,
    name     TEXT NOT NULL UNIQUE,
    url      TEXT NOT NULL,
    priority INTEGER NOT NULL DEFAULT 25,
    enabled  BOOLEAN NOT NULL DEFAULT TRUE,
    added_at TEXT NOT NULL
);

CREATE TABLE release (
    id         INTEGER PRIMARY KEY,
    indexer_id INTEGER NOT NULL REFERENCES indexer (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    info_hash  TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    seeders    INTEGER NOT NULL,
    score      REAL NOT NULL,
    seen_at    TEXT NOT NULL
);

CREATE INDEX release_by_info_hash ON release (info_hash);
CREATE INDEX release_by_seen_at ON release (seen_at);
