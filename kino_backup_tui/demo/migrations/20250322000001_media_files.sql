CREATE TABLE media_file (
    id         INTEGER PRIMARY KEY,
    film_id    INTEGER REFERENCES film (id) ON DELETE CASCADE,
    episode_id INTEGER REFERENCES episode (id) ON DELETE CASCADE,
    path       TEXT NOT NULL UNIQUE,
    size_bytes INTEGER NOT NULL,
    probe      TEXT NOT NULL CHECK (json_valid(probe)),
    added_at   TEXT NOT NULL,
    CHECK ((film_id IS NULL) <> (episode_id IS NULL))
);

CREATE INDEX media_file_by_film ON media_file (film_id) WHERE film_id IS NOT NULL;
CREATE INDEX media_file_by_episode ON media_file (episode_id) WHERE episode_id IS NOT NULL;
