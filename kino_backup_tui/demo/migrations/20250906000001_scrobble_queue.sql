CREATE TABLE scrobble_queue (
    id            INTEGER PRIMARY KEY,
    user_id       INTEGER NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    media_file_id INTEGER NOT NULL REFERENCES media_file (id) ON DELETE CASCADE,
    action        TEXT NOT NULL CHECK (action IN ('start', 'pause', 'stop')),
    percent       REAL NOT NULL,
    attempts      INTEGER NOT NULL DEFAULT 0,
    queued_at     TEXT NOT NULL
);

CREATE INDEX scrobble_queue_by_queued_at ON scrobble_queue (queued_at);
