CREATE TABLE series (
    id                 INTEGER PRIMARY KEY,
    title              TEXT NOT NULL,
    sort_title         TEXT NOT NULL,
    year               INTEGER NOT NULL,
    overview           TEXT NOT NULL,
    running            BOOLEAN NOT NULL,
    quality_profile_id INTEGER NOT NULL REFERENCES quality_profile (id),
    added_at           TEXT NOT NULL
);

CREATE INDEX series_by_sort_title ON series (sort_title, year);

CREATE TABLE season (
    id        INTEGER PRIMARY KEY,
    series_id INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE,
    number    INTEGER NOT NULL,
    added_at  TEXT NOT NULL,
    UNIQUE (series_id, number)
);

CREATE TABLE episode (
    id              INTEGER PRIMARY KEY,
    season_id       INTEGER NOT NULL REFERENCES season (id) ON DELETE CASCADE,
    number          INTEGER NOT NULL,
    title           TEXT NOT NULL,
    overview        TEXT NOT NULL,
    runtime_minutes INTEGER NOT NULL,
    added_at        TEXT NOT NULL,
    UNIQUE (season_id, number)
);

CREATE INDEX episode_by_added_at ON episode (added_at);
