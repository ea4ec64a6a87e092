CREATE TABLE download (
    id          INTEGER PRIMARY KEY,
    release_id  INTEGER NOT NULL REFERENCES release (id) ON DELETE CASCADE,
    state       TEXT NOT NULL CHECK (state IN ('queued', 'running', 'seeding', 'imported', 'failed')),
    done_bytes  INTEGER NOT NULL DEFAULT 0,
    started_at  TEXT NOT NULL
);

CREATE INDEX download_unfinished ON download (state) WHERE state IN ('queued', 'running');
