CREATE TABLE watch_progress (
    user_id       INTEGER NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    media_file_id INTEGER NOT NULL REFERENCES media_file (id) ON DELETE CASCADE,
    position_ms   INTEGER NOT NULL,
    updated_at    TEXT NOT NULL,
    PRIMARY KEY (user_id, media_file_id)
) WITHOUT ROWID;

CREATE TABLE watch_event (
    id            INTEGER PRIMARY KEY,
    user_id       INTEGER NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    media_file_id INTEGER NOT NULL REFERENCES media_file (id) ON DELETE CASCADE,
    started_at    TEXT NOT NULL,
    watched_ms    INTEGER NOT NULL,
    completed     BOOLEAN NOT NULL
);

CREATE INDEX watch_event_by_user ON watch_event (user_id, started_at);
CREATE INDEX watch_event_by_media_file ON watch_event (media_file_id);
