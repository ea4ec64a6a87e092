CREATE TABLE film (
    id                 INTEGER PRIMARY KEY,
    title              TEXT NOT NULL,
    sort_title         TEXT NOT NULL,
    year               INTEGER NOT NULL,
    runtime_minutes    INTEGER NOT NULL,
    overview           TEXT NOT NULL,
    genres             TEXT NOT NULL CHECK (json_valid(genres)),
    thumbnail          BLOB,
    monitored          BOOLEAN NOT NULL DEFAULT TRUE,
    quality_profile_id INTEGER NOT NULL REFERENCES quality_profile (id),
    added_at           TEXT NOT NULL
);

CREATE INDEX film_by_sort_title ON film (sort_title, year);
CREATE INDEX film_by_added_at ON film (added_at);
