CREATE TABLE log_entry (
    id      INTEGER PRIMARY KEY,
    at      TEXT NOT NULL,
    level   INTEGER NOT NULL,
    target  TEXT NOT NULL,
    message TEXT NOT NULL,
    fields  TEXT
) STRICT;

CREATE INDEX log_entry_by_at ON log_entry (at);
CREATE INDEX log_entry_by_level ON log_entry (level, at);
