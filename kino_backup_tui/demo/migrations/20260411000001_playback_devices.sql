CREATE TABLE playback_device (
    id       INTEGER PRIMARY KEY,
    name     TEXT NOT NULL UNIQUE,
    seen_at  TEXT NOT NULL
);

ALTER TABLE watch_event ADD COLUMN device_id INTEGER REFERENCES playback_device (id) ON DELETE SET NULL;

CREATE INDEX watch_event_by_device ON watch_event (device_id) WHERE device_id IS NOT NULL;
