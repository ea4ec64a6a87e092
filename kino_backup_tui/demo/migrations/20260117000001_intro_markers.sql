CREATE TABLE marker (
    id         INTEGER PRIMARY KEY,
    episode_id INTEGER NOT NULL REFERENCES episode (id) ON DELETE CASCADE,
    kind       TEXT NOT NULL CHECK (kind IN ('intro', 'credits')),
    start_ms   INTEGER NOT NULL,
    end_ms     INTEGER NOT NULL CHECK (end_ms > start_ms),
    found_at   TEXT NOT NULL,
    UNIQUE (episode_id, kind)
);
